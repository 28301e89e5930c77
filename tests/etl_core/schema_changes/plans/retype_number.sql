-- A larger number type: the column is rebuilt
-- actual:  id bigint, n integer
-- desired: id bigint, n bigint
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" BIGINT;  -- retype: n: type integer becomes bigint
UPDATE "public"."t" SET "etl_new_1"=CAST("n" AS BIGINT);  -- retype: n: type integer becomes bigint; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- retype: the new column takes the name

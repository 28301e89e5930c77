-- Two columns are rebuilt, one after the other
-- actual:  a integer, b integer
-- desired: a bigint, b numeric(20,0)
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" BIGINT;  -- retype: a: type integer becomes bigint
UPDATE "public"."t" SET "etl_new_1"=CAST("a" AS BIGINT);  -- retype: a: type integer becomes bigint; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "a";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "a";  -- retype: the new column takes the name
ALTER TABLE "public"."t" ADD COLUMN "etl_new_2" NUMERIC(20, 0);  -- retype: b: type integer becomes numeric(20,0)
UPDATE "public"."t" SET "etl_new_2"=CAST("b" AS NUMERIC(20, 0));  -- retype: b: type integer becomes numeric(20,0); every value must fit
ALTER TABLE "public"."t" DROP COLUMN "b";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_2" TO "b";  -- retype: the new column takes the name

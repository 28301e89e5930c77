-- The description is dropped with the old column and set again
-- actual:  n integer described "how many", id bigint
-- desired: n bigint, id bigint
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" BIGINT;  -- retype: n: type integer becomes bigint
UPDATE "public"."t" SET "etl_new_1"=CAST("n" AS BIGINT);  -- retype: n: type integer becomes bigint; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- retype: the new column takes the name
COMMENT ON COLUMN "public"."t"."n" IS 'how many';  -- safe: description of n, dropped with the old column

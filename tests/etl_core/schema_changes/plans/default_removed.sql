-- The default is removed
-- actual:  n integer default 1, id bigint
-- desired: n integer, id bigint
-- with:    allowed_changes=["default"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" INTEGER;  -- default: n: default 1 becomes none
UPDATE "public"."t" SET "etl_new_1"="n";  -- default: n: default 1 becomes none; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- default: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- default: the new column takes the name

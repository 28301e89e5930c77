-- A number gets fewer digits
-- actual:  n numeric(12,4), id bigint
-- desired: n numeric(9,2), id bigint
-- with:    allowed_changes=["narrow"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" NUMERIC(9, 2);  -- destructive: n: type numeric(12,4) becomes numeric(9,2)
UPDATE "public"."t" SET "etl_new_1"="n";  -- destructive: n: type numeric(12,4) becomes numeric(9,2); every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- destructive: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- destructive: the new column takes the name

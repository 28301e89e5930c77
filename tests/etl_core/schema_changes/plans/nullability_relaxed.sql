-- NULL becomes allowed: the column is rebuilt
-- actual:  n integer not null, id bigint
-- desired: n integer, id bigint
-- with:    allowed_changes=["nullability"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" INTEGER;  -- nullability: n: nullability not null becomes nullable
UPDATE "public"."t" SET "etl_new_1"="n";  -- nullability: n: nullability not null becomes nullable; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- nullability: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- nullability: the new column takes the name

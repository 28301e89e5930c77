-- NULL becomes forbidden: a row that holds NULL makes the plan fail
-- actual:  n integer default 0, id bigint
-- desired: n integer not null default 0, id bigint
-- with:    allowed_changes=["nullability"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" INTEGER DEFAULT 0 NOT NULL;  -- nullability: n: nullability nullable becomes not null
UPDATE "public"."t" SET "etl_new_1"="n";  -- nullability: n: nullability nullable becomes not null; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- nullability: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- nullability: the new column takes the name

-- All changed facets of a column take one rebuild
-- actual:  n integer, id bigint
-- desired: n bigint not null default 0, id bigint
-- with:    allowed_changes=["retype","nullability","default"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" BIGINT DEFAULT 0 NOT NULL;  -- retype: n: type integer becomes bigint, nullability nullable becomes not null, default none becomes 0
UPDATE "public"."t" SET "etl_new_1"=CAST("n" AS BIGINT);  -- retype: n: type integer becomes bigint, nullability nullable becomes not null, default none becomes 0; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- retype: the new column takes the name

-- The time of day is lost
-- actual:  at timestamp, id bigint
-- desired: at date, id bigint
-- with:    allowed_changes=["narrow"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" DATE;  -- destructive: at: type timestamp without time zone becomes date
UPDATE "public"."t" SET "etl_new_1"=CAST("at" AS DATE);  -- destructive: at: type timestamp without time zone becomes date; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "at";  -- destructive: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "at";  -- destructive: the new column takes the name

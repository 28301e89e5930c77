-- Every value must be a date
-- actual:  d varchar(20), id bigint
-- desired: d date, id bigint
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" DATE;  -- retype: d: type character varying(20) becomes date
UPDATE "public"."t" SET "etl_new_1"=CAST("d" AS DATE);  -- retype: d: type character varying(20) becomes date; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "d";  -- retype: its values are in the new column
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "d";  -- retype: under the old name

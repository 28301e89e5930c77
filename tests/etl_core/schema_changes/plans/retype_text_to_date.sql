-- A text becomes a date; a value that is no date makes the plan fail
-- actual:  d varchar(20), id bigint
-- desired: d date, id bigint
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" DATE;  -- retype: d: type character varying(20) becomes date
UPDATE "public"."t" SET "etl_new_1"=CAST(nullif("d", '') AS DATE);  -- retype: d: type character varying(20) becomes date; empty texts become NULL, every other value must fit
ALTER TABLE "public"."t" DROP COLUMN "d";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "d";  -- retype: the new column takes the name

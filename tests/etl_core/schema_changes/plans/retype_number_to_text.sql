-- A number becomes a text; a value that is too long makes the plan fail
-- actual:  n integer, id bigint
-- desired: n varchar(12), id bigint
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" VARCHAR(12);  -- retype: n: type integer becomes character varying(12)
UPDATE "public"."t" SET "etl_new_1"=CAST("n" AS VARCHAR(65535));  -- retype: n: type integer becomes character varying(12); every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- retype: the new column takes the name

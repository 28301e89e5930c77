-- ... but may be made anew
-- actual:  name varchar(32) default "x", a date
-- desired: name varchar(64) default "x", a date
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" VARCHAR(64) DEFAULT 'x';  -- retype: name: type character varying(32) becomes character varying(64)
UPDATE "public"."t" SET "etl_new_1"="name";  -- retype: name: type character varying(32) becomes character varying(64); every value must fit
ALTER TABLE "public"."t" DROP COLUMN "name";  -- retype: its values are in the new column
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "name";  -- retype: under the old name

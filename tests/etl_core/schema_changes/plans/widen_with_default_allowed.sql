-- A VARCHAR with a default is rebuilt with permission
-- actual:  name varchar(32) default "x", a date
-- desired: name varchar(64) default "x", a date
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" VARCHAR(64) DEFAULT 'x';  -- retype: name: type character varying(32) becomes character varying(64)
UPDATE "public"."t" SET "etl_new_1"="name";  -- retype: name: type character varying(32) becomes character varying(64); every value must fit
ALTER TABLE "public"."t" DROP COLUMN "name";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "name";  -- retype: the new column takes the name

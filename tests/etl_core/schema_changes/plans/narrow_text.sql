-- A text gets shorter; a value that is too long makes the plan fail
-- actual:  name varchar(64), id bigint
-- desired: name varchar(32), id bigint
-- with:    allowed_changes=["narrow"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" VARCHAR(32);  -- destructive: name: type character varying(64) becomes character varying(32)
UPDATE "public"."t" SET "etl_new_1"="name";  -- destructive: name: type character varying(64) becomes character varying(32); every value must fit
ALTER TABLE "public"."t" DROP COLUMN "name";  -- destructive: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "name";  -- destructive: the new column takes the name

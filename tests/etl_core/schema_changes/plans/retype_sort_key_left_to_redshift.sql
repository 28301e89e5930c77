-- A column of a sortkey that the file does not name is rebuilt without the key
-- actual:  n integer, id bigint
-- actual with: sortkey=["n"]
-- desired: n bigint, id bigint
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ALTER SORTKEY NONE;  -- autocommit, safe: the sortkey (n) of the table has columns that are dropped or rebuilt (n), and the schema file names none
ALTER TABLE "public"."t" ALTER SORTKEY AUTO;  -- autocommit, safe: the schema file leaves the sortkey to Redshift
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" BIGINT;  -- retype: n: type integer becomes bigint
UPDATE "public"."t" SET "etl_new_1"=CAST("n" AS BIGINT);  -- retype: n: type integer becomes bigint; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- retype: the new column takes the name

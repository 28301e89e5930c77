-- The file names no sortkey: the key, which Redshift may have chosen, is removed with its column, and Redshift may choose again
-- actual:  id bigint, at date
-- actual with: sortkey=["at"]
-- desired: id bigint
-- with:    allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" ALTER SORTKEY NONE;  -- autocommit, safe: the sortkey (at) of the table has columns that are dropped or rebuilt (at), and the schema file names none
ALTER TABLE "public"."t" ALTER SORTKEY AUTO;  -- autocommit, safe: the schema file leaves the sortkey to Redshift
ALTER TABLE "public"."t" DROP COLUMN "at";  -- destructive: at is not in the schema file

-- The key that goes is shown with the columns' new names
-- actual:  id bigint, at date, day date
-- actual with: sortkey=["id","at"]
-- desired: no bigint renamed from id, day date
-- with:    allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" ALTER SORTKEY NONE;  -- autocommit, safe: the sortkey (no, at) of the table has columns that are dropped or rebuilt (at), and the schema file names none
ALTER TABLE "public"."t" ALTER SORTKEY AUTO;  -- autocommit, safe: the schema file leaves the sortkey to Redshift
ALTER TABLE "public"."t" RENAME COLUMN "id" TO "no";  -- rename: no is renamed from id
ALTER TABLE "public"."t" DROP COLUMN "at";  -- destructive: at is not in the schema file

-- The column of the old sortkey is dropped if the file names another sortkey
-- actual:  id bigint, at date
-- actual with: sortkey=["at"]
-- desired: id bigint
-- with:    sortkey=["id"] allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" ALTER COMPOUND SORTKEY ("id");  -- autocommit, safe: the sortkey is (at) in the table and (id) in the schema file
ALTER TABLE "public"."t" DROP COLUMN "at";  -- destructive: at is not in the schema file

-- The column of the old distkey is dropped if the file names another diststyle
-- actual:  id bigint, at date
-- actual with: distkey="at"
-- desired: id bigint
-- with:    diststyle="EVEN" allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" ALTER DISTSTYLE EVEN;  -- autocommit, safe: the distribution is KEY(at) in the table and EVEN in the schema file
ALTER TABLE "public"."t" DROP COLUMN "at";  -- destructive: at is not in the schema file

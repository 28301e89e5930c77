-- A column is dropped if the file says so
-- actual:  id bigint, old date
-- desired: id bigint
-- with:    allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" DROP COLUMN "old";  -- destructive: old is not in the file

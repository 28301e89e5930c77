-- A column is dropped with permission
-- actual:  id bigint, old date
-- desired: id bigint
-- with:    allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" DROP COLUMN "old";  -- destructive: old is not in the schema file

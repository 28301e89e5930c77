-- A table needs at least one column: columns are added before others are dropped
-- actual:  a date
-- desired: b integer
-- with:    allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "b" INTEGER;  -- safe: b is new
ALTER TABLE "public"."t" DROP COLUMN "a";  -- destructive: a is not in the schema file

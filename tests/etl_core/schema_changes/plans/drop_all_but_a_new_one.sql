-- A table always has a column: additions come first
-- actual:  a date
-- desired: b integer
-- with:    allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "b" INTEGER;  -- safe: b is new
ALTER TABLE "public"."t" DROP COLUMN "a";  -- destructive: a is not in the file

-- A nullable column is added
-- actual:  id bigint
-- desired: id bigint, note varchar(16)
-- plan
ALTER TABLE "public"."t" ADD COLUMN "note" VARCHAR(16);  -- safe: note is new

-- A column is renamed
-- actual:  id bigint, name varchar(9)
-- desired: id bigint, title varchar(9) renamed from name
-- plan
ALTER TABLE "public"."t" RENAME COLUMN "name" TO "title";  -- rename: title is renamed from name

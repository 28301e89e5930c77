-- The primary key is dropped before its column
-- actual:  id bigint not null, a date
-- actual with: primary_key=["id"]
-- desired: a date
-- with:    allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" DROP CONSTRAINT "t_pkey";  -- safe: the primary key is (id) in the table and none in the schema file
ALTER TABLE "public"."t" DROP COLUMN "id";  -- destructive: id is not in the schema file

-- The primary key is removed
-- actual:  id bigint not null, b date
-- actual with: primary_key=["id"]
-- desired: id bigint not null, b date
-- plan
ALTER TABLE "public"."t" DROP CONSTRAINT "t_pkey";  -- safe: the primary key is (id) in the table and none in the schema file

-- The primary key follows the new name
-- actual:  id bigint not null, a date
-- actual with: primary_key=["id"]
-- desired: key bigint not null renamed from id, a date
-- with:    primary_key=["key"]
-- plan
ALTER TABLE "public"."t" RENAME COLUMN "id" TO "key";  -- rename: key is renamed from id

-- A new NOT NULL column has a default
-- actual:  id bigint
-- desired: id bigint, n integer not null default 0
-- plan
ALTER TABLE "public"."t" ADD COLUMN "n" INTEGER DEFAULT 0 NOT NULL;  -- safe: n is new

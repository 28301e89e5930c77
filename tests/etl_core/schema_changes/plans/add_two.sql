-- Redshift adds one column per statement
-- actual:  id bigint
-- desired: id bigint, a date, b boolean
-- plan
ALTER TABLE "public"."t" ADD COLUMN "a" DATE;  -- safe: a is new
ALTER TABLE "public"."t" ADD COLUMN "b" BOOLEAN;  -- safe: b is new

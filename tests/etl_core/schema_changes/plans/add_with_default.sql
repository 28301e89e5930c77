-- Existing rows get the default
-- actual:  id bigint
-- desired: id bigint, ok boolean default true, at timestamp default {"function": "SYSDATE"}
-- plan
ALTER TABLE "public"."t" ADD COLUMN "ok" BOOLEAN DEFAULT true;  -- safe: ok is new
ALTER TABLE "public"."t" ADD COLUMN "at" TIMESTAMP WITHOUT TIME ZONE DEFAULT SYSDATE;  -- safe: at is new

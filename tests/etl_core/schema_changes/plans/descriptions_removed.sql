-- An empty description removes the present one
-- actual:  id bigint described "old"
-- desired: id bigint described ""
-- plan
COMMENT ON COLUMN "public"."t"."id" IS '';  -- safe: description of id

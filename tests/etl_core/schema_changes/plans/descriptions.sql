-- Descriptions are set
-- actual:  id bigint described "old", b date
-- desired: id bigint described "it's \ new", b date described "when"
-- with:    description="things"
-- plan
COMMENT ON TABLE "public"."t" IS 'things';  -- safe: description of the table
COMMENT ON COLUMN "public"."t"."id" IS 'it''s \\ new';  -- safe: description of id
COMMENT ON COLUMN "public"."t"."b" IS 'when';  -- safe: description of b

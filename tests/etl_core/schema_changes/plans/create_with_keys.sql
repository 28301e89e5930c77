-- The table is created with keys, encodings and descriptions
-- actual:  no table
-- desired: id bigint not null, at timestamp encode zstd described "when", v numeric(9,2) default 1.5
-- with:    primary_key=["id"] distkey="id" sortkey=["at","id"] description="things"
-- plan
CREATE TABLE "public"."t" ( "id" BIGINT NOT NULL, "at" TIMESTAMP WITHOUT TIME ZONE ENCODE zstd, "v" NUMERIC(9, 2) DEFAULT 1.5, PRIMARY KEY ("id") ) DISTKEY ("id") SORTKEY ("at", "id");  -- safe: the table public.t is new
COMMENT ON TABLE "public"."t" IS 'things';  -- safe: description of the table
COMMENT ON COLUMN "public"."t"."at" IS 'when';  -- safe: description of at

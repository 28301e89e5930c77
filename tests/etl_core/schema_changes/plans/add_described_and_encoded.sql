-- A new column has a description and an encoding
-- actual:  id bigint
-- desired: id bigint, n varchar(9) encode zstd described "it's \ 5%"
-- plan
ALTER TABLE "public"."t" ADD COLUMN "n" VARCHAR(9) ENCODE zstd;  -- safe: n is new
COMMENT ON COLUMN "public"."t"."n" IS 'it''s \\ 5%';  -- safe: description of n

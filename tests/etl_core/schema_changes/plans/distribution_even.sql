-- Another diststyle, by itself
-- actual:  a bigint
-- desired: a bigint
-- with:    diststyle="EVEN"
-- plan
ALTER TABLE "public"."t" ALTER DISTSTYLE EVEN;  -- alone, safe: the distribution is AUTO in the table and EVEN in the schema file

-- A new diststyle runs in autocommit
-- actual:  a bigint
-- desired: a bigint
-- with:    diststyle="EVEN"
-- plan
ALTER TABLE "public"."t" ALTER DISTSTYLE EVEN;  -- autocommit, safe: the distribution is AUTO in the table and EVEN in the schema file

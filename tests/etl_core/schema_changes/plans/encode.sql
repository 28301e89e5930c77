-- A new encoding runs in autocommit
-- actual:  a bigint encode az64, b date
-- desired: a bigint encode zstd, b date
-- plan
ALTER TABLE "public"."t" ALTER COLUMN "a" ENCODE ZSTD;  -- autocommit, safe: column 'a': its encoding is az64 in the table and zstd in the schema file

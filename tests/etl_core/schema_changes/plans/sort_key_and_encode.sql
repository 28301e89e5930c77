-- A new sortkey sets the encoding of its columns to RAW; the file's encoding is set again after it
-- actual:  a varchar(9) encode lzo, b date
-- desired: a varchar(9) encode lzo, b date encode zstd
-- with:    sortkey=["a"]
-- plan
ALTER TABLE "public"."t" ALTER COMPOUND SORTKEY ("a");  -- autocommit, safe: the sortkey is none in the table and (a) in the schema file
ALTER TABLE "public"."t" ALTER COLUMN "a" ENCODE LZO;  -- autocommit, safe: column 'a': its encoding is raw in the table and lzo in the schema file
ALTER TABLE "public"."t" ALTER COLUMN "b" ENCODE ZSTD;  -- autocommit, safe: column 'b': its encoding is raw in the table and zstd in the schema file

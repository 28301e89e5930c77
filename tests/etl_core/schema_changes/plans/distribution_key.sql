-- A new distkey runs in autocommit
-- actual:  a bigint, b date
-- actual with: distkey="a"
-- desired: a bigint, b date
-- with:    distkey="b"
-- plan
ALTER TABLE "public"."t" ALTER DISTKEY "b";  -- autocommit, safe: the distribution is KEY(a) in the table and KEY(b) in the schema file

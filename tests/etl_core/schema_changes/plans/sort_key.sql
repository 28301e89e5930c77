-- A new sortkey runs in autocommit
-- actual:  a bigint, b date
-- actual with: sortkey=["a"]
-- desired: a bigint, b date
-- with:    sortkey=["b","a"]
-- plan
ALTER TABLE "public"."t" ALTER COMPOUND SORTKEY ("b", "a");  -- autocommit, safe: the sortkey is (a) in the table and (b, a) in the schema file

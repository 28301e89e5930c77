-- Another sort key, by itself
-- actual:  a bigint, b date
-- actual with: sortkey=["a"]
-- desired: a bigint, b date
-- with:    sortkey=["b","a"]
-- plan
ALTER TABLE "public"."t" ALTER COMPOUND SORTKEY ("b", "a");  -- alone, safe: the sortkey is (a) in the table and (b, a) in the schema file

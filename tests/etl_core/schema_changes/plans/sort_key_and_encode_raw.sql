-- The new sortkey has set RAW already; Redshift refuses the same encoding again
-- actual:  a varchar(9) encode lzo, b date
-- desired: a varchar(9) encode raw, b date
-- with:    sortkey=["a"]
-- plan
ALTER TABLE "public"."t" ALTER COMPOUND SORTKEY ("a");  -- autocommit, safe: the sortkey is none in the table and (a) in the schema file

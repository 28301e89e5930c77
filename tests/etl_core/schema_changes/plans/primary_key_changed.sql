-- The primary key changes
-- actual:  a bigint not null, b bigint not null
-- actual with: primary_key=["a"]
-- desired: a bigint not null, b bigint not null
-- with:    primary_key=["a","b"]
-- plan
ALTER TABLE "public"."t" DROP CONSTRAINT "t_pkey";  -- safe: the primary key is (a) in the table and (a, b) in the schema file
ALTER TABLE "public"."t" ADD PRIMARY KEY ("a", "b");  -- safe: the primary key is (a) in the table and (a, b) in the schema file

-- A NOT NULL column becomes the primary key
-- actual:  id bigint not null, b date
-- desired: id bigint not null, b date
-- with:    primary_key=["id"]
-- plan
ALTER TABLE "public"."t" ADD PRIMARY KEY ("id");  -- safe: the primary key is none in the table and (id) in the schema file

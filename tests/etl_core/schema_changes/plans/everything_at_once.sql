-- Many changes at once
-- actual:  id bigint not null, name varchar(20), x integer described "count", gone date
-- desired: id bigint not null, title varchar(40) renamed from name, x numeric(20,2) default 4, more boolean not null default true
-- with:    primary_key=["id"] sortkey=["title"] allowed_changes=["retype","default","drop"]
-- plan
ALTER TABLE "public"."t" ALTER COMPOUND SORTKEY ("name");  -- autocommit, safe: the sortkey is none in the table and (title) in the schema file
ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(40);  -- autocommit, widen: title grows from character varying(20)
ALTER TABLE "public"."t" RENAME COLUMN "name" TO "title";  -- rename: title is renamed from name
ALTER TABLE "public"."t" ADD COLUMN "more" BOOLEAN DEFAULT true NOT NULL;  -- safe: more is new
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" NUMERIC(20, 2) DEFAULT 4;  -- retype: x: type integer becomes numeric(20,2), default none becomes 4
UPDATE "public"."t" SET "etl_new_1"=CAST("x" AS NUMERIC(20, 2));  -- retype: x: type integer becomes numeric(20,2), default none becomes 4; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "x";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "x";  -- retype: the new column takes the name
ALTER TABLE "public"."t" DROP COLUMN "gone";  -- destructive: gone is not in the schema file
ALTER TABLE "public"."t" ADD PRIMARY KEY ("id");  -- safe: the primary key is none in the table and (id) in the schema file
COMMENT ON COLUMN "public"."t"."x" IS 'count';  -- safe: description of x, dropped with the old column

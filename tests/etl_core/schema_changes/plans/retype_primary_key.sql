-- The key is taken off and put on again
-- actual:  n integer not null default 0, a date
-- actual with: primary_key=["n"]
-- desired: n bigint not null default 0, a date
-- with:    primary_key=["n"] allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" DROP CONSTRAINT "t_pkey";  -- safe: the primary key is (n) in the table and (n) in the schema file; columns of a key stay as they are
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" BIGINT DEFAULT 0 NOT NULL;  -- retype: n: type integer becomes bigint
UPDATE "public"."t" SET "etl_new_1"=CAST("n" AS BIGINT);  -- retype: n: type integer becomes bigint; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- retype: its values are in the new column
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- retype: under the old name
ALTER TABLE "public"."t" ADD PRIMARY KEY ("n");  -- safe: the primary key is (n) in the table and (n) in the schema file

-- The primary key is dropped, and added again after the rebuild
-- actual:  n integer not null default 0, a date
-- actual with: primary_key=["n"]
-- desired: n bigint not null default 0, a date
-- with:    primary_key=["n"] allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" DROP CONSTRAINT "t_pkey";  -- safe: a column of the primary key (n) is rebuilt
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" BIGINT DEFAULT 0 NOT NULL;  -- retype: n: type integer becomes bigint
UPDATE "public"."t" SET "etl_new_1"=CAST("n" AS BIGINT);  -- retype: n: type integer becomes bigint; every value must fit
ALTER TABLE "public"."t" DROP COLUMN "n";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "n";  -- retype: the new column takes the name
ALTER TABLE "public"."t" ADD PRIMARY KEY ("n");  -- safe: a column of the primary key (n) is rebuilt

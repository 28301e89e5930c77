-- The VARCHAR is altered under its old name and renamed in the transaction
-- actual:  name varchar(32), a date
-- desired: title varchar(64) renamed from name, a date
-- plan
ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(64);  -- autocommit, widen: title grows from character varying(32)
ALTER TABLE "public"."t" RENAME COLUMN "name" TO "title";  -- rename: title is renamed from name

-- A longer VARCHAR comes before the transaction that adds columns
-- actual:  id bigint, name varchar(32)
-- desired: id bigint, name varchar(64), note varchar(16)
-- plan
ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(64);  -- autocommit, widen: name grows from character varying(32)
ALTER TABLE "public"."t" ADD COLUMN "note" VARCHAR(16);  -- safe: note is new

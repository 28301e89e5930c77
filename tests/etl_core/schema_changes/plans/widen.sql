-- A longer VARCHAR is altered in place, before the transaction
-- actual:  id bigint not null, name varchar(32)
-- desired: id bigint not null, name varchar(64)
-- plan
ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(64);  -- autocommit, widen: name grows from character varying(32)

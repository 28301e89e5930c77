-- A NOT NULL VARCHAR is altered in place
-- actual:  name varchar(32) not null
-- desired: name varchar(64) not null
-- plan
ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(64);  -- autocommit, widen: name grows from character varying(32)

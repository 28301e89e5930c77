-- VARCHAR(65535) is the longest
-- actual:  name varchar(32), a date
-- desired: name varchar(65535), a date
-- plan
ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(65535);  -- autocommit, widen: name grows from character varying(32)

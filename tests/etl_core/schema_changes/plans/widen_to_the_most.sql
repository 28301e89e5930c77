-- VARCHAR(65535) is the most
-- actual:  name varchar(32), a date
-- desired: name varchar(65535), a date
-- plan
ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(65535);  -- alone, widen: name grows from character varying(32)

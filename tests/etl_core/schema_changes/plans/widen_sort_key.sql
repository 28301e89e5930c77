-- A VARCHAR of the sortkey is altered in place
-- actual:  name varchar(32), a date
-- actual with: sortkey=["name"]
-- desired: name varchar(64), a date
-- with:    sortkey=["name"]
-- plan
ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(64);  -- autocommit, widen: name grows from character varying(32)

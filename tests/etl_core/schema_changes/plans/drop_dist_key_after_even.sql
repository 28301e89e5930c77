-- ... but after another style was named
-- actual:  id bigint, at date
-- actual with: distkey="at"
-- desired: id bigint
-- with:    diststyle="EVEN" allowed_changes=["drop"]
-- plan
ALTER TABLE "public"."t" ALTER DISTSTYLE EVEN;  -- alone, safe: the distribution is KEY(at) in the table and EVEN in the schema file
ALTER TABLE "public"."t" DROP COLUMN "at";  -- destructive: at is not in the file

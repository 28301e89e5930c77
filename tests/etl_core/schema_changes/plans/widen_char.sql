-- A longer CHAR is rebuilt
-- actual:  code char(2), a date
-- desired: code char(4), a date
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" CHAR(4);  -- retype: code: type character(2) becomes character(4)
UPDATE "public"."t" SET "etl_new_1"="code";  -- retype: code: type character(2) becomes character(4); every value must fit
ALTER TABLE "public"."t" DROP COLUMN "code";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "code";  -- retype: the new column takes the name

-- CHAR does not grow in place
-- actual:  code char(2), a date
-- desired: code char(4), a date
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" CHAR(4);  -- retype: code: type character(2) becomes character(4)
UPDATE "public"."t" SET "etl_new_1"="code";  -- retype: code: type character(2) becomes character(4); every value must fit
ALTER TABLE "public"."t" DROP COLUMN "code";  -- retype: its values are in the new column
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "code";  -- retype: under the old name

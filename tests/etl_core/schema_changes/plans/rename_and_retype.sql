-- A column gets a new name and a new type
-- actual:  id bigint, n varchar(9)
-- desired: id bigint, amount numeric(9,2) renamed from n
-- with:    allowed_changes=["retype"]
-- plan
ALTER TABLE "public"."t" RENAME COLUMN "n" TO "amount";  -- rename: amount is renamed from n
ALTER TABLE "public"."t" ADD COLUMN "etl_new_1" NUMERIC(9, 2);  -- retype: amount: type character varying(9) becomes numeric(9,2)
UPDATE "public"."t" SET "etl_new_1"=CAST(nullif("amount", '') AS NUMERIC(9, 2));  -- retype: amount: type character varying(9) becomes numeric(9,2); empty texts become NULL, every other value must fit
ALTER TABLE "public"."t" DROP COLUMN "amount";  -- retype: the new column has its values
ALTER TABLE "public"."t" RENAME COLUMN "etl_new_1" TO "amount";  -- retype: the new column takes the name

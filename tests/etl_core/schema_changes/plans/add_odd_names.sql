-- Names are reserved words, or contain spaces or percent signs
-- actual:  id bigint
-- desired: id bigint, "order" integer, "First name" varchar(9), "50%" integer
-- plan
ALTER TABLE "public"."t" ADD COLUMN "order" INTEGER;  -- safe: order is new
ALTER TABLE "public"."t" ADD COLUMN "first name" VARCHAR(9);  -- safe: first name is new
ALTER TABLE "public"."t" ADD COLUMN "50%" INTEGER;  -- safe: 50% is new

-- The table is created with an identity column
-- actual:  no table
-- desired: id bigint identity(1,1), v varchar(9)
-- plan
CREATE TABLE "public"."t" ( "id" BIGINT IDENTITY(1,1) NOT NULL, "v" VARCHAR(9) );  -- safe: the table public.t is new

-- The first schema file creates the table
-- actual:  no table
-- desired: Username varchar(50) not null, Identifier integer, "First name" varchar(100), "Last name" varchar(100)
-- plan
CREATE TABLE "public"."t" ( "username" VARCHAR(50) NOT NULL, "identifier" INTEGER, "first name" VARCHAR(100), "last name" VARCHAR(100) );  -- safe: the table public.t is new

-- The sortkey follows the new name
-- actual:  id bigint, at timestamp
-- actual with: sortkey=["at"]
-- desired: id bigint, moment timestamp renamed from at
-- with:    sortkey=["moment"]
-- plan
ALTER TABLE "public"."t" RENAME COLUMN "at" TO "moment";  -- rename: moment is renamed from at

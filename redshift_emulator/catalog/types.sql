-- Redshift's own types, with the numbers that its drivers know. Each has PostgreSQL's representation of another type.
-- SUPER is JSON text, VARBYTE is bytes. GEOMETRY, GEOGRAPHY and HLLSKETCH keep their text.

-- Creates a type in pg_catalog with a fixed number. A domain of this name, which an older catalog had, is renamed.
CREATE OR REPLACE FUNCTION pg_rs.make_type(name text, number oid, model text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given oid;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = number) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typname = name AND t.typtype = 'd') THEN
        EXECUTE format('ALTER DOMAIN pg_catalog.%I RENAME TO %I', name, name || '$old');
    END IF;
    EXECUTE format('CREATE TYPE pg_catalog.%I', name);
    EXECUTE format('CREATE FUNCTION pg_rs.%I(cstring) RETURNS pg_catalog.%I LANGUAGE internal IMMUTABLE STRICT AS %L',
                   name || '_in', name, model || 'in');
    EXECUTE format('CREATE FUNCTION pg_rs.%I(pg_catalog.%I) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS %L',
                   name || '_out', name, model || 'out');
    EXECUTE format('CREATE FUNCTION pg_rs.%I(internal) RETURNS pg_catalog.%I LANGUAGE internal IMMUTABLE STRICT AS %L',
                   name || '_recv', name, model || 'recv');
    EXECUTE format('CREATE FUNCTION pg_rs.%I(pg_catalog.%I) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS %L',
                   name || '_send', name, model || 'send');
    EXECUTE format('CREATE TYPE pg_catalog.%I (INPUT = pg_rs.%I, OUTPUT = pg_rs.%I, RECEIVE = pg_rs.%I, SEND = pg_rs.%I, LIKE = %s%s)',
                   name, name || '_in', name || '_out', name || '_recv', name || '_send', rtrim(model, '_'),
                   CASE model WHEN 'text' THEN ', COLLATABLE = true' ELSE '' END);
    SELECT t.oid INTO given FROM pg_catalog.pg_type t
    WHERE t.typname = name AND t.typnamespace = 'pg_catalog'::regnamespace;
    UPDATE pg_catalog.pg_type SET oid = number WHERE oid = given;
    UPDATE pg_catalog.pg_type SET typelem = number WHERE typelem = given;
    UPDATE pg_catalog.pg_proc SET prorettype = number WHERE prorettype = given;
    UPDATE pg_catalog.pg_proc SET proargtypes = number::text::oidvector WHERE proargtypes = given::text::oidvector;
    UPDATE pg_catalog.pg_depend SET objid = number WHERE classid = 'pg_type'::regclass AND objid = given;
    UPDATE pg_catalog.pg_depend SET refobjid = number WHERE refclassid = 'pg_type'::regclass AND refobjid = given;
END
$$;
SELECT pg_rs.make_type('super', 4000, 'json_');
SELECT pg_rs.make_type('varbyte', 6551, 'bytea');
SELECT pg_rs.make_type('geometry', 3000, 'text');
SELECT pg_rs.make_type('geography', 3001, 'text');
SELECT pg_rs.make_type('hllsketch', 2935, 'text');

DO $$
DECLARE
    pair text[];
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_cast WHERE castsource = 'super'::regtype) THEN
        RETURN;
    END IF;
    CREATE CAST (super AS json) WITHOUT FUNCTION AS IMPLICIT;
    CREATE CAST (json AS super) WITHOUT FUNCTION AS ASSIGNMENT;
    CREATE CAST (varbyte AS bytea) WITHOUT FUNCTION AS IMPLICIT;
    CREATE CAST (bytea AS varbyte) WITHOUT FUNCTION AS IMPLICIT;
    FOREACH pair SLICE 1 IN ARRAY ARRAY[['geometry', 'text'], ['geography', 'text'], ['hllsketch', 'text']] LOOP
        EXECUTE format('CREATE CAST (%I AS text) WITHOUT FUNCTION AS IMPLICIT', pair[1]);
        EXECUTE format('CREATE CAST (text AS %I) WITHOUT FUNCTION AS ASSIGNMENT', pair[1]);
    END LOOP;
END
$$;
-- SUPER as text: a string without quotes, null as NULL (r_SUPER_type).
CREATE OR REPLACE FUNCTION pg_rs.super_text(super) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::json #>> '{}' $$;
CREATE OR REPLACE FUNCTION pg_rs.super_varchar(super, integer, boolean) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN $2 > 4 THEN left(pg_rs.super_text($1), $2 - 4) ELSE pg_rs.super_text($1) END::varchar
$$;
-- A value of another kind becomes NULL in the lax mode that is the default (query-super, cast_super_null_on_error).
CREATE OR REPLACE FUNCTION pg_rs.super_number(super) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN pg_input_is_valid(pg_rs.super_text($1), 'numeric') THEN pg_rs.super_text($1)::numeric END
$$;
CREATE OR REPLACE FUNCTION pg_rs.super_boolean(super) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN pg_input_is_valid(pg_rs.super_text($1), 'boolean') THEN pg_rs.super_text($1)::boolean END
$$;
CREATE OR REPLACE FUNCTION pg_rs.varbyte_of(text) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_catalog.convert_to($1, 'UTF8')::varbyte
$$;
CREATE OR REPLACE FUNCTION pg_rs.varbyte_text(varbyte) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_catalog.convert_from($1::bytea, 'UTF8')
$$;
DO $$
DECLARE
    number text;
    target text;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_cast WHERE castsource = 'super'::regtype AND casttarget = 'text'::regtype) THEN
        RETURN;
    END IF;
    CREATE CAST (super AS text) WITH FUNCTION pg_rs.super_text(super) AS ASSIGNMENT;
    CREATE CAST (super AS varchar) WITH FUNCTION pg_rs.super_varchar(super, integer, boolean) AS ASSIGNMENT;
    CREATE CAST (text AS super) WITH INOUT AS ASSIGNMENT;
    CREATE CAST (super AS numeric) WITH FUNCTION pg_rs.super_number(super) AS ASSIGNMENT;
    CREATE CAST (super AS boolean) WITH FUNCTION pg_rs.super_boolean(super) AS ASSIGNMENT;
    CREATE CAST (text AS varbyte) WITH FUNCTION pg_rs.varbyte_of(text) AS ASSIGNMENT;
    CREATE CAST (varbyte AS text) WITH FUNCTION pg_rs.varbyte_text(varbyte) AS ASSIGNMENT;
    FOREACH target IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'real', 'double precision'] LOOP
        EXECUTE format('CREATE FUNCTION pg_rs.%I(super) RETURNS %s LANGUAGE sql IMMUTABLE STRICT AS %L', 'super_' || target, target,
                       'SELECT pg_rs.super_number($1)::' || target);
        EXECUTE format('CREATE CAST (super AS %s) WITH FUNCTION pg_rs.%I(super) AS ASSIGNMENT', target, 'super_' || target);
    END LOOP;
    FOREACH target IN ARRAY ARRAY['date', 'timestamp', 'timestamptz', 'time'] LOOP
        EXECUTE format('CREATE FUNCTION pg_rs.%I(super) RETURNS %s LANGUAGE sql STABLE STRICT AS %L', 'super_' || target, target,
                       format('SELECT CASE WHEN pg_input_is_valid(pg_rs.super_text($1), %L) THEN pg_rs.super_text($1)::%s END', target, target));
        EXECUTE format('CREATE CAST (super AS %s) WITH FUNCTION pg_rs.%I(super) AS ASSIGNMENT', target, 'super_' || target);
    END LOOP;
    FOREACH target IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'double precision', 'boolean'] LOOP
        EXECUTE format('CREATE FUNCTION pg_rs.%I(%s) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS %L', 'super_of', target,
                       'SELECT to_json($1)::super');
        EXECUTE format('CREATE CAST (%s AS super) WITH FUNCTION pg_rs.super_of(%s) AS ASSIGNMENT', target, target);
    END LOOP;
END
$$;

-- Columns with the domains of an older catalog.
DO $$
DECLARE
    used record;
BEGIN
    FOR used IN SELECT a.attrelid::regclass AS relation, a.attname, replace(t.typname, '$old', '') AS type,
                       CASE t.typname WHEN 'varbyte$old' THEN 'bytea' ELSE 'text' END AS base
                FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
                JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                WHERE t.typname LIKE '%$old' AND NOT a.attisdropped AND c.relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE pg_catalog.%I USING %I::%s::pg_catalog.%I',
                       used.relation, used.attname, used.type, used.attname, used.base, used.type);
    END LOOP;
END
$$;

-- Navigation: an attribute or an element, NULL if there is none (query-super).
CREATE OR REPLACE FUNCTION pg_rs.member(super, text) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT ($1::json -> $2)::super $$;
CREATE OR REPLACE FUNCTION pg_rs.member(super, integer) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT ($1::json -> $2)::super $$;
CREATE OR REPLACE FUNCTION pg_rs.elements(super) RETURNS SETOF super LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT value::super FROM json_array_elements(CASE json_typeof($1::json) WHEN 'array' THEN $1::json ELSE json_build_array($1::json) END)
$$;

-- The text without white space between its parts; the order of the members is kept.
CREATE OR REPLACE FUNCTION pg_rs.compact(json) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE json_typeof($1)
        WHEN 'object' THEN (SELECT '{' || coalesce(string_agg(to_json(key)::text || ':' || pg_rs.compact(value), ',' ORDER BY place), '') || '}'
                            FROM json_each($1) WITH ORDINALITY AS each (key, value, place))
        WHEN 'array' THEN (SELECT '[' || coalesce(string_agg(pg_rs.compact(value), ',' ORDER BY place), '') || ']'
                           FROM json_array_elements($1) WITH ORDINALITY AS each (value, place))
        ELSE btrim($1::text, E' \t\r\n') END;
END
$$;

-- ORDER BY, GROUP BY and DISTINCT of SUPER. The operators are not in pg_catalog, so that `body.name = 'x'` compares with a text.
CREATE OR REPLACE FUNCTION pg_rs.super_cmp(super, super) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN json_typeof($1::json) = 'number' AND json_typeof($2::json) = 'number'
        THEN sign(pg_rs.super_number($1) - pg_rs.super_number($2))::integer
        ELSE bttextcmp(pg_rs.compact($1::json), pg_rs.compact($2::json)) END
$$;
DO $$
DECLARE
    sign text;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_opclass WHERE opcname = 'super_ops') THEN
        RETURN;
    END IF;
    FOREACH sign IN ARRAY ARRAY['<', '<=', '=', '>=', '>'] LOOP
        EXECUTE format('CREATE FUNCTION pg_rs.%I(super, super) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS %L',
                       'super' || sign, format('SELECT pg_rs.super_cmp($1, $2) %s 0', sign));
        EXECUTE format('CREATE OPERATOR pg_rs.%s (LEFTARG = super, RIGHTARG = super, FUNCTION = pg_rs.%I)', sign, 'super' || sign);
    END LOOP;
    CREATE OPERATOR CLASS pg_rs.super_ops DEFAULT FOR TYPE super USING btree AS
        OPERATOR 1 pg_rs.<, OPERATOR 2 pg_rs.<=, OPERATOR 3 pg_rs.=, OPERATOR 4 pg_rs.>=, OPERATOR 5 pg_rs.>,
        FUNCTION 1 pg_rs.super_cmp(super, super);
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.octet_length(varbyte) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT octet_length($1::bytea) $$;
CREATE OR REPLACE FUNCTION pg_catalog.length(varbyte) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT octet_length($1::bytea) $$;
CREATE OR REPLACE FUNCTION pg_catalog.len(varbyte) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT octet_length($1::bytea) $$;

-- Implicit conversions of PostgreSQL 8.0 that Redshift has kept and PostgreSQL 18 has not: numbers, dates and booleans as
-- text in functions and LIKE, the operator + for texts, comparison of different types (c_Supported_data_types, r_concat_op).
-- A function for texts gets a variant for every other type. PostgreSQL prefers the one for texts for literals.

DO $$
DECLARE
    rest text;
    name text;
    spec text[];
    arguments text;
    types text;
BEGIN
    FOREACH spec SLICE 1 IN ARRAY ARRAY[
        ['len', '', 'integer'], ['length', '', 'integer'], ['char_length', '', 'integer'], ['character_length', '', 'integer'],
        ['octet_length', '', 'integer'], ['upper', '', 'text'], ['lower', '', 'text'], ['initcap', '', 'text'], ['reverse', '', 'text'],
        ['btrim', '', 'text'], ['ltrim', '', 'text'], ['rtrim', '', 'text'], ['btrim', 'text', 'text'], ['ltrim', 'text', 'text'],
        ['rtrim', 'text', 'text'], ['left', 'integer', 'text'], ['right', 'integer', 'text'], ['substr', 'integer', 'text'],
        ['substr', 'integer, integer', 'text'], ['substring', 'integer', 'text'], ['substring', 'integer, integer', 'text'],
        ['lpad', 'integer', 'text'], ['lpad', 'integer, text', 'text'], ['rpad', 'integer', 'text'], ['rpad', 'integer, text', 'text'],
        ['replace', 'text, text', 'text'], ['split_part', 'text, integer', 'text'], ['strpos', 'text', 'integer'],
        ['repeat', 'integer', 'text'], ['md5', '', 'text']
    ] LOOP
        name := spec[1];
        types := 'anynonarray' || CASE spec[2] WHEN '' THEN '' ELSE ', ' || spec[2] END;
        arguments := '$1::text' || coalesce((SELECT string_agg(', $' || n + 1, '' ORDER BY n)
                                             FROM generate_series(1, cardinality(string_to_array(nullif(spec[2], ''), ','))) n), '');
        IF to_regprocedure(format('pg_catalog.%I(%s)', name, types)) IS NULL THEN
            EXECUTE format('CREATE FUNCTION pg_catalog.%I(%s) RETURNS %s LANGUAGE sql STABLE STRICT AS %L',
                           name, types, spec[3], format('SELECT pg_catalog.%I(%s)', name, arguments));
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION pg_rs.plus(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 || $2 $$;
CREATE OR REPLACE FUNCTION pg_rs.plus_other(text, anynonarray) RETURNS text LANGUAGE sql STABLE STRICT AS $$ SELECT $1 || $2::text $$;
CREATE OR REPLACE FUNCTION pg_rs.like_text(anynonarray, text) RETURNS boolean LANGUAGE sql STABLE STRICT AS $$ SELECT $1::text LIKE $2 $$;
CREATE OR REPLACE FUNCTION pg_rs.not_like_text(anynonarray, text) RETURNS boolean LANGUAGE sql STABLE STRICT AS $$ SELECT $1::text NOT LIKE $2 $$;
CREATE OR REPLACE FUNCTION pg_rs.ilike_text(anynonarray, text) RETURNS boolean LANGUAGE sql STABLE STRICT AS $$ SELECT $1::text ILIKE $2 $$;
CREATE OR REPLACE FUNCTION pg_rs.not_ilike_text(anynonarray, text) RETURNS boolean LANGUAGE sql STABLE STRICT AS $$ SELECT $1::text NOT ILIKE $2 $$;
CREATE OR REPLACE FUNCTION pg_rs.match_text(anynonarray, text) RETURNS boolean LANGUAGE sql STABLE STRICT AS $$ SELECT $1::text ~ $2 $$;

-- Creates an operator unless the catalog has it.
CREATE OR REPLACE FUNCTION pg_rs.make_operator(name text, a text, b text, function text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regoperator(format('pg_catalog.%s(%s,%s)', name, a, b)) IS NULL THEN
        EXECUTE format('CREATE OPERATOR pg_catalog.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %s)', name, a, b, function);
    END IF;
END
$$;
SELECT pg_rs.make_operator('+', 'text', 'text', 'pg_rs.plus');
SELECT pg_rs.make_operator('~~', 'anynonarray', 'text', 'pg_rs.like_text');
SELECT pg_rs.make_operator('!~~', 'anynonarray', 'text', 'pg_rs.not_like_text');
SELECT pg_rs.make_operator('~~*', 'anynonarray', 'text', 'pg_rs.ilike_text');
SELECT pg_rs.make_operator('!~~*', 'anynonarray', 'text', 'pg_rs.not_ilike_text');
SELECT pg_rs.make_operator('~', 'anynonarray', 'text', 'pg_rs.match_text');

-- Comparisons: a BOOLEAN with a number, a text with a number, a SUPER with a value. A SUPER of another kind gives NULL.
DO $$
DECLARE
    sign text;
    pair text[];
    body text;
    name text;
BEGIN
    FOREACH sign IN ARRAY ARRAY['=', '<>', '<', '>', '<=', '>='] LOOP
        FOREACH pair SLICE 1 IN ARRAY ARRAY[
            ['boolean', 'integer', '$1::integer', '$2'], ['integer', 'boolean', '$1', '$2::integer'],
            ['text', 'bigint', '$1::numeric', '$2'], ['bigint', 'text', '$1', '$2::numeric'],
            ['text', 'integer', '$1::numeric', '$2'], ['integer', 'text', '$1', '$2::numeric'],
            ['super', 'numeric', 'pg_rs.super_number($1)', '$2'], ['numeric', 'super', '$1', 'pg_rs.super_number($2)'],
            ['super', 'text', 'CASE json_typeof($1::json) WHEN ''string'' THEN pg_rs.super_text($1) END', '$2'],
            ['text', 'super', '$1', 'CASE json_typeof($2::json) WHEN ''string'' THEN pg_rs.super_text($2) END'],
            ['super', 'boolean', 'pg_rs.super_boolean($1)', '$2'], ['super', 'super', 'pg_rs.compact($1::json)', 'pg_rs.compact($2::json)']
        ] LOOP
            name := 'compare_' || CASE sign WHEN '=' THEN 'eq' WHEN '<>' THEN 'ne' WHEN '<' THEN 'lt' WHEN '>' THEN 'gt'
                                            WHEN '<=' THEN 'le' ELSE 'ge' END;
            body := format('SELECT (%s) %s (%s)', pair[3], sign, pair[4]);
            EXECUTE format('CREATE OR REPLACE FUNCTION pg_rs.%I(%s, %s) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS %L',
                           name, pair[1], pair[2], body);
            IF pair[1] <> 'super' OR pair[2] <> 'super' THEN
                PERFORM pg_rs.make_operator(sign, pair[1], pair[2], 'pg_rs.' || name);
            END IF;
        END LOOP;
    END LOOP;
END
$$;

-- Arithmetic with SUPER gives SUPER; what is no number gives NULL (query-super).
DO $$
DECLARE
    sign text;
    pair text[];
BEGIN
    FOREACH sign IN ARRAY ARRAY['+', '-', '*', '/'] LOOP
        FOREACH pair SLICE 1 IN ARRAY ARRAY[['super', 'numeric', 'pg_rs.super_number($1)', '$2'],
                                            ['numeric', 'super', '$1', 'pg_rs.super_number($2)']] LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION pg_rs.%I(%s, %s) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS %L',
                           'compute_' || ascii(sign), pair[1], pair[2], format('SELECT to_json(%s %s %s)::super', pair[3], sign, pair[4]));
            PERFORM pg_rs.make_operator(sign, pair[1], pair[2], 'pg_rs.compute_' || ascii(sign));
        END LOOP;
    END LOOP;
END
$$;

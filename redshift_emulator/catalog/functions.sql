-- Functions of Redshift that PostgreSQL does not have, and the functions by which DDL statements record table metadata.

CREATE OR REPLACE FUNCTION pg_rs.version() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), '
        || 'Redshift 1.0.77467'
$$;

-- SYSDATE is the start of the transaction, GETDATE() the start of the statement in whole seconds.
-- Both are in the time zone of the session, without zone (pages r_SYSDATE and r_GETDATE).
CREATE OR REPLACE FUNCTION pg_catalog.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('redshift.block_began', true), '')::timestamptz, transaction_timestamp())::timestamp
$$;
CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
    SELECT date_trunc('second', statement_timestamp()::timestamp)
$$;
CREATE OR REPLACE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT char_length($1)
$$;
CREATE OR REPLACE FUNCTION pg_catalog.nvl2(anyelement, anycompatible, anycompatible) RETURNS anycompatible
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN $1 IS NULL THEN $3 ELSE $2 END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.nvl2(text, anycompatible, anycompatible) RETURNS anycompatible
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN $1 IS NULL THEN $3 ELSE $2 END
$$;
-- CONCAT takes two arguments and equals || (r_CONCAT).
CREATE OR REPLACE FUNCTION pg_rs.concat(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || $2 $$;
CREATE OR REPLACE FUNCTION pg_rs.concat(text, anynonarray) RETURNS text LANGUAGE sql STABLE AS $$ SELECT $1 || $2 $$;
CREATE OR REPLACE FUNCTION pg_rs.concat(anynonarray, text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT $1 || $2 $$;
CREATE OR REPLACE FUNCTION pg_rs.concat(bytea, bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || $2 $$;
-- Replaces every occurrence after a position (REGEXP_REPLACE). The parameters i and c work as in Redshift; p (PCRE) uses
-- PostgreSQL's own dialect, which is similar.
CREATE OR REPLACE FUNCTION pg_rs.regexp_replace(
    source text, pattern text, replacement text DEFAULT '', start integer DEFAULT 1, parameters text DEFAULT 'c'
) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN start > char_length(source) THEN source
        ELSE pg_catalog.regexp_replace(source, pattern, replacement, greatest(start, 1), 0, translate(parameters, 'p', '')) END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.charindex(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT strpos($2, $1)
$$;
CREATE OR REPLACE FUNCTION pg_catalog.trunc(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::date $$;
-- DATE_TRUNC of a date or a literal also gives a TIMESTAMP (r_DATE_TRUNC).
CREATE OR REPLACE FUNCTION pg_catalog.date_trunc(text, date) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT date_trunc($1, $2::timestamp)
$$;
CREATE OR REPLACE FUNCTION pg_catalog.date_trunc(text, text) RETURNS timestamp LANGUAGE sql STABLE STRICT AS $$
    SELECT date_trunc($1, $2::timestamp)
$$;
CREATE OR REPLACE FUNCTION pg_catalog.last_day(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (date_trunc('month', $1) + interval '1 month' - interval '1 day')::date
$$;
-- The last day of a month gives the last day of the other month (r_ADD_MONTHS).
CREATE OR REPLACE FUNCTION pg_catalog.add_months(timestamp, integer) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN $1::date = last_day($1)
        THEN last_day($1 + $2 * interval '1 month') + $1::time ELSE $1 + $2 * interval '1 month' END
$$;

-- All names of the date parts (r_Dateparts_for_datetime_functions).
CREATE OR REPLACE FUNCTION pg_rs.date_part_name(part text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE
        WHEN part ~* '^(year|years|y|yr|yrs)$' THEN 'year'
        WHEN part ~* '^(quarter|quarters|qtr|qtrs)$' THEN 'quarter'
        WHEN part ~* '^(month|months|mon|mons)$' THEN 'month'
        WHEN part ~* '^(week|weeks|w)$' THEN 'week'
        WHEN part ~* '^(day|days|d)$' THEN 'day'
        WHEN part ~* '^(hour|hours|h|hr|hrs)$' THEN 'hour'
        WHEN part ~* '^(minute|minutes|m|min|mins)$' THEN 'minute'
        WHEN part ~* '^(second|seconds|s|sec|secs)$' THEN 'second'
        WHEN part ~* '^(millisecond|milliseconds|ms|msec|msecs|msecond|mseconds|millisec|millisecs|millisecon)$' THEN 'millisecond'
        WHEN part ~* '^(microsecond|microseconds|us|usec|usecs|usecond|useconds|microsec|microsecs|microsecon)$' THEN 'microsecond'
    END;
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.date_add(part text, n bigint, at timestamp) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    name text := pg_rs.date_part_name(part);
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'DATEADD with the date part "%" is not supported by this emulator', part USING ERRCODE = '0A000';
    END IF;
    RETURN at + n * CASE name WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || name)::interval END;
END
$$;
-- DATEDIFF: the number of date part boundaries between two times. Weeks begin on Monday.
CREATE OR REPLACE FUNCTION pg_rs.date_diff(part text, a timestamp, b timestamp) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    name text := pg_rs.date_part_name(part);
    months bigint := (extract(year FROM b) - extract(year FROM a)) * 12 + extract(month FROM b) - extract(month FROM a);
BEGIN
    RETURN CASE name
        WHEN 'year' THEN extract(year FROM b) - extract(year FROM a)
        WHEN 'quarter' THEN (extract(year FROM b) - extract(year FROM a)) * 4 + extract(quarter FROM b) - extract(quarter FROM a)
        WHEN 'month' THEN months
        WHEN 'week' THEN (date_trunc('week', b)::date - date_trunc('week', a)::date) / 7
        WHEN 'day' THEN b::date - a::date
        WHEN 'hour' THEN extract(epoch FROM date_trunc('hour', b) - date_trunc('hour', a)) / 3600
        WHEN 'minute' THEN extract(epoch FROM date_trunc('minute', b) - date_trunc('minute', a)) / 60
        WHEN 'second' THEN extract(epoch FROM date_trunc('second', b) - date_trunc('second', a))
        WHEN 'millisecond' THEN extract(epoch FROM date_trunc('milliseconds', b) - date_trunc('milliseconds', a)) * 1000
        WHEN 'microsecond' THEN extract(epoch FROM b - a) * 1000000
    END;
END
$$;
-- One function for each type that an argument can have without a cast; TEXT is for literals. date_add and date_diff are
-- undocumented and take the date part as a string (sqlglot#1995, sqlglot#2491).
DO $$
DECLARE
    type text;
    kind text;
    name text;
BEGIN
    FOREACH type IN ARRAY ARRAY['text', 'date', 'timestamp', 'timestamptz'] LOOP
        kind := CASE type WHEN 'timestamptz' THEN 'timestamptz' ELSE 'timestamp' END;
        FOREACH name IN ARRAY ARRAY['dateadd', 'date_add'] LOOP
            EXECUTE format($f$CREATE OR REPLACE FUNCTION pg_catalog.%3$s(text, bigint, %1$s) RETURNS %2$s LANGUAGE sql STABLE STRICT
                AS 'SELECT pg_rs.date_add($1, $2, $3::timestamp)::%2$s'$f$, type, kind, name);
        END LOOP;
        FOREACH name IN ARRAY ARRAY['datediff', 'date_diff'] LOOP
            EXECUTE format($f$CREATE OR REPLACE FUNCTION pg_catalog.%2$s(text, %1$s, %1$s) RETURNS bigint LANGUAGE sql STABLE STRICT
                AS 'SELECT pg_rs.date_diff($1, $2::timestamp, $3::timestamp)'$f$, type, name);
        END LOOP;
    END LOOP;
END
$$;
-- AVG gives BIGINT for integers (decimals are truncated), NUMERIC with the scale of its argument for NUMERIC, else
-- DOUBLE PRECISION (r_AVG). The state is the count and the sum.
CREATE OR REPLACE FUNCTION pg_rs.add_to_average(numeric[], numeric) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN ARRAY[$1[1] + 1, $1[2] + $2];
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.add_to_average(numeric[], bigint) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN ARRAY[$1[1] + 1, $1[2] + $2];
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.numeric_average(numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN $1[1] > 0 THEN round($1[2] / $1[1], scale($1[2])) END
$$;
CREATE OR REPLACE FUNCTION pg_rs.whole_average(numeric[]) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN $1[1] > 0 THEN div($1[2], $1[1])::bigint END
$$;
CREATE OR REPLACE FUNCTION pg_rs.whole_average(bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN $1[1] > 0 THEN $1[2] / $1[1] END
$$;
CREATE OR REPLACE AGGREGATE pg_rs.avg(smallint) (
    SFUNC = int2_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = pg_rs.whole_average
);
CREATE OR REPLACE AGGREGATE pg_rs.avg(integer) (
    SFUNC = int4_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = pg_rs.whole_average
);
CREATE OR REPLACE AGGREGATE pg_rs.avg(bigint) (
    SFUNC = pg_rs.add_to_average, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = pg_rs.whole_average
);
CREATE OR REPLACE AGGREGATE pg_rs.avg(numeric) (
    SFUNC = pg_rs.add_to_average, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = pg_rs.numeric_average
);
CREATE OR REPLACE AGGREGATE pg_rs.avg(real) (
    SFUNC = float4_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg
);
CREATE OR REPLACE AGGREGATE pg_rs.avg(double precision) (
    SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg
);

CREATE OR REPLACE FUNCTION pg_rs.pg_last_copy_count(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE OR REPLACE FUNCTION pg_rs.pg_last_copy_id(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;

-- Encodings and their numbers. The numbers are this catalog's own; Redshift documents only the names.
CREATE OR REPLACE FUNCTION pg_rs.encodings() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['none', 'bytedict', 'delta', 'delta32k', 'lzo', 'mostly8', 'mostly16', 'mostly32', 'runlength',
                 'text255', 'text32k', 'zstd', 'az64']
$$;
CREATE OR REPLACE FUNCTION pg_catalog.format_encoding(integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((pg_rs.encodings())[$1 + 1], 'none')
$$;
CREATE OR REPLACE FUNCTION pg_rs.encoding_number(text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE $1 WHEN 'raw' THEN 0 ELSE array_position(pg_rs.encodings(), $1) - 1 END
$$;

-- The default encoding of a column (r_CREATE_TABLE_NEW).
CREATE OR REPLACE FUNCTION pg_rs.default_encoding(type oid, sortkeyord integer, temporary boolean) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_rs.encoding_number(CASE
        WHEN temporary OR sortkeyord <> 0 THEN 'raw'
        WHEN format_type(type, NULL) IN ('boolean', 'real', 'double precision', 'geometry', 'geography', 'hllsketch') THEN 'raw'
        WHEN format_type(type, NULL) IN ('character varying', 'character', 'bpchar', 'text', 'varbyte') THEN 'lzo'
        WHEN format_type(type, NULL) = 'super' THEN 'zstd'
        ELSE 'az64' END)
$$;

-- The type as Redshift writes it. Lengths are stored as in PostgreSQL's VARCHAR type modifier: length plus four.
CREATE OR REPLACE FUNCTION pg_rs.format_type(type oid, modifier integer) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN type = 'varbyte'::regtype
        THEN 'binary varying' || CASE WHEN modifier > 4 THEN '(' || modifier - 4 || ')' ELSE '' END
        ELSE pg_catalog.format_type(type, modifier) END
$$;

-- VARCHAR(n) and CHAR(n) count bytes. A check constraint per column enforces this; the session words its error from the
-- constraint's name, rs$len$<attnum>$<type>(<n>). Adds missing constraints and replaces the constraints of changed columns.
CREATE OR REPLACE FUNCTION pg_rs.guard_lengths(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    change text;
BEGIN
    SELECT string_agg(
        CASE WHEN k.oid IS NOT NULL THEN format('DROP CONSTRAINT %I, ', k.conname) ELSE '' END
        || format('ADD CONSTRAINT %I CHECK (octet_length(%I) <= %s)', w.name, a.attname, m.modifier - 4), ', ')
    INTO change
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind <> 'm'
    LEFT JOIN pg_rs.attribute r ON r.relid = a.attrelid AND r.attnum = a.attnum
    CROSS JOIN LATERAL (SELECT coalesce(r.length + 4, a.atttypmod) AS modifier) AS m
    CROSS JOIN LATERAL (SELECT 'rs$len$' || a.attnum || '$' || pg_rs.format_type(a.atttypid, m.modifier) AS name) AS w
    LEFT JOIN pg_catalog.pg_constraint k
        ON k.conrelid = a.attrelid AND k.contype = 'c' AND k.conname LIKE 'rs$len$%' AND k.conkey = ARRAY[a.attnum]
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
        AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype, 'varbyte'::regtype) AND m.modifier > 4
        AND (k.oid IS NULL OR k.conname <> w.name);
    IF change IS NOT NULL THEN
        EXECUTE 'ALTER TABLE ' || relation || ' ' || change;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION pg_rs.column_numbers(relation oid, names jsonb) RETURNS smallint[] LANGUAGE plpgsql AS $$
DECLARE
    numbers smallint[];
    missing text;
BEGIN
    SELECT array_agg(a.attnum ORDER BY n.place), min(n.name) FILTER (WHERE a.attnum IS NULL) INTO numbers, missing
    FROM jsonb_array_elements_text(names) WITH ORDINALITY AS n (name, place)
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attname = n.name AND a.attnum > 0;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'column "%" named in key does not exist', missing USING ERRCODE = '42703';
    END IF;
    RETURN numbers;
END
$$;

-- Records one declared key: {"name"?, "type": p|u|f, "columns": [..], "table"?: "s.t", "references"?: [..]}.
CREATE OR REPLACE FUNCTION pg_rs.note_key(relation regclass, note jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    target regclass := (note ->> 'table')::regclass;
    columns smallint[] := pg_rs.column_numbers(relation, note -> 'columns');
    referenced smallint[] := pg_rs.column_numbers(target, note -> 'references');
    bare text := (SELECT relname FROM pg_catalog.pg_class WHERE oid = relation);
    name text := note ->> 'name';
BEGIN
    IF note ->> 'type' = 'p' AND EXISTS (SELECT FROM pg_rs.key WHERE conrelid = relation AND contype = 'p') THEN
        RAISE EXCEPTION 'multiple primary keys for table "%" are not allowed', bare USING ERRCODE = '42P16';
    END IF;
    IF target IS NOT NULL AND referenced IS NULL THEN
        SELECT conkey INTO referenced FROM pg_rs.key WHERE conrelid = target AND contype = 'p';
    END IF;
    name := coalesce(name, CASE note ->> 'type'
        WHEN 'p' THEN bare || '_pkey'
        WHEN 'u' THEN bare || '_' || (note -> 'columns' ->> 0) || '_key'
        ELSE bare || '_' || (note -> 'columns' ->> 0) || '_fkey' END);
    INSERT INTO pg_rs.key (conname, conrelid, contype, conkey, confrelid, confkey)
    VALUES (name, relation, (note ->> 'type')::"char", columns, coalesce(target::oid, 0), referenced);
END
$$;

-- Records a new table. note: {"diststyle", "sort_auto", "encode_auto", "columns": {name: {"encoding"?, "distkey"?,
-- "sortkey"?, "identity"?, "by_default"?, "shown_nullable"?}}, "keys": [..], "like"?: "s.t"}. Does nothing for a table that is recorded already.
CREATE OR REPLACE FUNCTION pg_rs.note_table(relation regclass, note jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    source oid := (note ->> 'like')::regclass;
    temporary boolean := (SELECT relpersistence = 't' FROM pg_catalog.pg_class WHERE oid = relation);
BEGIN
    IF EXISTS (SELECT FROM pg_rs.relation r WHERE r.oid = relation) THEN
        RETURN;
    END IF;
    INSERT INTO pg_rs.relation (oid, diststyle, sort_auto, encode_auto)
    SELECT relation, coalesce(s.diststyle, (note ->> 'diststyle')::smallint),
           coalesce(s.sort_auto, (note ->> 'sort_auto')::boolean), coalesce(s.encode_auto, (note ->> 'encode_auto')::boolean)
    FROM (VALUES (1)) AS one LEFT JOIN pg_rs.relation s ON s.oid = source;
    INSERT INTO pg_rs.attribute (relid, attnum, encoding, distkey, sortkeyord, identity, identity_by_default, shown_nullable, length)
    SELECT relation, a.attnum,
           coalesce(pg_rs.encoding_number(c ->> 'encoding'), s.encoding,
                    pg_rs.default_encoding(a.atttypid, coalesce((c ->> 'sortkey')::integer, 0), temporary)),
           coalesce((c ->> 'distkey')::boolean, s.distkey, false), coalesce((c ->> 'sortkey')::integer, s.sortkeyord, 0),
           c ->> 'identity', coalesce((c ->> 'by_default')::boolean, false), coalesce((c ->> 'shown_nullable')::boolean, false),
           CASE a.atttypid WHEN 'varbyte'::regtype THEN coalesce((c ->> 'length')::integer, s.length, 64000) END
    FROM pg_catalog.pg_attribute a
    CROSS JOIN LATERAL (SELECT note -> 'columns' -> a.attname::text AS c) AS given
    LEFT JOIN pg_rs.attribute s ON s.relid = source AND s.attnum =
        (SELECT o.attnum FROM pg_catalog.pg_attribute o WHERE o.attrelid = source AND o.attname = a.attname)
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped;
    PERFORM pg_rs.note_key(relation, k.note) FROM jsonb_array_elements(note -> 'keys') AS k (note);
    PERFORM pg_rs.guard_lengths(relation);
END
$$;

-- Records a materialized view: its statement, and its attributes as note_table() takes them.
CREATE OR REPLACE FUNCTION pg_rs.note_materialized_view(relation regclass, note jsonb, statement text, auto_refresh boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_rs.note_table(relation, note);
    INSERT INTO pg_rs.mat_view (oid, statement, auto_refresh) VALUES (relation, statement, auto_refresh);
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.set_auto_refresh(relation regclass, wanted boolean) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_rs.mat_view SET auto_refresh = wanted WHERE oid = relation
$$;

-- Records added columns and removes the records of dropped ones.
CREATE OR REPLACE FUNCTION pg_rs.note_columns(relation regclass, columns jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_rs.attribute (relid, attnum, encoding, distkey, sortkeyord, length)
    SELECT relation, a.attnum,
           coalesce(pg_rs.encoding_number(columns -> a.attname::text ->> 'encoding'),
                    pg_rs.default_encoding(a.atttypid, 0, c.relpersistence = 't')), false, 0,
           (columns -> a.attname::text ->> 'length')::integer
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
    ON CONFLICT DO NOTHING;
    DELETE FROM pg_rs.attribute r USING pg_catalog.pg_attribute a
    WHERE r.relid = relation AND a.attrelid = relation AND a.attnum = r.attnum AND a.attisdropped;
    DELETE FROM pg_rs.key k WHERE k.conrelid = relation AND EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = relation AND a.attnum = ANY (k.conkey) AND a.attisdropped);
    PERFORM pg_rs.guard_lengths(relation);
END
$$;

-- The definition of a declared key, in the format of pg_get_constraintdef().
CREATE OR REPLACE FUNCTION pg_rs.column_list(relation oid, numbers smallint[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY n.place)
    FROM unnest(numbers) WITH ORDINALITY AS n (attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attnum = n.attnum
$$;
CREATE OR REPLACE FUNCTION pg_rs.pg_get_constraintdef(key oid, pretty boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE k.contype
        WHEN 'p' THEN 'PRIMARY KEY (' || pg_rs.column_list(k.conrelid, k.conkey) || ')'
        WHEN 'u' THEN 'UNIQUE (' || pg_rs.column_list(k.conrelid, k.conkey) || ')'
        ELSE 'FOREIGN KEY (' || pg_rs.column_list(k.conrelid, k.conkey) || ') REFERENCES ' || k.confrelid::regclass
             || coalesce('(' || pg_rs.column_list(k.confrelid, k.confkey) || ')', '') END
    FROM pg_rs.key k WHERE k.oid = pg_get_constraintdef.key
$$;

-- Column defaults are text in this catalog's pg_attrdef.
CREATE OR REPLACE FUNCTION pg_rs.pg_get_expr(expression text, relation oid, pretty boolean DEFAULT false) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT expression $$;
CREATE OR REPLACE FUNCTION pg_rs.default_text(expression text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(expression, 'sysdate()', '(''now''::text)::timestamp without time zone')
$$;

-- The full name for a stored name. Only stored names of 60 to 63 bytes can be shortened ones, so the table is read for these
-- only. That keeps searches by name cheap; COST tells PostgreSQL so.
CREATE OR REPLACE FUNCTION pg_rs.long_name_of(stored name) RETURNS text LANGUAGE sql STABLE COST 1 AS $$
    SELECT coalesce((SELECT l.name FROM pg_rs.long_name l WHERE l.short = stored), stored::text)
$$;
CREATE OR REPLACE FUNCTION pg_rs.full_name(stored name) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN octet_length(stored::text) < 60 THEN stored::text ELSE pg_rs.long_name_of(stored) END
$$;
-- NULL for a table that was dropped.
CREATE OR REPLACE FUNCTION pg_rs.schema_of(relation oid) RETURNS oid LANGUAGE sql STABLE AS $$
    SELECT c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid = relation
$$;

-- The number of rows of a table, for views that show it.
CREATE OR REPLACE FUNCTION pg_rs.row_count(relation regclass) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    rows bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM ' || relation INTO rows;
    RETURN rows;
END
$$;

-- SHOW TABLE: the statement that creates the table (r_SHOW_TABLE).
CREATE OR REPLACE FUNCTION pg_rs.show_table(schema_name text, table_name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    relation oid := to_regclass(format('%I.%I', schema_name, table_name));
    books pg_rs.relation;
    lines text;
    sorted text;
    sign integer;
BEGIN
    SELECT * INTO books FROM pg_rs.relation r WHERE r.oid = relation;
    IF books.oid IS NULL THEN
        RAISE EXCEPTION 'relation "%.%" does not exist', schema_name, table_name USING ERRCODE = '42P01';
    END IF;
    SELECT string_agg('    ' || line, E',\n' ORDER BY place) INTO lines FROM (
        SELECT c.attnum::integer AS place, quote_ident(c.column_name) || ' ' || c.type
            || CASE WHEN c.attnotnull THEN ' NOT NULL' ELSE '' END
            || CASE WHEN a.identity_by_default THEN ' GENERATED BY DEFAULT AS IDENTITY(' || a.identity || ')'
                    WHEN a.identity IS NOT NULL THEN ' IDENTITY(' || a.identity || ')'
                    WHEN c."default" IS NOT NULL THEN ' DEFAULT ' || c."default" ELSE '' END
            || CASE WHEN c.encoding = 'none' THEN '' ELSE ' ENCODE ' || c.encoding END
            || CASE WHEN c.attisdistkey THEN ' distkey' ELSE '' END AS line
        FROM pg_rs.columns c JOIN pg_rs.attribute a ON a.relid = c.table_oid AND a.attnum = c.attnum
        WHERE c.table_oid = relation
        UNION ALL
        SELECT 2000 + row_number() OVER (ORDER BY k.oid)::integer, pg_rs.pg_get_constraintdef(k.oid) FROM pg_rs.key k
        WHERE k.conrelid = relation) AS each;
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY abs(attsortkeyord)), min(attsortkeyord) INTO sorted, sign
    FROM pg_rs.pg_attribute WHERE attrelid = relation AND attsortkeyord <> 0;
    RETURN 'CREATE TABLE ' || quote_ident(schema_name) || '.' || quote_ident(table_name) || E' (\n' || lines || E'\n)\nDISTSTYLE '
        || CASE books.diststyle WHEN 0 THEN 'EVEN' WHEN 1 THEN 'KEY' WHEN 8 THEN 'ALL' ELSE 'AUTO' END
        || coalesce(CASE WHEN sign < 0 THEN E'\nINTERLEAVED' ELSE E'\n' END || ' SORTKEY ( ' || sorted || ' )', '') || ';';
END
$$;

-- The changes that ALTER TABLE makes to the records. The caller has checked names and numbers.
CREATE OR REPLACE FUNCTION pg_rs.set_encode_auto(relation regclass, auto boolean) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_rs.relation SET encode_auto = auto WHERE oid = $1
$$;
CREATE OR REPLACE FUNCTION pg_rs.set_encoding(relation regclass, attnum integer, encoding text) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_rs.attribute a SET encoding = pg_rs.encoding_number(set_encoding.encoding)
    WHERE a.relid = relation AND a.attnum = set_encoding.attnum
$$;
CREATE OR REPLACE FUNCTION pg_rs.set_length(relation regclass, attnum integer, length integer) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_rs.attribute a SET length = set_length.length WHERE a.relid = relation AND a.attnum = set_length.attnum
$$;
-- COPY into an empty table chooses encodings by type: always, or only if every column is RAW (copy-parameters-data-load).
CREATE OR REPLACE FUNCTION pg_rs.choose_encodings(relation regclass, raw_only boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    filled boolean;
BEGIN
    IF raw_only AND EXISTS (SELECT FROM pg_rs.attribute WHERE relid = relation AND encoding <> 0) THEN
        RETURN;
    END IF;
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || relation || ')' INTO filled;
    IF NOT filled THEN
        UPDATE pg_rs.attribute r SET encoding = pg_rs.default_encoding(a.atttypid, r.sortkeyord, c.relpersistence = 't')
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        WHERE r.relid = relation AND a.attrelid = relation AND a.attnum = r.attnum;
    END IF;
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.set_diststyle(relation regclass, style integer, key integer) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_rs.relation SET diststyle = style WHERE oid = $1;
    UPDATE pg_rs.attribute SET distkey = (attnum = key) WHERE relid = relation
$$;
CREATE OR REPLACE FUNCTION pg_rs.set_sort_auto(relation regclass, auto boolean) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_rs.relation SET sort_auto = auto WHERE oid = $1
$$;
-- A column of a new sort key gets the encoding RAW (r_ALTER_TABLE).
CREATE OR REPLACE FUNCTION pg_rs.set_sortkey(relation regclass, columns integer[]) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_rs.attribute SET sortkeyord = coalesce(array_position(columns, attnum::integer), 0),
        encoding = CASE WHEN attnum::integer = ANY (columns) THEN pg_rs.encoding_number('raw') ELSE encoding END
    WHERE relid = relation
$$;
CREATE OR REPLACE FUNCTION pg_rs.drop_key(relation regclass, name text) RETURNS SETOF oid LANGUAGE sql AS $$
    DELETE FROM pg_rs.key WHERE conrelid = relation AND conname = name RETURNING oid
$$;
CREATE OR REPLACE FUNCTION pg_rs.longest_value(relation regclass, attname text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    longest bigint;
BEGIN
    EXECUTE format('SELECT coalesce(max(octet_length(%I)), 0) FROM %s', attname, relation) INTO longest;
    RETURN longest;
END
$$;

CREATE OR REPLACE FUNCTION pg_rs.keep_long_name(short text, name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO pg_rs.long_name (short, name) VALUES (short, name) ON CONFLICT DO NOTHING
$$;
CREATE OR REPLACE FUNCTION pg_rs.password_verifier(name text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolcanlogin AND rolname = name
$$;

-- The column that a statement names and that does not exist; '' if PostgreSQL can prepare the statement or it fails otherwise.
CREATE OR REPLACE FUNCTION pg_rs.missing_column(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'PREPARE "rs$probe" AS ' || statement;
    DEALLOCATE "rs$probe";
    RETURN '';
EXCEPTION
    WHEN undefined_column THEN
        RETURN coalesce(substring(SQLERRM FROM '^column "([^"]+)" does not exist'), '');
    WHEN OTHERS THEN
        RETURN '';
END
$$;

-- Redshift's functions for dates, texts, JSON, hashes and statistics that PostgreSQL does not have. The pages are named after them.

-- EXTRACT gives only the part itself: no milliseconds with the seconds; decades as centuries (r_Dateparts_for_datetime_functions).
CREATE OR REPLACE FUNCTION pg_rs.extracted(part text, whole double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE part
        WHEN 'second' THEN trunc(whole)
        WHEN 'millisecond' THEN trunc(whole)::bigint % 1000
        WHEN 'microsecond' THEN trunc(whole)::bigint % 1000000
        WHEN 'decade' THEN whole + 1
        ELSE trunc(whole) END
$$;
DO $$
DECLARE
    type text;
BEGIN
    FOREACH type IN ARRAY ARRAY['date', 'timestamp', 'time', 'timetz', 'interval'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_rs.extract(part text, %s) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS %L',
                       type, 'SELECT pg_rs.extracted(part, date_part(part, $2))::integer');
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_rs.extract_epoch(%s) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS %L',
                       type, 'SELECT trunc(date_part(''epoch'', $1))::bigint');
    END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.extract(part text, text) RETURNS integer LANGUAGE sql STABLE STRICT AS $$
    SELECT pg_rs.extracted(part, date_part(part, $2::timestamp))::integer
$$;
CREATE OR REPLACE FUNCTION pg_rs.extract(part text, timestamptz) RETURNS double precision LANGUAGE sql STABLE STRICT AS $$
    SELECT pg_rs.extracted(part, date_part(part, $2))
$$;
CREATE OR REPLACE FUNCTION pg_rs.extract_epoch(timestamptz) RETURNS double precision LANGUAGE sql STABLE STRICT AS $$
    SELECT trunc(date_part('epoch', $1))
$$;
CREATE OR REPLACE FUNCTION pg_rs.extract_epoch(text) RETURNS bigint LANGUAGE sql STABLE STRICT AS $$
    SELECT trunc(date_part('epoch', $1::timestamp))::bigint
$$;

-- CONVERT_TIMEZONE: names and abbreviations; without a source, UTC. POSIX offsets count westward, as in PostgreSQL.
CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(source text, target text, at timestamp) RETURNS timestamp LANGUAGE sql STABLE STRICT AS $$
    SELECT at AT TIME ZONE source AT TIME ZONE target
$$;
CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(target text, at timestamp) RETURNS timestamp LANGUAGE sql STABLE STRICT AS $$
    SELECT at AT TIME ZONE 'UTC' AT TIME ZONE target
$$;

-- MONTHS_BETWEEN: whole months if the days are equal or both the last of their month; else a month has 31 days.
CREATE OR REPLACE FUNCTION pg_catalog.months_between(a timestamp, b timestamp) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (extract(year FROM a) - extract(year FROM b)) * 12 + extract(month FROM a) - extract(month FROM b)
        + CASE WHEN extract(day FROM a) = extract(day FROM b) OR (a::date = last_day(a) AND b::date = last_day(b)) THEN 0
          ELSE (extract(day FROM a) - extract(day FROM b) + extract(epoch FROM a::time - b::time) / 86400) / 31 END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.next_day(at timestamp, day text) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    number integer := CASE
        WHEN lower(day) IN ('su', 'sun', 'sunday') THEN 0
        WHEN lower(day) IN ('m', 'mo', 'mon', 'monday') THEN 1
        WHEN lower(day) IN ('tu', 'tue', 'tues', 'tuesday') THEN 2
        WHEN lower(day) IN ('w', 'we', 'wed', 'wednesday') THEN 3
        WHEN lower(day) IN ('th', 'thu', 'thurs', 'thursday') THEN 4
        WHEN lower(day) IN ('f', 'fr', 'fri', 'friday') THEN 5
        WHEN lower(day) IN ('sa', 'sat', 'saturday') THEN 6 END;
BEGIN
    IF number IS NULL THEN
        RAISE EXCEPTION 'invalid day name "%"', day USING ERRCODE = '22023';
    END IF;
    RETURN at::date + 1 + (number - extract(dow FROM at)::integer + 6) % 7;
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.to_timestamp(text, text, boolean) RETURNS timestamptz LANGUAGE sql STABLE STRICT AS $$
    SELECT to_timestamp($1, $2)
$$;

-- Functions of the language SQL are read with the session's setting of backslashes, so they contain none.
CREATE OR REPLACE FUNCTION pg_rs.has_group(pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT replace(replace(pattern, chr(92) || chr(92), ''), chr(92) || '(', '') ~ '[(]([^?]|$)'
$$;
-- REGEXP_SUBSTR, REGEXP_INSTR, REGEXP_COUNT. The parameter e asks for the first subexpression; p (PCRE) uses PostgreSQL's patterns.
CREATE OR REPLACE FUNCTION pg_rs.regexp_substr(
    source text, pattern text, start integer DEFAULT 1, occurrence integer DEFAULT 1, parameters text DEFAULT 'c'
) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN occurrence < 1 OR occurrence > char_length(source) THEN NULL
        WHEN start > char_length(source) THEN ''
        ELSE coalesce(pg_catalog.regexp_substr(source, pattern, greatest(start, 1), occurrence, translate(parameters, 'pe', ''),
            CASE WHEN parameters LIKE '%e%' AND pg_rs.has_group(pattern) THEN 1 ELSE 0 END), '') END
$$;
CREATE OR REPLACE FUNCTION pg_rs.regexp_instr(
    source text, pattern text, start integer DEFAULT 1, occurrence integer DEFAULT 1, after integer DEFAULT 0, parameters text DEFAULT 'c'
) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN start > char_length(source) THEN 0
        ELSE pg_catalog.regexp_instr(source, pattern, greatest(start, 1), greatest(occurrence, 1), after, translate(parameters, 'pe', ''),
            CASE WHEN parameters LIKE '%e%' AND pg_rs.has_group(pattern) THEN 1 ELSE 0 END) END
$$;
CREATE OR REPLACE FUNCTION pg_rs.regexp_count(source text, pattern text, start integer DEFAULT 1, parameters text DEFAULT 'c')
RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN start > char_length(source) THEN 0
        ELSE pg_catalog.regexp_count(source, pattern, greatest(start, 1), translate(parameters, 'pe', '')) END
$$;

CREATE OR REPLACE FUNCTION pg_catalog.round(double precision, integer) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT round($1::numeric, $2)::double precision
$$;
CREATE OR REPLACE FUNCTION pg_catalog.trunc(double precision, integer) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT trunc($1::numeric, $2)::double precision
$$;

-- Hashes and numbers in other bases.
CREATE OR REPLACE FUNCTION pg_catalog.sha2(source text, bits integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    bytes bytea := convert_to(source, 'UTF8');
BEGIN
    RETURN CASE bits
        WHEN 0 THEN encode(sha256(bytes), 'hex') WHEN 256 THEN encode(sha256(bytes), 'hex') WHEN 224 THEN encode(sha224(bytes), 'hex')
        WHEN 384 THEN encode(sha384(bytes), 'hex') WHEN 512 THEN encode(sha512(bytes), 'hex') END;
END
$$;
-- FIPS 180-4: PostgreSQL has no SHA-1 without an extension.
CREATE OR REPLACE FUNCTION pg_catalog.sha1(source text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    mask constant bigint := 4294967295;
    bytes bytea := convert_to(source, 'UTF8');
    bits bigint := octet_length(bytes) * 8;
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; x bigint;
BEGIN
    bytes := bytes || decode('80', 'hex');
    bytes := bytes || decode(repeat('00', (120 - octet_length(bytes) % 64) % 64), 'hex') || int8send(bits);
    FOR block IN 0 .. octet_length(bytes) / 64 - 1 LOOP
        FOR i IN 0 .. 79 LOOP
            IF i < 16 THEN
                x := block * 64 + i * 4;
                w[i] := (get_byte(bytes, x::integer)::bigint << 24) | (get_byte(bytes, x::integer + 1) << 16)
                    | (get_byte(bytes, x::integer + 2) << 8) | get_byte(bytes, x::integer + 3);
            ELSE
                x := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
                w[i] := ((x << 1) | (x >> 31)) & mask;
            END IF;
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR i IN 0 .. 79 LOOP
            IF i < 20 THEN
                f := (b & c) | ((~b & mask) & d); k := 1518500249;
            ELSIF i < 40 THEN
                f := b # c # d; k := 1859775393;
            ELSIF i < 60 THEN
                f := (b & c) | (b & d) | (c & d); k := 2400959708;
            ELSE
                f := b # c # d; k := 3395469782;
            END IF;
            x := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[i]) & mask;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := x;
        END LOOP;
        h := ARRAY[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
    END LOOP;
    RETURN (SELECT string_agg(lpad(to_hex(each), 8, '0'), '' ORDER BY place) FROM unnest(h) WITH ORDINALITY AS u (each, place));
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.sha(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT sha1($1) $$;
CREATE OR REPLACE FUNCTION pg_catalog.func_sha1(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT sha1($1) $$;
CREATE OR REPLACE FUNCTION pg_catalog.strtol(digits text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    text_ text := replace(lower(btrim(digits)), '0x', '');
    total numeric := 0;
    place integer;
BEGIN
    FOR i IN 1 .. char_length(ltrim(text_, '-')) LOOP
        place := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(ltrim(text_, '-'), i, 1)) - 1;
        IF place < 0 OR place >= base THEN
            RAISE EXCEPTION 'The input % is not valid to be converted to base %', digits, base USING ERRCODE = '22023';
        END IF;
        total := total * base + place;
    END LOOP;
    RETURN CASE WHEN text_ LIKE '-%' THEN -total ELSE total END;
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.dexp(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT exp($1) $$;
CREATE OR REPLACE FUNCTION pg_catalog.dlog1(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT ln($1) $$;
CREATE OR REPLACE FUNCTION pg_catalog.dlog10(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT log($1) $$;

-- VARBYTE (TO_VARBYTE, FROM_VARBYTE, TO_HEX, FROM_HEX).
CREATE OR REPLACE FUNCTION pg_catalog.to_varbyte(source text, format text) RETURNS varbyte LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE lower(format)
        WHEN 'hex' THEN decode(source, 'hex') WHEN 'base64' THEN decode(source, 'base64')
        WHEN 'utf8' THEN convert_to(source, 'UTF8') WHEN 'utf-8' THEN convert_to(source, 'UTF8') END::varbyte;
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.from_varbyte(source varbyte, format text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE lower(format)
        WHEN 'hex' THEN encode(source, 'hex') WHEN 'base64' THEN encode(source, 'base64')
        WHEN 'utf8' THEN convert_from(source, 'UTF8') WHEN 'utf-8' THEN convert_from(source, 'UTF8') END;
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.to_hex(varbyte) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT encode($1, 'hex') $$;
CREATE OR REPLACE FUNCTION pg_catalog.to_hex(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT encode(convert_to($1, 'UTF8'), 'hex')
$$;
CREATE OR REPLACE FUNCTION pg_catalog.from_hex(text) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT decode($1, 'hex')::varbyte $$;

-- JSON in texts: invalid JSON is an error unless the last argument is true; a missing element is NULL.
CREATE OR REPLACE FUNCTION pg_rs.checked_json(source text, null_if_invalid boolean) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF source IS JSON THEN
        RETURN source::json;
    ELSIF NOT null_if_invalid THEN
        RAISE EXCEPTION 'JSON parsing error' USING ERRCODE = '22023', DETAIL = 'invalid json object ' || source;
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_extract_path_text(text, VARIADIC path text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_rs.checked_json($1, false) #>> path
$$;
DO $$
DECLARE
    types text := 'text';
    path text := '$2';
BEGIN
    FOR n IN 2 .. 6 LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.json_extract_path_text(text, %s, boolean) RETURNS text LANGUAGE sql '
                       'IMMUTABLE STRICT AS %L', types, format('SELECT pg_rs.checked_json($1, $%s) #>> ARRAY[%s]', n + 1, path));
        types := types || ', text';
        path := path || ', $' || n + 1;
    END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_extract_array_element_text(text, integer, boolean DEFAULT false) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN $2 >= 0 THEN pg_rs.checked_json($1, $3) ->> $2 END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_array_length(text, boolean DEFAULT false) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT json_array_length(pg_rs.checked_json($1, $2))
$$;
CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 IS JSON OBJECT $$;
CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json_array(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 IS JSON ARRAY $$;
CREATE OR REPLACE FUNCTION pg_catalog.can_json_parse(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 IS JSON $$;
CREATE OR REPLACE FUNCTION pg_catalog.json_parse(text) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_rs.compact(pg_rs.checked_json($1, false))::json::super
$$;
CREATE OR REPLACE FUNCTION pg_rs.json_serialize(super) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT pg_rs.compact($1::json) $$;
CREATE OR REPLACE FUNCTION pg_catalog.get_array_length(super) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE json_typeof($1::json) WHEN 'array' THEN json_array_length($1::json) END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.is_array(super) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT json_typeof($1::json) = 'array' $$;
CREATE OR REPLACE FUNCTION pg_catalog.is_object(super) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT json_typeof($1::json) = 'object' $$;
CREATE OR REPLACE FUNCTION pg_catalog.is_scalar(super) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT json_typeof($1::json) NOT IN ('array', 'object')
$$;
CREATE OR REPLACE FUNCTION pg_catalog.is_varchar(super) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT json_typeof($1::json) = 'string' $$;
CREATE OR REPLACE FUNCTION pg_catalog.is_boolean(super) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT json_typeof($1::json) = 'boolean' $$;
CREATE OR REPLACE FUNCTION pg_catalog.split_to_array(text, text DEFAULT ',') RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT to_json(string_to_array($1, $2))::super
$$;

-- Arrays: ARRAY(a, b) is array_of(array_element(a), array_element(b)). Dates have no array_element(): they are not cast to SUPER (r_array).
DO $$
DECLARE
    element text;
BEGIN
    FOREACH element IN ARRAY ARRAY['text', 'smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'boolean'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_rs.array_element(%s) RETURNS json LANGUAGE sql IMMUTABLE STRICT AS %L', element,
                       'SELECT to_json($1)');
    END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.array_element(super) RETURNS json LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::json $$;
CREATE OR REPLACE FUNCTION pg_rs.array_of(VARIADIC items json[] DEFAULT '{}') RETURNS super LANGUAGE sql IMMUTABLE AS $$ SELECT to_json(items)::super $$;
CREATE OR REPLACE FUNCTION pg_rs.items(super) RETURNS json[] LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE json_typeof($1::json) WHEN 'array' THEN (
        SELECT coalesce(array_agg(e.value ORDER BY e.place), '{}') FROM json_array_elements($1::json) WITH ORDINALITY AS e (value, place)) END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.array_concat(super, super) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN is_array($1) AND is_array($2) THEN to_json(pg_rs.items($1) || pg_rs.items($2))::super END
$$;
-- One level; an element that is no array stays as it is.
CREATE OR REPLACE FUNCTION pg_catalog.array_flatten(super) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN is_array($1) THEN to_json(ARRAY(
        SELECT i.value FROM unnest(pg_rs.items($1)) WITH ORDINALITY AS o (value, place)
        CROSS JOIN LATERAL unnest(coalesce(pg_rs.items(o.value::super), ARRAY[o.value])) WITH ORDINALITY AS i (value, place)
        ORDER BY o.place, i.place))::super END
$$;
-- Positions begin at 0; a negative one counts from the end (r_subarray).
CREATE OR REPLACE FUNCTION pg_catalog.subarray(super, start integer, length integer) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT to_json(items[first + 1:first + length])::super
    FROM (SELECT pg_rs.items($1) AS items, CASE WHEN start < 0 THEN greatest(json_array_length($1::json) + start, 0) ELSE start END AS first
          WHERE is_array($1)) AS a
$$;

-- Statistics over the sorted values. They also work as window functions, which PostgreSQL's ordered-set aggregates do not.
CREATE OR REPLACE FUNCTION pg_rs.continuous(values_ double precision[], share double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT percentile_cont(share) WITHIN GROUP (ORDER BY v) FROM unnest(values_) AS v
$$;
CREATE OR REPLACE FUNCTION pg_rs.middle(double precision[]) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_rs.continuous($1, 0.5)
$$;
CREATE OR REPLACE FUNCTION pg_rs.middle(numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (sorted[(n + 1) / 2] + sorted[n / 2 + 1]) / 2
    FROM (SELECT array_agg(v ORDER BY v) AS sorted, count(*)::integer AS n FROM unnest($1) AS v WHERE v IS NOT NULL) AS s WHERE n > 0
$$;
CREATE OR REPLACE FUNCTION pg_rs.middle(timestamp[]) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT sorted[(n + 1) / 2] + (sorted[n / 2 + 1] - sorted[(n + 1) / 2]) / 2
    FROM (SELECT array_agg(v ORDER BY v) AS sorted, count(*)::integer AS n FROM unnest($1) AS v WHERE v IS NOT NULL) AS s WHERE n > 0
$$;
CREATE OR REPLACE FUNCTION pg_rs.middle(date[]) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT pg_rs.middle($1::timestamp[]) $$;
CREATE OR REPLACE AGGREGATE pg_catalog.median(numeric) (
    SFUNC = array_append, STYPE = numeric[], INITCOND = '{}', FINALFUNC = pg_rs.middle
);
CREATE OR REPLACE AGGREGATE pg_catalog.median(double precision) (
    SFUNC = array_append, STYPE = double precision[], INITCOND = '{}', FINALFUNC = pg_rs.middle
);
CREATE OR REPLACE AGGREGATE pg_catalog.median(timestamp) (SFUNC = array_append, STYPE = timestamp[], INITCOND = '{}', FINALFUNC = pg_rs.middle);
CREATE OR REPLACE AGGREGATE pg_catalog.median(date) (SFUNC = array_append, STYPE = date[], INITCOND = '{}', FINALFUNC = pg_rs.middle);
-- The state of a percentile has the share as its first element.
CREATE OR REPLACE FUNCTION pg_rs.add_to_percentile(double precision[], double precision, double precision) RETURNS double precision[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN cardinality($1) = 0 THEN ARRAY[$2] ELSE $1 END || CASE WHEN $3 IS NULL THEN '{}' ELSE ARRAY[$3] END
$$;
CREATE OR REPLACE FUNCTION pg_rs.percentile(double precision[]) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_rs.continuous($1[2:], $1[1])
$$;
CREATE OR REPLACE FUNCTION pg_rs.percentile_below(double precision[]) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT percentile_disc($1[1]) WITHIN GROUP (ORDER BY v) FROM unnest($1[2:]) AS v
$$;
CREATE OR REPLACE AGGREGATE pg_rs.percentile_cont(double precision, double precision) (
    SFUNC = pg_rs.add_to_percentile, STYPE = double precision[], INITCOND = '{}', FINALFUNC = pg_rs.percentile
);
CREATE OR REPLACE AGGREGATE pg_rs.percentile_disc(double precision, double precision) (
    SFUNC = pg_rs.add_to_percentile, STYPE = double precision[], INITCOND = '{}', FINALFUNC = pg_rs.percentile_below
);
CREATE OR REPLACE FUNCTION pg_rs.share(numeric, numeric) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN $2 <> 0 THEN ($1 / $2)::double precision END
$$;

-- FIRST_VALUE and LAST_VALUE with IGNORE NULLS, LAG and LEAD over a frame.
CREATE OR REPLACE FUNCTION pg_rs.keep_first(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1, $2) $$;
CREATE OR REPLACE FUNCTION pg_rs.keep_last(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($2, $1) $$;
CREATE OR REPLACE AGGREGATE pg_rs.first_value(anyelement) (SFUNC = pg_rs.keep_first, STYPE = anyelement);
CREATE OR REPLACE AGGREGATE pg_rs.last_value(anyelement) (SFUNC = pg_rs.keep_last, STYPE = anyelement);

-- REPLICATE, DATE_PART_YEAR, JSON_SIZE, JSON_SERIALIZE_TO_VARBYTE: the pages with their names.
CREATE OR REPLACE FUNCTION pg_catalog.replicate(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT repeat($1, $2) $$;
CREATE OR REPLACE FUNCTION pg_catalog.date_part_year(date) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT date_part('year', $1)::integer
$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_size(super) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT octet_length($1::json::text) $$;
CREATE OR REPLACE FUNCTION pg_catalog.json_serialize_to_varbyte(super) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT convert_to($1::json::text, 'UTF8')::varbyte
$$;
CREATE OR REPLACE FUNCTION pg_catalog.substring(varbyte, integer, integer) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_catalog.substring($1::bytea, $2, $3)::varbyte
$$;
CREATE OR REPLACE FUNCTION pg_catalog.substr(varbyte, integer, integer) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT pg_catalog.substring($1::bytea, $2, $3)::varbyte
$$;

-- Redshift's own settings have a prefix here (session_settings.py).
CREATE OR REPLACE FUNCTION pg_rs.current_setting(text) RETURNS text LANGUAGE sql STABLE STRICT AS $$
    SELECT coalesce(pg_catalog.current_setting('redshift.' || $1, true), pg_catalog.current_setting($1))
$$;
CREATE OR REPLACE FUNCTION pg_rs.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$
    SELECT pg_catalog.set_config(CASE WHEN pg_catalog.current_setting('redshift.' || $1, true) IS NULL THEN $1 ELSE 'redshift.' || $1 END, $2, $3)
$$;

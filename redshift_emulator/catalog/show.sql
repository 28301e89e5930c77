-- What the SHOW commands list (r_SHOW_DATABASES, r_SHOW_SCHEMAS, r_SHOW_TABLES, r_SHOW_COLUMNS, r_SHOW_CONSTRAINTS, r_SHOW_GRANTS,
-- r_SHOW_COLUMN_GRANTS, r_SHOW_PROCEDURES, r_SHOW_FUNCTIONS, r_SHOW_PARAMETERS): a view for each, of the objects of this database.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_catalog.pg_class c
                WHERE c.relnamespace = 'pg_rs'::regnamespace AND c.relkind = 'v' AND c.relname LIKE 'show_%' LOOP
        EXECUTE format('DROP VIEW pg_rs.%I', name);
    END LOOP;
END
$$;

CREATE OR REPLACE VIEW pg_rs.show_databases AS
SELECT database_name, database_owner, database_type, database_acl, NULL::text AS parameters, database_isolation_level
FROM pg_catalog.svv_redshift_databases;

CREATE OR REPLACE VIEW pg_rs.show_schemas AS SELECT * FROM pg_catalog.svv_all_schemas;

CREATE OR REPLACE VIEW pg_rs.show_tables AS
SELECT current_database()::text AS database_name, n.nspname::text AS schema_name, c.relname AS table_name,
       CASE c.relkind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END AS table_type, c.relacl::text AS table_acl,
       obj_description(c.oid, 'pg_class') AS remarks, pg_get_userbyid(c.relowner)::text AS owner,
       (SELECT r.created_at FROM pg_rs.relation r WHERE r.oid = c.oid) AS last_altered_time, NULL::timestamp AS last_modified_time,
       CASE WHEN c.relkind = 'r' THEN CASE c.reldiststyle WHEN 0 THEN 'EVEN' WHEN 8 THEN 'ALL' WHEN 9 THEN 'AUTO'
            ELSE 'KEY(' || (SELECT attname FROM pg_rs.attributes WHERE attrelid = c.oid AND attisdistkey) || ')' END END AS dist_style,
       CASE WHEN c.relkind = 'r' THEN 'REGULAR TABLE' WHEN EXISTS (SELECT FROM pg_rs.mat_view m WHERE m.oid = c.oid) THEN 'MATERIALIZED VIEW'
            WHEN EXISTS (SELECT FROM pg_rs.late_view l WHERE l.oid = c.oid) THEN 'LATE BINDING VIEW'
            ELSE 'REGULAR VIEW' END AS table_subtype
FROM pg_rs.class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v') AND pg_rs.is_shown(n.nspname);

CREATE OR REPLACE VIEW pg_rs.show_columns AS
SELECT current_database()::text AS database_name, schema_name, table_name, column_name, attnum::integer AS ordinal_position,
       "default" AS column_default, CASE WHEN attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
       CASE WHEN type LIKE 'interval%' THEN type ELSE split_part(type, '(', 1) END AS data_type,
       CASE WHEN type ~ '^(character|binary)' THEN substring(type FROM '[(]([0-9]+)')::integer END AS character_maximum_length,
       CASE WHEN type LIKE 'numeric%' THEN substring(type FROM '[(]([0-9]+)')::integer END AS numeric_precision,
       CASE WHEN type LIKE 'numeric%' THEN substring(type FROM ',([0-9]+)')::integer END AS numeric_scale,
       col_description(table_oid, attnum) AS remarks,
       CASE WHEN attsortkeyord = 0 THEN NULL WHEN attsortkeyord < 0 THEN 'INTERLEAVED' ELSE 'COMPOUND' END AS sort_key_type,
       nullif(abs(attsortkeyord), 0) AS sort_key, CASE WHEN attisdistkey THEN 1 END AS dist_key, encoding, NULL::text AS collation
FROM pg_rs.columns;

CREATE OR REPLACE VIEW pg_rs.show_primary_keys AS
SELECT current_database()::text AS database_name, n.nspname::text AS schema_name, c.relname AS table_name,
       k.conname AS pk_name, a.attname AS column_name, u.place::integer AS key_seq
FROM pg_rs.key k JOIN pg_rs.class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
JOIN pg_rs.attributes a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
WHERE k.contype = 'p';

-- The rules are NULL: Redshift does not enforce keys.
CREATE OR REPLACE VIEW pg_rs.show_foreign_keys AS
SELECT current_database()::text AS pk_database_name, pn.nspname::text AS pk_schema_name, p.relname AS pk_table_name,
       pa.attname AS pk_column_name, current_database()::text AS fk_database_name, fn.nspname::text AS fk_schema_name,
       f.relname AS fk_table_name, fa.attname AS fk_column_name, n.place::integer AS key_seq, k.conname AS fk_name,
       (SELECT o.conname FROM pg_rs.key o WHERE o.conrelid = k.confrelid AND o.contype = 'p') AS pk_name,
       NULL::integer AS update_rule, NULL::integer AS delete_rule, NULL::integer AS deferrability
FROM pg_rs.key k
JOIN pg_rs.class f ON f.oid = k.conrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
JOIN pg_rs.class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS n (attnum, referenced, place)
JOIN pg_rs.attributes fa ON fa.attrelid = k.conrelid AND fa.attnum = n.attnum
JOIN pg_rs.attributes pa ON pa.attrelid = k.confrelid AND pa.attnum = n.referenced
WHERE k.contype = 'f';

-- Only GRANT ALL gives MAINTAIN, which stands for the permissions that PostgreSQL does not have.
CREATE OR REPLACE FUNCTION pg_rs.redshift_privileges(privilege text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    SELECT unnest(CASE privilege WHEN 'MAINTAIN' THEN ARRAY['ALTER', 'DROP', 'RULE'] ELSE ARRAY[privilege] END)
$$;
-- SHOW GRANTS lists a group as a role whose name begins with a slash.
CREATE OR REPLACE VIEW pg_rs.grantee AS
SELECT oid, CASE kind WHEN 'group' THEN '/' || name ELSE name END AS name, CASE kind WHEN 'group' THEN 'role' ELSE kind END AS kind
FROM pg_rs.identity;
CREATE OR REPLACE VIEW pg_rs.show_grants AS
SELECT current_database()::text AS database_name, n.nspname::text AS schema_name, pg_rs.full_name(c.relname) AS object_name,
       CASE c.relkind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END AS object_type, p.privilege_type, a.grantee::integer AS identity_id,
       coalesce(i.name, 'public')::text AS identity_name, coalesce(i.kind, 'public') AS identity_type, a.is_grantable AS admin_option,
       'TABLE'::text AS privilege_scope, pg_get_userbyid(a.grantor)::text AS grantor_name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS a CROSS JOIN LATERAL pg_rs.redshift_privileges(a.privilege_type) AS p (privilege_type)
LEFT JOIN pg_rs.grantee i ON i.oid = a.grantee
WHERE c.relkind IN ('r', 'v', 'm') AND a.grantee <> c.relowner AND pg_rs.is_shown(n.nspname);

CREATE OR REPLACE VIEW pg_rs.show_schema_grants AS
SELECT current_database()::text AS database_name, n.nspname::text AS schema_name, n.nspname::text AS object_name,
       'SCHEMA'::text AS object_type, a.privilege_type, a.grantee::integer AS identity_id, coalesce(i.name, 'public')::text AS identity_name,
       coalesce(i.kind, 'public') AS identity_type, a.is_grantable AS admin_option, 'SCHEMA'::text AS privilege_scope,
       pg_get_userbyid(a.grantor)::text AS grantor_name
FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a LEFT JOIN pg_rs.grantee i ON i.oid = a.grantee
WHERE a.grantee <> n.nspowner AND pg_rs.is_shown(n.nspname);

CREATE OR REPLACE VIEW pg_rs.show_column_grants AS
SELECT current_database()::text AS database_name, n.nspname::text AS schema_name, pg_rs.full_name(c.relname) AS table_name,
       pg_rs.full_name(t.attname) AS column_name, 'COLUMN'::text AS object_type, a.privilege_type, a.grantee::integer AS identity_id,
       coalesce(i.name, 'public')::text AS identity_name, coalesce(i.kind, 'public') AS identity_type, a.is_grantable AS admin_option,
       'COLUMN'::text AS privilege_scope, pg_get_userbyid(a.grantor)::text AS grantor_name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
CROSS JOIN LATERAL aclexplode(t.attacl) AS a LEFT JOIN pg_rs.grantee i ON i.oid = a.grantee
WHERE c.relkind IN ('r', 'v', 'm') AND pg_rs.is_shown(n.nspname);

-- The arguments of functions and procedures. pg_rs.routine has them as CREATE PROCEDURE wrote them: PostgreSQL keeps no lengths,
-- and no OUT arguments.
CREATE OR REPLACE FUNCTION pg_rs.note_routine(signature text, arguments text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO pg_rs.routine VALUES (signature::regprocedure, arguments::jsonb)
    ON CONFLICT (oid) DO UPDATE SET arguments = excluded.arguments
$$;
CREATE OR REPLACE FUNCTION pg_rs.arguments_of(routine oid) RETURNS TABLE (place integer, name text, mode text, type text)
LANGUAGE sql STABLE AS $$
    SELECT a.place::integer, a.value ->> 'name', a.value ->> 'mode', a.value ->> 'type'
    FROM pg_rs.routine r CROSS JOIN LATERAL jsonb_array_elements(r.arguments) WITH ORDINALITY AS a (value, place) WHERE r.oid = routine
    UNION ALL
    SELECT a.place::integer, coalesce(p.proargnames[a.place], ''),
           CASE p.proargmodes[a.place] WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' WHEN 't' THEN 'TABLE' ELSE 'IN' END,
           pg_rs.format_type(a.type, NULL)
    FROM pg_catalog.pg_proc p
    CROSS JOIN LATERAL unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS a (type, place)
    WHERE p.oid = routine AND NOT EXISTS (SELECT FROM pg_rs.routine r WHERE r.oid = routine)
$$;
-- A type as `argument_list` spells it: without length, and the two types of intervals by their short names.
CREATE OR REPLACE FUNCTION pg_rs.bare_type(type text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN type ~ '^interval (year|month)' THEN 'intervaly2m' WHEN type ~ '^interval (day|second)' THEN 'intervald2s'
           ELSE regexp_replace(type, '[(][0-9,]*[)]', '') END
$$;
-- `argument_list` has the types of the arguments that a call passes.
CREATE OR REPLACE VIEW pg_rs.routines AS
SELECT p.oid, current_database()::text AS database_name, n.nspname::text AS schema_name, pg_rs.full_name(p.proname) AS name, p.prokind,
       g.number_of_arguments, g.argument_list,
       CASE WHEN p.prokind <> 'p' THEN pg_rs.format_type(p.prorettype, NULL) ELSE g.results END AS return_type
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.mode IN ('IN', 'INOUT'))::integer AS number_of_arguments,
           coalesce(string_agg(pg_rs.bare_type(a.type), ', ' ORDER BY a.place) FILTER (WHERE a.mode IN ('IN', 'INOUT')), '')
           AS argument_list,
           CASE count(*) FILTER (WHERE a.mode IN ('OUT', 'INOUT')) WHEN 0 THEN NULL
                WHEN 1 THEN min(pg_rs.bare_type(a.type)) FILTER (WHERE a.mode IN ('OUT', 'INOUT')) ELSE 'record' END AS results
    FROM pg_rs.arguments_of(p.oid) AS a
) AS g
WHERE pg_rs.is_shown(n.nspname);
CREATE OR REPLACE VIEW pg_rs.show_procedures AS
SELECT database_name, schema_name, name AS procedure_name, number_of_arguments, argument_list, return_type, obj_description(oid, 'pg_proc') AS remarks
FROM pg_rs.routines WHERE prokind = 'p';
CREATE OR REPLACE VIEW pg_rs.show_functions AS
SELECT database_name, schema_name, name AS function_name, number_of_arguments, argument_list, return_type, obj_description(oid, 'pg_proc') AS remarks
FROM pg_rs.routines WHERE prokind = 'f';

-- With the result of a function, and with the list that tells overloaded routines apart (`signature`).
CREATE OR REPLACE VIEW pg_rs.parameters AS
SELECT r.database_name, r.schema_name, r.name, r.prokind, a.name AS parameter_name, a.place AS ordinal_position, a.mode AS parameter_type,
       regexp_replace(a.type, '[(][0-9,]*[)]', '') AS data_type,
       CASE WHEN a.type ~ '^(character|binary)' THEN substring(a.type FROM '[(]([0-9]+)')::integer END AS character_maximum_length,
       CASE WHEN a.type LIKE 'numeric%' THEN substring(a.type FROM '[(]([0-9]+)')::integer END AS numeric_precision,
       CASE WHEN a.type LIKE 'numeric%' THEN substring(a.type FROM ',([0-9]+)')::integer END AS numeric_scale,
       r.argument_list AS signature
FROM pg_rs.routines r
CROSS JOIN LATERAL (
    SELECT 0 AS place, '' AS name, 'RETURN' AS mode, r.return_type AS type WHERE r.prokind = 'f'
    UNION ALL SELECT * FROM pg_rs.arguments_of(r.oid)
) AS a;
CREATE OR REPLACE VIEW pg_rs.show_procedure_parameters AS
SELECT database_name, schema_name, name AS procedure_name, parameter_name, ordinal_position, parameter_type, data_type,
       character_maximum_length, numeric_precision, numeric_scale, signature FROM pg_rs.parameters WHERE prokind = 'p';
CREATE OR REPLACE VIEW pg_rs.show_function_parameters AS
SELECT database_name, schema_name, name AS function_name, parameter_name, ordinal_position, parameter_type, data_type,
       character_maximum_length, numeric_precision, numeric_scale, signature FROM pg_rs.parameters WHERE prokind = 'f';
-- A list of types as `argument_list` spells it; unknown types stay as they are.
CREATE OR REPLACE FUNCTION pg_rs.spelled(VARIADIC types text[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(string_agg(CASE WHEN t.type LIKE 'interval%' THEN pg_rs.bare_type(t.type)
                               ELSE coalesce(pg_rs.format_type(to_regtype(t.type), NULL), t.type) END, ', ' ORDER BY t.place), '')
    FROM unnest(types) WITH ORDINALITY AS t (type, place)
$$;

-- The rows of one of these views in this or another database, where the user of the session reads them. None if the database
-- does not exist. dblink comes with PostgreSQL; without it only this database can be read.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'dblink') THEN
        CREATE EXTENSION IF NOT EXISTS dblink SCHEMA pg_rs;
    END IF;
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.quoted_option(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT chr(39) || replace(replace(value, chr(92), chr(92) || chr(92)), chr(39), chr(92) || chr(39)) || chr(39)
$$;
CREATE OR REPLACE FUNCTION pg_rs.read_elsewhere(database text, query text) RETURNS SETOF json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    connection text := format('host=%s port=%s dbname=%s user=%s', pg_rs.quoted_option(current_setting('unix_socket_directories')),
                              current_setting('port'), pg_rs.quoted_option(database), pg_rs.quoted_option(session_user));
BEGIN
    RETURN QUERY SELECT t.line FROM pg_rs.dblink(connection, query) AS t (line json);
EXCEPTION WHEN undefined_function THEN
    RAISE EXCEPTION 'SHOW of another database is not supported by this emulator: its PostgreSQL has no dblink' USING ERRCODE = '0A000';
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.shown(kind anyelement, database text, condition text) RETURNS SETOF anyelement LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF database = current_database() THEN
        RETURN QUERY EXECUTE format('SELECT * FROM %s AS v WHERE %s', pg_typeof(kind), condition);
    ELSIF EXISTS (SELECT FROM pg_catalog.svv_redshift_databases d WHERE d.database_name = database) THEN
        RETURN QUERY SELECT (json_populate_record(kind, r.line)).*
            FROM pg_rs.read_elsewhere(database, format('SELECT to_json(v) FROM %s AS v WHERE %s', pg_typeof(kind), condition)) AS r (line);
    END IF;
END
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_catalog.pg_class c
                WHERE c.relnamespace = 'pg_rs'::regnamespace AND c.relkind = 'v' AND c.relname ~ '^(show_|grantee|routines|parameters)' LOOP
        EXECUTE format('GRANT SELECT ON pg_rs.%I TO PUBLIC', name);
    END LOOP;
END
$$;

-- Redshift's catalog. pg_rs.pg_* replace PostgreSQL's own tables of the same name (the session adds the schema to the name);
-- all other views are in pg_catalog, which every search_path includes.
-- A query about one table must take the same time however many tables exist. Therefore views that are joined by oid contain no
-- join that PostgreSQL would first compute for all tables, and compute texts only for the rows selected.

-- pg_rs.class has the tables and views that can be read. A materialized view is a view there, as on Redshift.
CREATE OR REPLACE VIEW pg_rs.class AS
SELECT c.oid, pg_rs.full_name(c.relname) AS relname, c.relnamespace, c.reltype, c.relowner, c.relam, c.relfilenode,
       c.reltablespace, c.relpages, c.reltuples, c.reltoastrelid, c.relhasindex, c.relisshared,
       CASE c.relkind WHEN 'm' THEN 'v' ELSE c.relkind END AS relkind, c.relnatts,
       0::smallint AS relchecks, 0::smallint AS reltriggers, 0::smallint AS relukeys, 0::smallint AS relfkeys,
       0::smallint AS relrefs, false AS relhasoids,
       EXISTS (SELECT FROM pg_rs.key k WHERE k.conrelid = c.oid AND k.contype = 'p') AS relhaspkey,
       c.relhasrules, c.relhassubclass, c.relacl, coalesce(r.diststyle, 0)::smallint AS reldiststyle
FROM pg_catalog.pg_class c
LEFT JOIN pg_rs.relation r ON r.oid = c.oid
WHERE c.relnamespace <> ALL ('{pg_rs,pg_rs_index,pg_rs_names}'::regnamespace[]) AND c.relkind <> 'S'; -- identity columns have sequences
CREATE OR REPLACE VIEW pg_rs.pg_class AS
SELECT * FROM pg_rs.class
UNION ALL
SELECT m.table_oid, 'mv_tbl__' || c.relname || '__0', c.relnamespace, 0::oid, c.relowner, 0::oid, 0::oid, 0::oid, c.relpages, c.reltuples, 0::oid,
       false, false, 'r'::"char", c.relnatts, 0::smallint, 0::smallint, 0::smallint, 0::smallint, 0::smallint, false, false,
       false, false, c.relacl, c.reldiststyle
FROM pg_rs.mat_view m JOIN pg_rs.class c ON c.oid = m.oid;

CREATE OR REPLACE VIEW pg_rs.pg_class_info AS
SELECT c.*, CASE c.reldiststyle WHEN 9 THEN 10 ELSE c.reldiststyle END AS releffectivediststyle,
       r.created_at AS relcreationtime
FROM pg_rs.pg_class c LEFT JOIN pg_rs.relation r ON r.oid = c.oid;

CREATE OR REPLACE VIEW pg_rs.attributes AS
SELECT a.attrelid, pg_rs.full_name(a.attname) AS attname, a.atttypid, a.attstattarget::integer AS attstattarget,
       a.attlen, a.attnum, a.attndims, -1 AS attcacheoff, coalesce(r.length + 4, a.atttypmod) AS atttypmod, a.attbyval,
       a.attstorage, a.attalign, a.attnotnull AND NOT coalesce(r.shown_nullable, false) AS attnotnull,
       a.atthasdef OR r.identity IS NOT NULL AS atthasdef, a.attisdropped, a.attislocal, a.attinhcount::integer AS attinhcount,
       coalesce(r.encoding, 0)::smallint AS attencodingtype, coalesce(r.distkey, false) AS attisdistkey,
       coalesce(r.sortkeyord, 0) AS attsortkeyord
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_rs.attribute r ON r.relid = a.attrelid AND r.attnum = a.attnum;
-- Without the columns of views WITH NO SCHEMA BINDING: PG_GET_LATE_BINDING_VIEW_COLS has these.
CREATE OR REPLACE VIEW pg_rs.pg_attribute AS
SELECT * FROM pg_rs.attributes a WHERE NOT EXISTS (SELECT FROM pg_rs.late_view v WHERE v.oid = a.attrelid)
UNION ALL
SELECT m.table_oid, a.attname, a.atttypid, a.attstattarget, a.attlen, a.attnum, a.attndims, a.attcacheoff, a.atttypmod, a.attbyval,
       a.attstorage, a.attalign, a.attnotnull, a.atthasdef, a.attisdropped, a.attislocal, a.attinhcount, a.attencodingtype,
       a.attisdistkey, a.attsortkeyord
FROM pg_rs.mat_view m JOIN pg_rs.attributes a ON a.attrelid = m.oid AND a.attnum > 0;

CREATE OR REPLACE VIEW pg_rs.pg_attrdef AS
SELECT coalesce(d.oid, a.relid) AS oid, a.relid AS adrelid, a.attnum AS adnum, e.text AS adbin, e.text AS adsrc
FROM pg_rs.attribute a
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.relid AND d.adnum = a.attnum
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.identity IS NULL THEN pg_rs.default_text(pg_catalog.pg_get_expr(d.adbin, d.adrelid))
           ELSE CASE WHEN a.identity_by_default THEN '"default_identity"(' ELSE '"identity"(' END
                || a.relid || ', ' || a.attnum - 1 || ', ''' || a.identity || '''::text)' END AS text
) AS e
WHERE d.oid IS NOT NULL OR a.identity IS NOT NULL;

CREATE OR REPLACE VIEW pg_rs.pg_constraint AS
SELECT k.oid, k.conname, pg_rs.schema_of(k.conrelid) AS connamespace, k.contype, false AS condeferrable, false AS condeferred,
       k.conrelid, 0::oid AS contypid, k.confrelid, 'a'::"char" AS confupdtype, 'a'::"char" AS confdeltype,
       'u'::"char" AS confmatchtype, k.conkey, k.confkey, NULL::text AS conbin, NULL::text AS consrc
FROM pg_rs.key k WHERE pg_rs.schema_of(k.conrelid) IS NOT NULL;

-- The definition of a view WITH NO SCHEMA BINDING, or of a materialized view, is its whole statement.
CREATE OR REPLACE VIEW pg_rs.pg_views AS
SELECT n.nspname AS schemaname, c.relname AS viewname, pg_get_userbyid(c.relowner) AS viewowner,
       pg_rs.pg_get_viewdef(c.oid) AS definition
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_rs';

-- The declared keys as indexes, which drivers read: in pg_index, pg_class and pg_attribute, of a schema of their own so that
-- other queries do not pay for them.
CREATE OR REPLACE VIEW pg_rs_index.pg_index AS
SELECT i.indexrelid, i.indrelid, i.indkey::smallint[] AS indkey, i.indclass::oid[] AS indclass, i.indnatts, i.indisunique, i.indisprimary,
       i.indisclustered, NULL::text AS indexprs, NULL::text AS indpred
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
UNION ALL
SELECT k.oid, k.conrelid, k.conkey, '{}', cardinality(k.conkey)::smallint, true, k.contype = 'p', false, NULL, NULL
FROM pg_rs.key k WHERE k.contype IN ('p', 'u') AND pg_rs.schema_of(k.conrelid) IS NOT NULL;
CREATE OR REPLACE VIEW pg_rs_index.pg_class AS
SELECT oid, relname, relnamespace, relkind, relowner, relam, relhasindex, relnatts, relpages, reltuples, reldiststyle,
       reltype, relfilenode, reltablespace, reltoastrelid, relisshared, relchecks, reltriggers, relhasoids, relhaspkey, relhasrules, relacl
FROM pg_rs.class
UNION ALL
SELECT k.oid, k.conname, pg_rs.schema_of(k.conrelid), 'i', 10, 403, false, cardinality(k.conkey)::smallint, 0, 0, 0::smallint,
       0, 0, 0, 0, false, 0::smallint, 0::smallint, false, false, false, NULL
FROM pg_rs.key k WHERE k.contype IN ('p', 'u') AND pg_rs.schema_of(k.conrelid) IS NOT NULL;
CREATE OR REPLACE VIEW pg_rs_index.pg_attribute AS
SELECT attrelid, attname, atttypid, atttypmod, attnum::smallint AS attnum, attnotnull, atthasdef, attisdropped, attlen, attndims,
       attencodingtype, attisdistkey, attsortkeyord
FROM pg_rs.attributes a WHERE NOT EXISTS (SELECT FROM pg_rs.late_view v WHERE v.oid = a.attrelid)
UNION ALL
SELECT k.oid, a.attname, a.atttypid, a.atttypmod, n.place::smallint, true, false, false, a.attlen, a.attndims, 0::smallint, false, 0
FROM pg_rs.key k CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS n (attnum, place)
JOIN pg_rs.attributes a ON a.attrelid = k.conrelid AND a.attnum = n.attnum WHERE k.contype IN ('p', 'u');
-- A foreign key depends on the index of the key that it refers to.
CREATE OR REPLACE VIEW pg_rs_index.pg_depend AS
SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype FROM pg_catalog.pg_depend
UNION ALL
SELECT 'pg_catalog.pg_constraint'::regclass::oid, f.oid, 0, 'pg_catalog.pg_class'::regclass::oid, k.oid, 0, 'n'::"char"
FROM pg_rs.key f JOIN pg_rs.key k ON k.conrelid = f.confrelid AND k.contype IN ('p', 'u') AND k.conkey @> f.confkey AND k.conkey <@ f.confkey
WHERE f.contype = 'f';
GRANT SELECT ON ALL TABLES IN SCHEMA pg_rs_index TO PUBLIC;

-- Hides the schemas of this catalog.
CREATE OR REPLACE VIEW pg_rs.pg_namespace AS
SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_rs';

-- The schema of the session's temporary tables, which the SVV views show. They show no other schema that begins with pg_.
CREATE OR REPLACE FUNCTION pg_rs.is_shown(schema_name text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT schema_name <> 'information_schema' AND (schema_name !~ '^pg_' OR (
        schema_name ~ '^pg_temp_' AND schema_name = (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = pg_my_temp_schema())))
$$;

-- Every column of every table. The views below are based on it.
CREATE OR REPLACE VIEW pg_rs.columns AS
SELECT c.oid AS table_oid, n.nspname::text AS schema_name, c.relname AS table_name, c.relkind, a.attname AS column_name,
       a.attnum, pg_rs.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, d.adsrc AS "default",
       format_encoding(a.attencodingtype::integer) AS encoding, a.attisdistkey, a.attsortkeyord, c.relacl,
       a.atttypid, a.atttypmod
FROM pg_rs.class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_rs.attributes a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'rs$unbound'
LEFT JOIN pg_rs.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'v', 'm');

-- Shows only the schemas of the search_path (r_PG_TABLE_DEF).
CREATE OR REPLACE VIEW pg_catalog.pg_table_def AS
SELECT schema_name::name AS schemaname, table_name AS tablename, column_name AS "column", type, encoding,
       attisdistkey AS distkey, attsortkeyord AS sortkey, attnotnull AS "notnull"
FROM pg_rs.columns
WHERE relkind = 'r' AND schema_name = ANY (current_schemas(true)::text[])
ORDER BY schema_name, table_name, attnum;

CREATE OR REPLACE VIEW pg_catalog.svv_redshift_columns AS
SELECT current_database()::varchar(128) AS database_name, schema_name::varchar(128) AS schema_name,
       table_name::varchar(128) AS table_name, column_name::varchar(128) AS column_name,
       attnum::integer AS ordinal_position, type::varchar(128) AS data_type, "default"::varchar(4000) AS column_default,
       (CASE WHEN attnotnull THEN 'NO' ELSE 'YES' END)::varchar(3) AS is_nullable, encoding::varchar(128) AS encoding,
       attisdistkey AS distkey, attsortkeyord AS sortkey, NULL::varchar(128) AS column_acl,
       col_description(table_oid, attnum)::varchar(256) AS remarks
FROM pg_rs.columns
WHERE pg_rs.is_shown(schema_name)
ORDER BY schema_name, table_name, attnum;

CREATE OR REPLACE VIEW pg_catalog.svv_redshift_tables AS
SELECT DISTINCT current_database()::varchar(128) AS database_name, schema_name::varchar(128) AS schema_name,
       table_name::varchar(128) AS table_name,
       (CASE relkind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END)::varchar(128) AS table_type, NULL::varchar(128) AS table_acl,
       obj_description(table_oid, 'pg_class')::varchar(256) AS remarks
FROM pg_rs.columns WHERE pg_rs.is_shown(schema_name);

-- Does not show empty tables (r_SVV_TABLE_INFO). An older version of this catalog had fewer columns.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_attribute
                   WHERE attrelid = to_regclass('pg_catalog.svv_table_info') AND attname = 'sortkey1_enc') THEN
        DROP VIEW IF EXISTS pg_catalog.svv_table_info;
    END IF;
END
$$;
CREATE OR REPLACE VIEW pg_catalog.svv_table_info AS
SELECT current_database()::text AS database, n.nspname::text AS schema, c.oid AS table_id, c.relname AS "table",
       (CASE WHEN r.encode_auto THEN 'Y, AUTO(ENCODE)' ELSE 'Y' END) AS encoded,
       CASE r.diststyle WHEN 0 THEN 'EVEN' WHEN 8 THEN 'ALL' WHEN 9 THEN 'AUTO(ALL)'
            ELSE 'KEY(' || (SELECT attname FROM pg_rs.attributes WHERE attrelid = c.oid AND attisdistkey) || ')' END AS diststyle,
       coalesce((SELECT attname FROM pg_rs.attributes WHERE attrelid = c.oid AND abs(attsortkeyord) = 1),
                CASE WHEN r.sort_auto THEN 'AUTO(SORTKEY)' END) AS sortkey1,
       (SELECT max(atttypmod - 4) FROM pg_catalog.pg_attribute
        WHERE attrelid = c.oid AND atttypid = 'varchar'::regtype) AS max_varchar,
       (SELECT format_encoding(encoding)::char(32) FROM pg_rs.attribute a WHERE a.relid = c.oid AND abs(a.sortkeyord) = 1) AS sortkey1_enc,
       (SELECT count(*) FROM pg_rs.attribute a WHERE a.relid = c.oid AND a.sortkeyord <> 0)::integer AS sortkey_num,
       (pg_relation_size(c.oid) / 1048576)::bigint AS size, 0::numeric(10, 4) AS pct_used, 0::bigint AS empty,
       0::numeric(5, 2) AS unsorted, 0::numeric(5, 2) AS stats_off, t.rows::numeric(38, 0) AS tbl_rows,
       NULL::numeric(19, 2) AS skew_sortkey1, NULL::numeric(19, 2) AS skew_rows, t.rows::numeric(38, 0) AS estimated_visible_rows,
       NULL::text AS risk_event, NULL::numeric(12, 2) AS vacuum_sort_benefit, r.created_at AS create_time
FROM pg_rs.class c
JOIN pg_rs.relation r ON r.oid = c.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.relkind = 'r' OR EXISTS (SELECT FROM pg_rs.mat_view m WHERE m.oid = c.oid) THEN pg_rs.row_count(c.oid) END AS rows
) AS t
WHERE t.rows > 0;

-- A column as information_schema shows it: type without length, and precisions (r_SVV_COLUMNS, r_SVV_ALL_COLUMNS).
CREATE OR REPLACE VIEW pg_rs.column_details AS
SELECT schema_name, table_name, column_name, attnum::integer AS ordinal_position, "default" AS column_default,
       CASE WHEN attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable, regexp_replace(type, '\(.*\)', '') AS data_type,
       CASE WHEN type ~ '^(character|binary)' THEN substring(type FROM '\((\d+)')::integer END AS character_maximum_length,
       information_schema._pg_numeric_precision(atttypid, atttypmod) AS numeric_precision,
       information_schema._pg_numeric_precision_radix(atttypid, atttypmod) AS numeric_precision_radix,
       information_schema._pg_numeric_scale(atttypid, atttypmod) AS numeric_scale,
       information_schema._pg_datetime_precision(atttypid, atttypmod) AS datetime_precision,
       col_description(table_oid, attnum) AS remarks
FROM pg_rs.columns;

-- An older version of this catalog had the view with the columns of information_schema.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_attribute
               WHERE attrelid = to_regclass('pg_catalog.svv_columns') AND attname = 'character_octet_length') THEN
        DROP VIEW pg_catalog.svv_columns;
    END IF;
END
$$;
CREATE OR REPLACE VIEW pg_catalog.svv_columns AS
SELECT current_database()::text AS table_catalog, schema_name AS table_schema, table_name, column_name, ordinal_position,
       column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_precision_radix,
       numeric_scale, datetime_precision, NULL::text AS interval_type, NULL::text AS interval_precision,
       NULL::text AS character_set_catalog, NULL::text AS character_set_schema, NULL::text AS character_set_name,
       NULL::text AS collation_catalog, NULL::text AS collation_schema, NULL::text AS collation_name,
       NULL::text AS domain_name, remarks
FROM pg_rs.column_details;
CREATE OR REPLACE VIEW pg_catalog.svv_tables AS
SELECT table_catalog, table_schema, table_name, table_type, NULL::text AS remarks FROM information_schema.tables;

-- The SVV_ALL views also show external and shared objects; the emulator has none (r_SVV_ALL_COLUMNS, r_SVV_ALL_TABLES,
-- r_SVV_ALL_SCHEMAS, r_SVV_REDSHIFT_SCHEMAS).
CREATE OR REPLACE VIEW pg_catalog.svv_all_columns AS
SELECT current_database()::varchar(128) AS database_name, schema_name::varchar(128) AS schema_name,
       table_name::varchar(128) AS table_name, column_name::varchar(128) AS column_name, ordinal_position,
       column_default::varchar(4000) AS column_default, is_nullable::varchar(3) AS is_nullable,
       data_type::varchar(128) AS data_type, character_maximum_length, numeric_precision, numeric_scale,
       remarks::varchar(256) AS remarks
FROM pg_rs.column_details WHERE pg_rs.is_shown(schema_name);

CREATE OR REPLACE VIEW pg_catalog.svv_all_tables AS
SELECT database_name, schema_name, table_name, table_type, table_acl, remarks FROM pg_catalog.svv_redshift_tables;

CREATE OR REPLACE VIEW pg_catalog.svv_redshift_schemas AS
SELECT current_database()::varchar(128) AS database_name, pg_rs.full_name(nspname)::varchar(128) AS schema_name,
       nspowner::integer AS schema_owner, 'local'::varchar(16) AS schema_type, nspacl::varchar(128) AS schema_acl,
       NULL::varchar(128) AS schema_option
FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema';

CREATE OR REPLACE VIEW pg_catalog.svv_all_schemas AS
SELECT database_name, schema_name, schema_owner, schema_type::varchar(128) AS schema_type, schema_acl,
       NULL::varchar(128) AS source_database, schema_option::varchar(256) AS schema_option
FROM pg_catalog.svv_redshift_schemas;

-- The databases that accept connections (r_SVV_REDSHIFT_DATABASES).
CREATE OR REPLACE VIEW pg_catalog.svv_redshift_databases AS
SELECT datname::varchar(128) AS database_name, datdba::integer AS database_owner, 'local'::varchar(32) AS database_type,
       NULL::varchar(128) AS database_acl, NULL::varchar(128) AS database_options,
       (CASE current_setting('default_transaction_isolation')
        WHEN 'serializable' THEN 'Serializable' ELSE 'Snapshot Isolation' END)::varchar(128) AS database_isolation_level
FROM pg_catalog.pg_database WHERE NOT datistemplate AND datname <> 'postgres';

-- Users: superusers see all users, others only themselves (r_SVV_USER_INFO). svl_user_info is for superusers only (r_SVL_USER_INFO).
CREATE OR REPLACE VIEW pg_catalog.svv_user_info AS
SELECT rolname::text AS user_name, oid::integer AS user_id, rolcreatedb AS createdb, rolsuper AS superuser,
       rolsuper AS catalog_update, CASE WHEN rolconnlimit < 0 THEN 'UNLIMITED' ELSE rolconnlimit::text END AS connection_limit,
       CASE WHEN rolsuper THEN 'UNRESTRICTED' ELSE 'RESTRICTED' END AS syslog_access, NULL::timestamp AS last_ddl_timestamp,
       0 AS session_timeout, NULL::text AS external_user_id
FROM pg_catalog.pg_roles
WHERE rolcanlogin AND (rolname = current_user OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user));

CREATE OR REPLACE VIEW pg_catalog.svl_user_info AS
SELECT user_name AS usename, user_id AS usesysid, createdb AS usecreatedb, superuser AS usesuper, catalog_update AS usecatupd,
       connection_limit AS useconnlimit, syslog_access AS syslogaccess, last_ddl_timestamp AS last_ddl_ts,
       session_timeout AS sessiontimeout, external_user_id AS external_id
FROM pg_catalog.svv_user_info;

-- pg_proc with the columns for procedures (r_PG_PROC_INFO).
CREATE OR REPLACE VIEW pg_catalog.pg_proc_info AS
SELECT oid AS prooid, proname, pronamespace, proowner, prolang, prokind = 'a' AS proisagg, prosecdef, proisstrict, proretset,
       provolatile, pronargs, prorettype, proargtypes, proargnames, prosrc, probin, proacl, prokind, proargmodes, proallargtypes
FROM pg_catalog.pg_proc WHERE pronamespace <> 'pg_rs'::regnamespace;

-- Hides this catalog's own schema in information_schema.
DO $$
DECLARE
    name text;
    definition text;
BEGIN
    FOREACH name IN ARRAY ARRAY['columns', 'schemata', 'tables', 'views'] LOOP
        definition := pg_get_viewdef(format('information_schema.%I', name)::regclass);
        IF definition !~ '[\^]pg_rs' THEN
            EXECUTE format('CREATE OR REPLACE VIEW information_schema.%I AS SELECT * FROM (%s) AS every WHERE %I !~ ''^pg_rs''',
                name, rtrim(definition, ';'), CASE name WHEN 'schemata' THEN 'schema_name' ELSE 'table_schema' END);
        END IF;
        -- An IDENTITY column may be shown as nullable, and has a default.
        definition := pg_get_viewdef(format('information_schema.%I', name)::regclass);
        IF name = 'columns' AND definition !~ 'shown_nullable' THEN
            EXECUTE 'CREATE OR REPLACE VIEW information_schema.columns AS ' || replace(replace(definition, 'a.attnotnull',
                '(a.attnotnull AND NOT EXISTS (SELECT FROM pg_rs.attribute s WHERE s.relid = a.attrelid AND s.attnum = a.attnum AND s.shown_nullable))'),
                'pg_get_expr(ad.adbin, ad.adrelid)',
                '(SELECT d.adsrc FROM pg_rs.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)');
        END IF;
        -- The tables of a late-binding view may be missing: its definition is its statement.
        definition := pg_get_viewdef(format('information_schema.%I', name)::regclass);
        IF name = 'views' AND definition !~ 'pg_rs.pg_get_viewdef' THEN
            EXECUTE 'CREATE OR REPLACE VIEW information_schema.views AS ' || replace(definition, 'pg_get_viewdef(', 'pg_rs.pg_get_viewdef(');
        END IF;
        -- A materialized view is a view whose definition is its statement.
        definition := pg_get_viewdef('information_schema.views'::regclass);
        IF name = 'views' AND definition !~ 'mat_view' THEN
            EXECUTE format('CREATE OR REPLACE VIEW information_schema.views AS %s UNION ALL '
                'SELECT v.*, ''NONE''::information_schema.character_data, n.no, n.no, n.no, n.no, n.no FROM (VALUES (''NO''::information_schema.yes_or_no)) '
                'AS n (no) CROSS JOIN (SELECT current_database()::information_schema.sql_identifier, n.nspname::information_schema.sql_identifier, '
                'c.relname::information_schema.sql_identifier, m.statement::information_schema.character_data FROM pg_rs.mat_view m '
                'JOIN pg_catalog.pg_class c ON c.oid = m.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) AS v', rtrim(definition, ';'));
        END IF;
    END LOOP;
END
$$;

-- These views of information_schema with the whole names: the type of its names ends after 63 bytes. The session reads them instead.
DO $$
DECLARE
    name text;
    columns text;
BEGIN
    FOREACH name IN ARRAY ARRAY['columns', 'schemata', 'tables', 'views'] LOOP
        SELECT string_agg(CASE WHEN a.attname IN ('table_schema', 'table_name', 'column_name', 'schema_name')
                          THEN format('pg_rs.full_name(%1$I::name) AS %1$I', a.attname) ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
        INTO columns FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = format('information_schema.%I', name)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
        EXECUTE format('CREATE OR REPLACE VIEW pg_rs_names.%1$I AS SELECT %2$s FROM information_schema.%1$I', name, columns);
    END LOOP;
END
$$;
GRANT SELECT ON ALL TABLES IN SCHEMA pg_rs_names TO PUBLIC;

CREATE OR REPLACE VIEW pg_rs.table_constraints AS
SELECT current_database()::text AS constraint_catalog, n.nspname::text AS constraint_schema, k.conname AS constraint_name,
       current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname AS table_name,
       CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' ELSE 'FOREIGN KEY' END AS constraint_type,
       'NO'::text AS is_deferrable, 'NO'::text AS initially_deferred
FROM pg_rs.key k JOIN pg_rs.class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace;

CREATE OR REPLACE VIEW pg_rs.key_column_usage AS
SELECT current_database()::text AS constraint_catalog, n.nspname::text AS constraint_schema, k.conname AS constraint_name,
       current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname AS table_name,
       a.attname AS column_name, u.place::integer AS ordinal_position,
       CASE WHEN k.contype = 'f' THEN u.place::integer END AS position_in_unique_constraint
FROM pg_rs.key k JOIN pg_rs.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
JOIN pg_rs.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum;

CREATE OR REPLACE VIEW pg_catalog.pg_database_info AS
SELECT d.datname, d.oid AS datid, ARRAY['concurrency_model=' || CASE current_setting('default_transaction_isolation')
       WHEN 'serializable' THEN '2' ELSE '1' END] AS datconfig
FROM pg_catalog.pg_database d;

-- Load views. Source of names and lengths: SYS_LOAD_ERROR_DETAIL, r_STL_LOAD_ERRORS, SYS_LOAD_HISTORY.
CREATE OR REPLACE VIEW pg_catalog.sys_load_error_detail AS
SELECT user_id, query_id, transaction_id, session_id, database_name::char(64) AS database_name, table_id, start_time,
       left(file_name, 256)::char(256) AS file_name, line_number, left(column_name, 127)::char(127) AS column_name,
       left(column_type, 10)::char(10) AS column_type, left(column_length, 10)::char(10) AS column_length, "position",
       error_code, left(error_message, 512)::char(512) AS error_message
FROM pg_rs.load_error WHERE database_name = current_database();

CREATE OR REPLACE VIEW pg_catalog.stl_load_errors AS
SELECT user_id AS userid, 0 AS slice, table_id AS tbl, start_time AS starttime, session_id AS session, query_id AS query,
       left(file_name, 256)::char(256) AS filename, line_number, left(column_name, 127)::char(127) AS colname,
       left(column_type, 10)::char(10) AS type, left(column_length, 10)::char(10) AS col_length, "position",
       left(regexp_replace(raw_line, '[^\x01-\x7f]', '.', 'g'), 1024)::char(1024) AS raw_line,
       left(raw_field_value, 1024)::char(1024) AS raw_field_value, error_code AS err_code,
       left(error_message, 100)::char(100) AS err_reason, 0 AS is_partial, 0::bigint AS start_offset
FROM pg_rs.load_error
WHERE database_name = current_database() AND current_setting('redshift.flavour', true) IS DISTINCT FROM 'serverless';

CREATE OR REPLACE VIEW pg_catalog.sys_load_history AS
SELECT user_id, query_id, transaction_id, session_id, database_name::char(128) AS database_name, status::char(10) AS status,
       table_name::char(128) AS table_name, start_time, end_time, duration, data_source, file_format::char(16) AS file_format,
       loaded_rows, loaded_bytes, source_file_count, source_file_bytes, file_count_scanned, file_bytes_scanned, error_count,
       copy_job_id
FROM pg_rs.load_history WHERE database_name = current_database();

-- The emulator has no external schemas: these views are empty.
CREATE OR REPLACE VIEW pg_catalog.svv_external_schemas AS
SELECT 0::oid AS esoid, 0::smallint AS eskind, ''::text AS schemaname, 0 AS esowner, ''::text AS databasename,
       ''::text AS esoptions WHERE false;
CREATE OR REPLACE VIEW pg_catalog.svv_external_tables AS
SELECT ''::text AS schemaname, ''::text AS tablename, ''::text AS location, ''::text AS input_format WHERE false;
CREATE OR REPLACE VIEW pg_catalog.svv_external_columns AS
SELECT ''::text AS schemaname, ''::text AS tablename, ''::text AS columnname, ''::text AS external_type, 0 AS columnnum,
       0 AS part_key, ''::text AS is_nullable WHERE false;

DO $$
DECLARE
    v text;
BEGIN
    FOR v IN SELECT format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'v' AND (n.nspname = 'pg_rs' OR c.relname ~ '^(svv|stl|sys)_|^pg_(table_def|database_info|proc_info)$')
    LOOP
        EXECUTE 'GRANT SELECT ON ' || v || ' TO PUBLIC';
    END LOOP;
END
$$;

-- Roles, groups, and who may do what. PostgreSQL stores users, roles and groups in one table: groups have a mark (CREATE GROUP sets it).
CREATE OR REPLACE VIEW pg_rs.identity AS
SELECT r.oid, pg_rs.full_name(r.rolname) AS name,
       CASE WHEN r.rolcanlogin THEN 'user' WHEN shobj_description(r.oid, 'pg_authid') = 'rs$group' THEN 'group' ELSE 'role' END AS kind
FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' OR r.rolcanlogin;
CREATE OR REPLACE VIEW pg_rs.pg_group AS
SELECT g.groname, g.grosysid, g.grolist FROM pg_catalog.pg_group g
WHERE shobj_description(g.grosysid, 'pg_authid') = 'rs$group';

-- SVV_ROLES, SVV_ROLE_GRANTS, SVV_USER_GRANTS.
CREATE OR REPLACE VIEW pg_catalog.svv_roles AS
SELECT oid::integer AS role_id, name::text AS role_name, NULL::text AS role_owner, NULL::text AS external_id
FROM pg_rs.identity WHERE kind = 'role';
CREATE OR REPLACE VIEW pg_catalog.svv_role_grants AS
SELECT m.oid::integer AS role_id, m.name::text AS role_name, g.oid::integer AS granted_role_id, g.name::text AS granted_role_name
FROM pg_catalog.pg_auth_members a
JOIN pg_rs.identity m ON m.oid = a.member AND m.kind = 'role' JOIN pg_rs.identity g ON g.oid = a.roleid AND g.kind = 'role';
CREATE OR REPLACE VIEW pg_catalog.svv_user_grants AS
SELECT m.oid::integer AS user_id, m.name::text AS user_name, g.oid::integer AS role_id, g.name::text AS role_name,
       bool_or(a.admin_option) AS admin_option
FROM pg_catalog.pg_auth_members a
JOIN pg_rs.identity m ON m.oid = a.member AND m.kind = 'user' JOIN pg_rs.identity g ON g.oid = a.roleid AND g.kind = 'role'
GROUP BY m.oid, m.name, g.oid, g.name;

-- SVV_RELATION_PRIVILEGES, SVV_SCHEMA_PRIVILEGES. The owner's own permissions are not shown.
CREATE OR REPLACE VIEW pg_catalog.svv_relation_privileges AS
SELECT n.nspname::text AS namespace_name, pg_rs.full_name(c.relname) AS relation_name, a.privilege_type,
       a.grantee::integer AS identity_id, coalesce(i.name, 'public')::text AS identity_name, coalesce(i.kind, 'public') AS identity_type,
       a.is_grantable AS admin_option
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS a LEFT JOIN pg_rs.identity i ON i.oid = a.grantee
WHERE c.relkind IN ('r', 'v', 'm') AND a.grantee <> c.relowner AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES', 'TRUNCATE', 'TRIGGER');
CREATE OR REPLACE VIEW pg_catalog.svv_schema_privileges AS
SELECT n.nspname::text AS namespace_name, a.privilege_type, a.grantee::integer AS identity_id,
       coalesce(i.name, 'public')::text AS identity_name, coalesce(i.kind, 'public') AS identity_type, a.is_grantable AS admin_option,
       'SCHEMA'::text AS privilege_scope
FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a LEFT JOIN pg_rs.identity i ON i.oid = a.grantee
WHERE a.grantee <> n.nspowner AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';

-- SVV_MV_INFO, STV_MV_INFO.
CREATE OR REPLACE VIEW pg_catalog.svv_mv_info AS
SELECT current_database()::char(128) AS database_name, n.nspname::char(128) AS schema_name,
       pg_get_userbyid(c.relowner)::char(128) AS user_name, pg_rs.full_name(c.relname)::char(128) AS name, 'f'::char(1) AS is_stale, 1 AS state,
       (CASE WHEN m.auto_refresh THEN 't' ELSE 'f' END)::char(1) AS autorefresh, 'f'::char(1) AS autorewrite
FROM pg_rs.mat_view m JOIN pg_catalog.pg_class c ON c.oid = m.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace;
DROP VIEW IF EXISTS pg_catalog.stv_mv_info;
CREATE OR REPLACE VIEW pg_catalog.stv_mv_info AS
SELECT database_name AS db_name, schema_name AS schema, name, 0::bigint AS updated_upto_xid, is_stale, user_name AS owner_user_name, state,
       autorewrite, autorefresh
FROM pg_catalog.svv_mv_info;
DO $$
DECLARE
    v text;
BEGIN
    FOREACH v IN ARRAY ARRAY['pg_rs.identity', 'pg_rs.pg_group', 
                             'svv_roles', 'svv_role_grants', 'svv_user_grants', 'svv_relation_privileges',
                             'svv_schema_privileges', 'svv_mv_info', 'stv_mv_info'] LOOP
        EXECUTE 'GRANT SELECT ON ' || v || ' TO PUBLIC';
    END LOOP;
END
$$;

-- The system roles (r_roles-default). They exist, and have no effect.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['sys:monitor', 'sys:operator', 'sys:dba', 'sys:secadmin', 'sys:superuser'] LOOP
        IF to_regrole(quote_ident(role)) IS NULL THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
    END LOOP;
END
$$;

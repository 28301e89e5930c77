-- Views WITH NO SCHEMA BINDING (r_CREATE_VIEW). Each is a view of PostgreSQL without dependencies: its tables may be missing, and
-- can be dropped. Before a statement reads it, it is bound again if its tables have changed.

-- What a view is bound to: name -> "number:columns".
CREATE OR REPLACE FUNCTION pg_rs.shape(relation regclass) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT relation::oid || ':' || coalesce(string_agg(attname || ' ' || atttypid || ' ' || atttypmod, ',' ORDER BY attnum), '')
    FROM pg_catalog.pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$$;
CREATE OR REPLACE FUNCTION pg_rs.is_bound(bound jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT bool_and(pg_rs.shape(to_regclass(each.key)) = each.value) FROM jsonb_each_text(bound) AS each), false)
        AND bound IS NOT NULL
$$;

-- Binds a view: gives it the columns of its query. Runs as the owner of the catalog, because only a superuser may delete
-- dependencies; the view keeps its own owner, whose permissions count. Without `strict` a missing table is no error.
CREATE OR REPLACE FUNCTION pg_rs.bind_late_view(view oid, strict boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    late pg_rs.late_view;
    known record;
    named text;
    relation oid := view;
BEGIN
    SELECT * INTO late FROM pg_rs.late_view l WHERE l.oid = view;
    SELECT c.relowner, c.relacl, format('%I.%I', n.nspname, c.relname) AS name INTO known
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = view;
    named := known.name;
    IF late.query IS NULL OR named IS NULL OR pg_rs.is_bound(late.bound) THEN
        RETURN;
    END IF;
    BEGIN
        EXECUTE format('CREATE OR REPLACE VIEW %s %s AS %s', named, late.columns, late.query);
    EXCEPTION
        WHEN invalid_table_definition THEN
            EXECUTE 'DROP VIEW ' || named;
            EXECUTE format('CREATE VIEW %s %s AS %s', named, late.columns, late.query);
            relation := named::regclass;
            EXECUTE format('ALTER VIEW %s OWNER TO %I', named, pg_get_userbyid(known.relowner));
            UPDATE pg_catalog.pg_class SET relacl = known.relacl WHERE oid = relation;
            UPDATE pg_rs.late_view SET oid = relation WHERE late_view.oid = view;
        WHEN undefined_table OR undefined_column OR invalid_schema_name OR undefined_function THEN
            IF strict THEN
                RAISE;
            END IF;
            RETURN;
    END;
    UPDATE pg_rs.late_view SET bound = (
        SELECT coalesce(jsonb_object_agg(u.name, pg_rs.shape(u.oid)), '{"": ""}') FROM (
            SELECT DISTINCT c.oid, format('%I.%I', n.nspname, c.relname) AS name
            FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
            JOIN pg_catalog.pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid AND c.oid <> relation
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.ev_class = relation) AS u)
    WHERE late_view.oid = relation;
    DELETE FROM pg_catalog.pg_depend d USING pg_catalog.pg_rewrite r
    WHERE r.ev_class = relation AND d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> relation;
END
$$;
-- Binds the views with these names, and first those that they read.
CREATE OR REPLACE FUNCTION pg_rs.bind_late_views(names text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    late record;
BEGIN
    FOR late IN SELECT l.oid, l.query, c.relname::text AS name FROM pg_rs.late_view l JOIN pg_catalog.pg_class c ON c.oid = l.oid
                WHERE c.relname = ANY (names) LOOP
        PERFORM pg_rs.bind_late_views(array_agg(c.relname::text)) FROM pg_rs.late_view l JOIN pg_catalog.pg_class c ON c.oid = l.oid
        WHERE strpos(late.query, c.relname::text) > 0 AND c.relname <> late.name HAVING count(*) > 0;
        PERFORM pg_rs.bind_late_view(late.oid, true);
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION pg_rs.restore_permissions(view regclass, acl aclitem[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE pg_catalog.pg_class SET relacl = acl WHERE oid = view AND acl IS NOT NULL
$$;
-- Creates a view of this kind. Its first form has no rows and one column, which the catalog hides.
CREATE OR REPLACE FUNCTION pg_rs.create_late_view(view text, columns text, query text, statement text, replaces boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    acl aclitem[] := (SELECT relacl FROM pg_catalog.pg_class WHERE oid = to_regclass(view));
BEGIN
    IF replaces AND to_regclass(view) IS NOT NULL THEN
        EXECUTE 'DROP VIEW ' || view;
    END IF;
    EXECUTE 'CREATE VIEW ' || view || ' AS SELECT NULL::text AS "rs$unbound" WHERE false';
    INSERT INTO pg_rs.late_view (oid, statement, columns, query) VALUES (view::regclass, statement, columns, query)
    ON CONFLICT (oid) DO UPDATE SET statement = excluded.statement, columns = excluded.columns, query = excluded.query, bound = NULL;
    PERFORM pg_rs.bind_late_view(view::regclass, false);
    PERFORM pg_rs.restore_permissions(view::regclass, acl);
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.forget_late_view(relation regclass) RETURNS void LANGUAGE sql AS $$
    DELETE FROM pg_rs.late_view WHERE oid = relation
$$;

-- Their columns (PG_GET_LATE_BINDING_VIEW_COLS).
CREATE OR REPLACE VIEW pg_rs.late_view_columns AS
SELECT n.nspname AS view_schema, c.relname AS view_name, a.attname AS col_name,
       pg_rs.format_type(a.atttypid, a.atttypmod)::varchar AS col_type, a.attnum::integer AS col_num
FROM pg_rs.late_view v
JOIN pg_catalog.pg_class c ON c.oid = v.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'rs$unbound'
ORDER BY n.nspname, c.relname, a.attnum;
GRANT SELECT ON pg_rs.late_view_columns TO PUBLIC;
CREATE OR REPLACE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS $$
    SELECT view_schema, view_name, col_name, col_type, col_num FROM pg_rs.late_view_columns
$$;

-- The definition of a view: its whole statement if it has no schema binding. Redshift names the table with every column;
-- PostgreSQL leaves it out if there is only one table, so it is added, outside of literals and not to names after AS.
CREATE OR REPLACE FUNCTION pg_rs.pg_get_viewdef(view oid, pretty boolean DEFAULT false) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    definition text;
    relation oid;
    named text;
    pieces text[];
    columns text;
    word constant text := '[a-z0-9_$."]';
BEGIN
    IF EXISTS (SELECT FROM pg_rs.late_view l WHERE l.oid = view) THEN
        RETURN (SELECT statement FROM pg_rs.late_view l WHERE l.oid = view);
    END IF;
    IF EXISTS (SELECT FROM pg_rs.mat_view m WHERE m.oid = view) THEN
        RETURN (SELECT statement FROM pg_rs.mat_view m WHERE m.oid = view);
    END IF;
    definition := pg_catalog.pg_get_viewdef(view);
    SELECT min(d.refobjid) INTO relation
    FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    WHERE r.ev_class = view AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> view
    HAVING count(DISTINCT d.refobjid) = 1;
    IF relation IS NULL OR definition ~* 'JOIN|UNION|EXCEPT|INTERSECT|WITH' OR definition ~ '[(]SELECT' OR definition !~ ' FROM [a-z_]' THEN
        RETURN definition;
    END IF;
    named := coalesce(substring(definition FROM ' FROM [a-z0-9_$."]+ ([a-z0-9_$"]+)'),
                      substring(definition FROM ' FROM (?:[a-z0-9_$"]+[.])?([a-z0-9_$"]+)'));
    SELECT string_agg(replace(quote_ident(attname), '$', '[$]'), '|') INTO columns
    FROM pg_catalog.pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped;
    pieces := string_to_array(definition, $q$'$q$);
    FOR i IN 1 .. cardinality(pieces) BY 2 LOOP
        pieces[i] := regexp_replace(pieces[i], '(?<!' || word || ')(?<!AS )(?<!FROM )(?<!::)(' || columns || ')(?!' || word || '|[(])',
                                    named || E'.\\1', 'g');
    END LOOP;
    RETURN array_to_string(pieces, $q$'$q$);
END
$$;

-- SHOW VIEW, SHOW PROCEDURE (r_SHOW_VIEW, r_SHOW_PROCEDURE).
CREATE OR REPLACE FUNCTION pg_rs.show_view(name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN pg_rs.pg_get_viewdef(name::regclass);
END
$$;
CREATE OR REPLACE FUNCTION pg_rs.show_procedure(name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN pg_get_functiondef(name::regproc);
END
$$;

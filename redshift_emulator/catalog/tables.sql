-- Properties of a Redshift table that PostgreSQL cannot store, and the rows behind Redshift's load views.
-- Installed into template1, so that every new database has it. Idempotent.

CREATE SCHEMA IF NOT EXISTS pg_rs;
CREATE SCHEMA IF NOT EXISTS pg_rs_index;
CREATE SCHEMA IF NOT EXISTS pg_rs_names;

-- One row per table: distribution style (0 EVEN, 1 KEY, 8 ALL, 9 AUTO), and what AUTO leaves to Redshift.
CREATE TABLE IF NOT EXISTS pg_rs.relation (
    oid oid PRIMARY KEY,
    diststyle smallint NOT NULL,
    sort_auto boolean NOT NULL,
    encode_auto boolean NOT NULL,
    created_at timestamp NOT NULL DEFAULT (statement_timestamp() AT TIME ZONE 'UTC')
);

-- One row per column. sortkeyord: 0 none; 1, 2, .. compound; alternating in sign interleaved. identity: 'seed,step'.
CREATE TABLE IF NOT EXISTS pg_rs.attribute (
    relid oid NOT NULL,
    attnum smallint NOT NULL,
    encoding integer NOT NULL,
    distkey boolean NOT NULL,
    sortkeyord integer NOT NULL,
    identity text,
    identity_by_default boolean NOT NULL DEFAULT false,
    PRIMARY KEY (relid, attnum)
);

-- The length of VARBYTE(n), since PostgreSQL's type has none.
ALTER TABLE pg_rs.attribute ADD COLUMN IF NOT EXISTS length integer;
-- The catalog shows an IDENTITY column as nullable unless NOT NULL or a primary key was declared. It holds no NULL in either case.
ALTER TABLE pg_rs.attribute ADD COLUMN IF NOT EXISTS shown_nullable boolean NOT NULL DEFAULT false;

-- Declared keys. They are never enforced.
CREATE SEQUENCE IF NOT EXISTS pg_rs.key_oid START 2000000000;
CREATE TABLE IF NOT EXISTS pg_rs.key (
    oid oid PRIMARY KEY DEFAULT nextval('pg_rs.key_oid')::bigint::oid,
    conname text NOT NULL,
    conrelid oid NOT NULL,
    contype "char" NOT NULL,
    conkey smallint[] NOT NULL,
    confrelid oid NOT NULL DEFAULT 0,
    confkey smallint[]
);
CREATE INDEX IF NOT EXISTS key_relation ON pg_rs.key (conrelid);
CREATE INDEX IF NOT EXISTS key_reference ON pg_rs.key (confrelid);

-- Views WITH NO SCHEMA BINDING, and the statements that created them.
-- `query` is PostgreSQL's form of it, `bound` what it was bound to: the tables, their numbers and columns.
CREATE TABLE IF NOT EXISTS pg_rs.late_view (oid oid PRIMARY KEY, statement text NOT NULL);
ALTER TABLE pg_rs.late_view ADD COLUMN IF NOT EXISTS columns text NOT NULL DEFAULT '';
ALTER TABLE pg_rs.late_view ADD COLUMN IF NOT EXISTS query text;
ALTER TABLE pg_rs.late_view ADD COLUMN IF NOT EXISTS bound jsonb;

-- Materialized views: the statement, and the number of the table `mv_tbl__<name>__0` that stores its rows on Redshift.
CREATE TABLE IF NOT EXISTS pg_rs.mat_view (
    oid oid PRIMARY KEY,
    statement text NOT NULL,
    auto_refresh boolean NOT NULL,
    table_oid oid NOT NULL DEFAULT nextval('pg_rs.key_oid')::bigint::oid
);

-- The arguments of procedures as CREATE PROCEDURE wrote them: name, mode (IN, OUT, INOUT) and type of each.
CREATE TABLE IF NOT EXISTS pg_rs.routine (oid oid PRIMARY KEY, arguments jsonb NOT NULL);

-- Names of 64 to 127 bytes. PostgreSQL keeps 63 bytes: it stores `short`, and the catalog shows `name`.
CREATE TABLE IF NOT EXISTS pg_rs.long_name (short name PRIMARY KEY, name text NOT NULL);

-- Rows that a COPY rejected. They are written on a second connection, so that a rollback does not remove them.
CREATE TABLE IF NOT EXISTS pg_rs.load_error (
    query_id bigint NOT NULL,
    transaction_id bigint NOT NULL DEFAULT 0,
    session_id integer NOT NULL,
    user_id integer NOT NULL DEFAULT 100,
    database_name text NOT NULL DEFAULT current_database(),
    table_id integer NOT NULL,
    start_time timestamp NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    file_name text,
    line_number bigint,
    column_name text,
    column_type text,
    column_length text,
    "position" integer,
    raw_line text,
    raw_field_value text,
    error_code integer,
    error_message text
);
CREATE INDEX IF NOT EXISTS load_error_session ON pg_rs.load_error (session_id, start_time);

CREATE TABLE IF NOT EXISTS pg_rs.load_history (
    user_id integer NOT NULL DEFAULT 100,
    query_id bigint NOT NULL,
    transaction_id bigint NOT NULL DEFAULT 0,
    session_id integer NOT NULL,
    database_name text NOT NULL DEFAULT current_database(),
    status text NOT NULL,
    table_name text,
    start_time timestamp,
    end_time timestamp DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    duration bigint,
    data_source text,
    file_format text,
    loaded_rows bigint NOT NULL DEFAULT 0,
    loaded_bytes bigint NOT NULL DEFAULT 0,
    source_file_count integer NOT NULL DEFAULT 0,
    source_file_bytes bigint NOT NULL DEFAULT 0,
    file_count_scanned integer NOT NULL DEFAULT 0,
    file_bytes_scanned bigint NOT NULL DEFAULT 0,
    error_count bigint NOT NULL DEFAULT 0,
    copy_job_id bigint NOT NULL DEFAULT 0
);

GRANT USAGE ON SCHEMA pg_rs, pg_rs_index, pg_rs_names TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pg_rs TO PUBLIC;
GRANT USAGE ON SEQUENCE pg_rs.key_oid TO PUBLIC;

"""An emulator of Amazon Redshift: a PostgreSQL-wire server in front of an embedded PostgreSQL.

The modules, from the outside to the inside:

    server, server_context, __main__      listen, accept, start and stop
    client, wire, login                   one client's socket, protocol messages, TLS and passwords
    session, extended, executor, block    one session: simple queries, the extended protocol, steps, transaction blocks
    proxy, disconnect_watcher             PostgreSQL's answers on their way to the client; clients that go away
    planner, plan_queries,                a query string becomes steps
    plan_commands, session_settings,
    statement_fingerprints, step
    lexer, cursor, statement, sql         tokens, reading them, editing a statement in place, SQL text of our own
    rewrite, dialect_rewrites             what is replaced in a statement
    refusals, relations, types, merge     what Redshift refuses, and what has to be known for that
    errors                                errors, and Redshift's texts for PostgreSQL's errors
    describe, context                     tables as the catalog describes them; what COPY gets from its session
    backend, cluster, binaries            the embedded PostgreSQL
    copy/, ddl/, catalog/                 COPY; CREATE and ALTER TABLE; Redshift's system catalog
    data_api/                             the Data API: SQL over HTTP, asynchronously
"""

__version__ = "0.1.0"

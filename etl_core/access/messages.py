"""Messages about users and rights in the warehouse."""

from __future__ import annotations

from etl_core.model.messages import Message

FIRST_DATABASE_MISSING = Message(
    "access.first_database_missing",
    "Bootstrap logged in to a database that the catalog does not name.",
    "the warehouse does not list its database {database!r}, to which bootstrap logs in",
    "Name a database first in the setting databases that the warehouse has",
    {"database": "dev"},
)
ADOPTED_TABLE_MISSING = Message(
    "access.table_missing",
    "Bootstrap is asked to hand over a table that does not exist.",
    "the database {database!r} has no table {table}; only a table that exists can change hands",
    "Check the name, as SCHEMA.TABLE",
    {"database": "dev", "table": "public.orders"},
)
LOADER_SECRET_EMPTY = Message(
    "access.secret_empty",
    "The loader's secret has no value.",
    "the secret {secret} has no value; it holds the login of the loader",
    "Store one: aws secretsmanager put-secret-value --secret-id {secret} --secret-string "
    """'{{"username": "lake_loader", "password": "..."}}'""",
    {"secret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:loader"},
)
OUTPUTS_WITHOUT_LOADER = Message(
    "access.outputs_without_loader",
    "The outputs file is from a stack without a loader; it is from an older version.",
    "{path} has no {output!r}; bootstrap needs the outputs of a stack of this version",
    "Run pulumi up, then write it with: pulumi stack output --json > {path}",
    {"path": "prod.json", "output": "warehouse_loader"},
)
LOADER_RIGHTS_MISSING = Message(
    "access.rights_missing",
    "`etl doctor` found that the user of the loads lacks what bootstrap gives it.",
    "the user {user!r} lacks rights in the database {database!r}, which bootstrap gives: {statements}",
    "Run etl bootstrap as the administrator",
    {
        "user": "lake_loader",
        "database": "dev",
        "statements": 'ALTER SCHEMA "etl_ledger" OWNER TO "lake_loader"',
    },
)

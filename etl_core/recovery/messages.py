"""Messages of recovery: reconcile, replay, rebuild-log, and the stack that they work on."""

from __future__ import annotations

from etl_core.model.messages import Message

_TABLE = {"table": "public.orders", "database": "dev"}
_FILE = "dev/append/orders/2026-11-22.csv"

REQUEST_INVALID = Message(
    "recovery.request.invalid",
    "The reconcile or the tables function gets a request that it does not know.",
    "the request is not valid: {problems}",
    "The requests are in etl_core/recovery/reconcile_requests.py and tables_requests.py",
    {"problems": "grace_seconds: Input should be a valid integer"},
)
RESPONSE_INVALID = Message(
    "recovery.response.invalid",
    "A function of the stack answers with something that the caller does not know.",
    "the response of a function of the stack is not valid: {problems}. Functions and command must "
    "have the same version",
    "Deploy this version with `pulumi up`, or use the version that was deployed",
    {"problems": "findings[0].state: Field required"},
)
REQUEST_BUCKET = Message(
    "recovery.request.bucket",
    "A request sends an upload of another bucket than the lake.",
    "the upload {key!r} is in the bucket {bucket!r}; the pipeline loads only from the lake {lake!r}",
    "Copy the file into the lake",
    {"key": _FILE, "bucket": "other", "lake": "acme-lake"},
)
LEDGER_UNREADABLE = Message(
    "recovery.ledger.unreadable",
    "Reconcile or rebuild-log finds a ledger that is damaged, or a table in the ledgers' schema that is no ledger.",
    "the ledger {ledger} in {database} cannot be read: {reason}",
    "The others were read. Restore this one, or drop it if it is no ledger (docs/how-to/operate.md, damaged ledgers)",
    {
        "ledger": "etl_ledger.public__orders",
        "database": "dev",
        "reason": 'column "upload_id" does not exist',
    },
)
LEDGER_VERSION_DOUBLED = Message(
    "recovery.ledger.version_doubled",
    "Reconcile finds several rows of a ledger with the same version of one key.",
    "{count} rows of the ledger {ledger} in {database} have the version {version} of {key!r}: each row is one "
    "upload, so the rows of other versions cannot be told apart. Versions of this key that have no row were "
    "not sent",
    "Give each row a version of its own (docs/how-to/operate.md, damaged ledgers)",
    {
        "ledger": "etl_ledger.public__orders",
        "database": "dev",
        "count": 3,
        "key": _FILE,
        "version": "3sL4",
    },
)
LEDGERS_OPEN = Message(
    "recovery.ledgers_open",
    "Others than the loader may change the ledgers of a database.",
    "the schema {schema} in {database} can be changed by others than its owner: {others}. A changed ledger "
    "makes the loader load uploads twice, or lose them",
    "Take these rights away: REVOKE ALL ON SCHEMA {schema} FROM USER; "
    "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM USER",
    {"schema": "etl_ledger", "database": "dev", "others": "joe may change public__orders"},
)
UNKNOWN_DATABASE = Message(
    "recovery.database.unknown",
    "Reconcile or rebuild-log is limited to a database that the stack does not have.",
    "the database {database!r} is not one of this stack's databases: {databases}",
    "Give one of these with --database",
    {"database": "dve", "databases": "analytics, dev"},
)

REPLAY_INVALID_TABLE = Message(
    "replay.invalid_table",
    "Replay is asked to rebuild a table that no upload can address.",
    "the table cannot be rebuilt: {faults}",
    "Give a table that the pipeline loads, with --database and --table",
    {"faults": "the database 'other' is not one of this stack's databases: dev"},
)
REPLAY_NO_LEDGER = Message(
    "replay.no_ledger",
    "Replay is asked to rebuild a table that has no ledger, or that does not exist.",
    "{table} in {database} has no ledger or does not exist: {reason}. Only tables that the "
    "pipeline has loaded can be rebuilt",
    "If the table was dropped, upload its schema file again, which creates the table",
    {**_TABLE, "reason": 'relation "etl_ledger.public__orders" does not exist'},
)
REPLAY_NO_SCHEMA = Message(
    "replay.no_schema",
    "Replay is asked to rebuild a table whose ledger has no schema file.",
    "{table} in {database} has no schema in its ledger; nothing was ever loaded into it",
    "Upload a schema file, then the data files",
    _TABLE,
)
REPLAY_TIMEOUT = Message(
    "replay.timeout",
    "The rebuild of a table takes longer than a function may run.",
    "the rebuild of {table} did not finish in the function's time and was rolled back; the table is unchanged",
    "Upload a truncate with all its rows, in fewer or compressed files",
    {"table": "public.orders"},
)
REPLAY_OVERWRITTEN = Message(
    "replay.overwritten",
    "Files of the table are overwritten during every attempt to rebuild it.",
    "files of {table} were overwritten during each of {attempts} attempts to rebuild it; the table is unchanged",
    "Run replay again when fewer files arrive",
    {"table": "public.orders", "attempts": 3},
)
REPLAY_UPLOADS_UNAVAILABLE = Message(
    "replay.uploads_unavailable",
    "Uploads that a table consists of cannot be loaded again.",
    "{table} cannot be rebuilt: {count} of its {total} uploads cannot be loaded again: {faults}. Nothing was changed",
    "Upload a truncate with the rows that the table must have",
    {
        "table": "public.orders",
        "count": 1,
        "total": 12,
        "faults": f"'{_FILE}' (version 3sL4): it no longer exists",
    },
)
REPLAY_UPLOAD_UNAVAILABLE = Message(
    "replay.upload_unavailable",
    "One upload cannot be loaded again; a detail of replay.uploads_unavailable.",
    "{key!r} (version {version}): {reason}",
    "",
    {"key": _FILE, "version": "3sL4", "reason": "the version no longer exists in 'acme-lake'"},
)
REPLAY_COPY_REFUSED = Message(
    "replay.copy_refused",
    "COPY refuses a file during a rebuild that it accepted before.",
    "{file} was loaded before and cannot be loaded again: {reason}",
    "",
    {"file": _FILE, "reason": "line 3, column 'note': the value is too long for VARCHAR(5)"},
)
REPLAY_OTHER_COUNTS = Message(
    "replay.other_counts",
    "A rebuild loads another number of rows than the ledger records.",
    "the rebuild of {table} loaded other numbers of rows than the ledger records: {faults}. Nothing was changed",
    "If the new numbers are right, run replay again with --accept-counts",
    {"table": "public.orders", "faults": f"{_FILE}: 2 rows were loaded, the ledger records 3"},
)
REPLAY_OTHER_COUNT = Message(
    "replay.other_count",
    "One COPY of a rebuild loads another number of rows; a detail of replay.other_counts.",
    "{files}: {count} rows were loaded, the ledger records {expected}",
    "",
    {"files": _FILE, "count": 2, "expected": 3},
)

REPLAY_NOT_IN_LEDGER = Message(
    "replay.not_in_ledger",
    "Replay is asked to rebuild a table whose ledger knows fewer uploads than the log.",
    "{table} cannot be rebuilt: the log knows {count} uploads that were loaded into it and that its ledger "
    "does not know: {keys}. Their rows would be lost. Nothing was changed",
    "Settle them first: docs/how-to/operate.md, uploads that the ledger does not know",
    {"table": "public.orders", "count": 2, "keys": f"{_FILE!r} (2026-11-22T09:30:00Z)"},
)
REPLAY_MORE_ROWS = Message(
    "replay.more_rows",
    "A table that is to be rebuilt has more rows than its ledger accounts for.",
    "{table} has {count} rows, its ledger accounts for {expected}: rows that the ledger does not know would "
    "be lost. Nothing was changed",
    "If they may be lost, run replay again with --accept-counts",
    {"table": "public.orders", "count": 12, "expected": 10},
)
ADOPT_TOO_FEW_ROWS = Message(
    "adopt.too_few_rows",
    "Reconcile is asked to adopt uploads whose rows the table does not have.",
    "{table} in {database} has {count} rows; with the uploads that the ledger does not know it would have at "
    "least {expected}. Nothing was adopted",
    "Their rows, or some of them, are not in the table: upload the files again, or a truncate with all rows",
    {**_TABLE, "count": 4, "expected": 6},
)
ADOPT_NO_TABLE = Message(
    "adopt.no_table",
    "Reconcile is asked to adopt uploads into a table that does not exist.",
    "{table} in {database} does not exist, so it has no rows of the uploads that the ledger does not know. "
    "Nothing was adopted",
    "Upload the schema file and the files again",
    _TABLE,
)

UPLOAD_NOT_FOUND = Message(
    "replay.upload_not_found",
    "Replay is asked for a key that no object of the lake has.",
    "the lake has no object {key!r}; a replay needs the object",
    "Check the key, or upload the file again",
    {"key": _FILE},
)
UPLOAD_VERSION_NOT_FOUND = Message(
    "replay.version_not_found",
    "Replay is asked for a version that the object does not have.",
    "the object {key!r} has no version {version!r}; its versions are: {versions}",
    "Give one of these with --version-id",
    {"key": _FILE, "version": "3sL4", "versions": "Kx1d, a9Qz"},
)
UPLOAD_UNDER_WAY = Message(
    "replay.upload_under_way",
    "Replay is asked for an upload that the pipeline works on.",
    "{key!r} (version {version}) is under way; it has no final status yet",
    "Wait for its final status in the log",
    {"key": _FILE, "version": "3sL4"},
)
UPLOAD_SUPERSEDED = Message(
    "replay.upload_superseded",
    "Replay is asked for an upload that a later one superseded.",
    "{key!r} (version {version}) is superseded by a later upload; a replay would be superseded again",
    "If its rows are needed, upload the file again",
    {"key": _FILE, "version": "3sL4"},
)
UPLOAD_NOT_IN_LEDGER = Message(
    "replay.upload_not_in_ledger",
    "Replay is asked for an upload that the log calls loaded and the ledger does not know.",
    "{key!r} (version {version}) is {status} according to the log, but its table's ledger has no "
    "row for it; a replay could load its rows a second time",
    "Look at the table: docs/how-to/operate.md, uploads that the ledger does not know",
    {"key": _FILE, "version": "3sL4", "status": "loaded"},
)
UPLOAD_LOADED_BEFORE = Message(
    "replay.upload_loaded_before",
    "Replay is asked for an upload that has taken effect.",
    "{key!r} (version {version}) is already {status}; a replay would be a duplicate and change nothing",
    "To load the file twice, upload it again; to rebuild the table from the lake, replay the table",
    {"key": _FILE, "version": "3sL4", "status": "loaded"},
)

STACK_FILE_MISSING = Message(
    "stack.file_missing",
    "The outputs file of the stack does not exist.",
    "{path} does not exist",
    "Start the local cloud with `etl up`, or name a deployed stack with --stack FILE; write FILE with: "
    "pulumi stack output --json --show-secrets > FILE",
    {"path": ".local/outputs.json"},
)
STACK_FILE_UNREADABLE = Message(
    "stack.file_unreadable",
    "The outputs file of the stack cannot be read.",
    "{path} cannot be read as JSON: {reason}",
    "Write it with: pulumi stack output --json --show-secrets > {path}",
    {"path": "prod.json", "reason": "Expecting value: line 1 column 1 (char 0)"},
)
STACK_FILE_NO_OBJECT = Message(
    "stack.file_no_object",
    "The outputs file of the stack contains no JSON object.",
    "{path} contains no JSON object",
    "Write it with: pulumi stack output --json --show-secrets > {path}",
    {"path": "prod.json"},
)
STACK_OUTPUT_MISSING = Message(
    "stack.output_missing",
    "The outputs file lacks an output; it is from another version or another program.",
    "{path} has no {output!r}; it does not contain the outputs of a stack of this version",
    "Write it with: pulumi stack output --json --show-secrets > {path}",
    {"path": "prod.json", "output": "reconcile_function"},
)
STACK_AWS_UNUSABLE = Message(
    "stack.aws_unusable",
    "The AWS client cannot be created.",
    "AWS cannot be used: {reason}",
    "Check the AWS profile and the region",
    {"reason": "The config profile (prod) could not be found"},
)
STACK_PULUMI_MISSING = Message(
    "stack.pulumi_missing",
    "The option --stack names a Pulumi stack, and the command pulumi is not installed.",
    "{name!r} is no file, and pulumi, which knows the stacks, is not on the PATH",
    "Install Pulumi, or name an outputs file: --stack FILE",
    {"name": "prod"},
)
STACK_NAME_UNKNOWN = Message(
    "stack.name_unknown",
    "Pulumi cannot show the outputs of the stack that --stack names.",
    "pulumi does not show the outputs of the stack {name!r}: {reason}",
    "Run the command in the folder of the Pulumi program, logged in; pulumi stack ls lists the stacks",
    {"name": "prod", "reason": "error: no stack named 'prod' found"},
)
STACK_OUTPUT_HIDDEN = Message(
    "stack.output_hidden",
    "The outputs file has a secret output only as [secret].",
    "{path} hides {output!r}, which the command needs",
    "Write it with: pulumi stack output --json --show-secrets > {path}",
    {"path": "prod.json", "output": "api_key"},
)

STACK_REGION_MISSING = Message(
    id="stack.region_missing",
    when="`etl doctor --before` found no region in the configuration of the stack.",
    text="the configuration of the stack {name} has no aws:region, the region of its resources",
    fix="Set it: pulumi config set aws:region <region> --stack {name}",
    example={"name": "dev"},
)

STACK_CONFIGURATION_INVALID = Message(
    id="stack.configuration_invalid",
    when="`etl doctor --before` found a configuration that `pulumi up` would refuse.",
    text="the configuration of the stack {name} cannot be used: {reason}",
    fix="",
    example={
        "name": "dev",
        "reason": "the configuration of the stack has 1 fault(s):\n- warehousePort is '0'; it must be a port",
    },
)

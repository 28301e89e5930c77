"""Messages about keys, names, events and settings; and `Message`, the form of every message to a user.

Each package keeps its messages in a module `messages`. `etl_core/message_catalogue.py` gathers
them, and docs/reference/messages.md is generated from there.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class MessageText(str):
    """A message with its values: a text that also knows its id and its fix.

    A text that is built from several messages is a plain `str`.
    """

    __slots__ = ("fix", "id")

    def __new__(cls, text: str, message_id: str = "", fix: str = "") -> MessageText:
        """Return the text of the message."""
        made = super().__new__(cls, text)
        made.id, made.fix = message_id, fix
        return made

    id: str
    fix: str


@dataclass(frozen=True)
class Message:
    """A message and its entry in the catalogue.

    `id`: `area.name`, never changed once released. `when`: one sentence for the reference page.
    `text`: what happened, with the value, and the rule. `fix`: what the reader does next; empty for
    a detail that another message lists. `text` and `fix` are `str.format` templates without a final
    period. `example`: the fields of the example on the reference page.
    """

    id: str
    when: str
    text: str
    fix: str
    example: Mapping[str, Any]

    def __call__(self, **fields: Any) -> MessageText:
        """Return the message with these fields. Raises KeyError if one is missing."""
        fix = self.fix.format(**fields)
        text = ". ".join(part for part in (self.text.format(**fields), fix) if part)
        return MessageText(text, self.id, fix)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that the templates use."""
        parsed = string.Formatter().parse(f"{self.text} {self.fix}")
        return frozenset(name.split(".")[0].split("[")[0] for _, name, _, _ in parsed if name)

    def example_text(self) -> str:
        """Return the message with the fields of its example."""
        return self(**self.example)


KEY_INVALID = Message(
    id="key.invalid",
    when="The object's key does not name a database, an action and a table of this stack.",
    text="the key {key!r} is not a valid upload: {faults}",
    fix="Nothing was loaded; upload the file again under a key {layout}",
    example={
        "key": "dev/merge/orders/a.csv",
        "faults": "the action 'merge' is not one of append, truncate, upsert, schema",
        "layout": "db_name/action/table_name/file",
    },
)
KEY_LEADING_SLASH = Message(
    id="key.leading_slash",
    when="The key begins with a slash.",
    text="it begins with a slash",
    fix="",
    example={},
)
KEY_PARTS_MISSING = Message(
    id="key.parts_missing",
    when="The key has fewer than four parts.",
    text="it has {count} of the four parts db_name, action, table_name, file",
    fix="",
    example={"count": 3},
)
KEY_CONTROL_CHARACTER = Message(
    id="key.control_character",
    when="The key has a control character, such as NUL, a line feed or an escape.",
    text="the key contains the control character {character} at position {position}",
    fix="",
    example={"character": "U+0000", "position": 19},
)
KEY_ACTION_UNKNOWN = Message(
    id="key.action_unknown",
    when="The second part of the key is not an action.",
    text="the action {action!r} is not one of {actions}",
    fix="",
    example={"action": "merge", "actions": "append, truncate, upsert, schema"},
)
DATABASE_UNKNOWN = Message(
    id="database.unknown",
    when="The stack's settings do not list the database.",
    text="the database {database!r} is not one of this stack's databases: {databases}",
    fix="",
    example={"database": "prod", "databases": "analytics, dev"},
)
TABLE_NOT_SERVED = Message(
    id="table.not_served",
    when="The setting tableFilter of the stack does not name the table.",
    text="this stack does not serve the table {table}: its tableFilter is {patterns}",
    fix="Upload the file to the lake of the stack that serves it. To serve it here, extend tableFilter, run "
    "pulumi up, then etl replay --failed",
    example={"table": "dev.public.orders", "patterns": "dev.sales.*"},
)
TABLE_NAME_RESERVED = Message(
    id="table.name_reserved",
    when="The table name is the one that the log uses for keys that name no table.",
    text="the table name {name!r} is reserved for log entries of keys that name no table; use another name",
    fix="",
    example={"name": "_unparsed"},
)
SCHEMA_NAME_RESERVED = Message(
    id="schema.name_reserved",
    when="The schema belongs to Redshift or to the loader.",
    text="the schema {name!r} is reserved; choose another schema",
    fix="",
    example={"name": "pg_catalog"},
)
NAME_UNSAFE = Message(
    id="name.unsafe",
    when="The name of a database, schema or table has a character that is not allowed.",
    text="the {kind} {name!r} is not a safe name: letters a-z, digits and _ only, not beginning with a digit",
    fix="",
    example={"kind": "table", "name": "user-data"},
)
NAME_TOO_LONG = Message(
    id="name.too_long",
    when="The name of a database, schema or table is longer than Redshift stores.",
    text="the {kind} {name!r} has {size} bytes; Redshift cuts names at {limit} bytes",
    fix="",
    example={"kind": "table", "name": "orders_of_the_year", "size": 128, "limit": 127},
)
COLUMN_NAME_EMPTY = Message(
    id="column.name_empty",
    when="A column has no name.",
    text="a column name must not be empty",
    fix="",
    example={},
)
COLUMN_NAME_BLANKS = Message(
    id="column.name_blanks",
    when="A column name begins or ends with a blank.",
    text="the column name {name!r} begins or ends with a blank, which the header of a CSV file "
    "cannot show; remove the blank",
    fix="",
    example={"name": " id"},
)
COLUMN_NAME_UNPRINTABLE = Message(
    id="column.name_unprintable",
    when="A column name has a control character or another character that cannot be printed.",
    text="the column name {name!r} has control or unprintable characters; remove them",
    fix="",
    example={"name": "first\tname"},
)
COLUMN_NAME_TOO_LONG = Message(
    id="column.name_too_long",
    when="A column name is longer than Redshift stores.",
    text="the column name {beginning!r}... has {size} bytes; Redshift cuts names at {limit} bytes",
    fix="",
    example={"beginning": "how_often_the_customer_has_ordered_since", "size": 131, "limit": 127},
)
COLUMN_NAME_SYSTEM = Message(
    id="column.name_system",
    when="A column has the name of a system column of Redshift.",
    text="the column name {name!r} is a system column of the database; choose another name",
    fix="",
    example={"name": "ctid"},
)

EVENT_PART_MISSING = Message(
    id="event.part_missing",
    when="An event that started a load has no `detail`, `bucket` or `object`.",
    text="the event has no object {name!r}",
    fix="Send an S3 'Object Created' event as EventBridge delivers it",
    example={"name": "detail"},
)
EVENT_FIELD_INVALID = Message(
    id="event.field_invalid",
    when="A field of an event is empty, not a text, or has control characters.",
    text="the event's {name!r} is {value!r}; it must be a text that is not empty and has no "
    "control characters",
    fix="Send an S3 'Object Created' event as EventBridge delivers it",
    example={"name": "etag", "value": None},
)
EVENT_TIME_INVALID = Message(
    id="event.time_invalid",
    when="The time of an event is not a time.",
    text="the event's 'time' is {value!r}; it must be a time such as 2026-11-22T09:30:00Z",
    fix="Send an S3 'Object Created' event as EventBridge delivers it",
    example={"value": "yesterday"},
)
ARRIVAL_TIME_IMPOSSIBLE = Message(
    id="event.arrival_time_impossible",
    when="The time of an event is before S3 existed, or more than a day in the future.",
    text="the event's time is {time}; an upload cannot have arrived before {earliest} or more than a day after {now}",
    fix="Nothing was loaded. Correct what sends the events, then run `etl reconcile`, which sends "
    "the upload with the time that S3 lists",
    example={
        "time": "0001-01-01T00:00:00Z",
        "earliest": "2006-01-01T00:00:00Z",
        "now": "2026-11-22T09:30:00Z",
    },
)

SETTING_MISSING = Message(
    id="setting.missing",
    when="An environment variable of a Lambda function is not set.",
    text="the environment variable {name} is missing or empty; the deployment sets it",
    fix="Run pulumi up again",
    example={"name": "LOG_TABLE"},
)
SETTING_PORT_INVALID = Message(
    id="setting.port_invalid",
    when="The environment variable for the port of the warehouse is not a port number.",
    text="the environment variable {name} is {value!r}; it must be a port number from 1 to 65535",
    fix="Run pulumi up again",
    example={"name": "WAREHOUSE_PORT", "value": "http"},
)
SETTING_ONE_OF = Message(
    id="setting.one_of",
    when="Of two environment variables of a Lambda function, both are set or none is.",
    text="exactly one of the environment variables {name} and {other} must be set",
    fix="Run pulumi up again",
    example={"name": "WAREHOUSE_WORKGROUP", "other": "WAREHOUSE_CLUSTER"},
)
SETTING_NUMBER_INVALID = Message(
    id="setting.number_invalid",
    when="An environment variable for a number of seconds or of loads is not such a number.",
    text="the environment variable {name} is {value!r}; it must be a whole number from 1 to 999999",
    fix="Run pulumi up again",
    example={"name": "LEASE_SECONDS", "value": "soon"},
)
SETTING_COUNT_INVALID = Message(
    id="setting.count_invalid",
    when="An environment variable that must be a whole number is none.",
    text="the environment variable {name} is {value!r}; it must be a whole number, 0 or larger",
    fix="Run pulumi up again",
    example={"name": "MAINTENANCE_MIN_ROWS", "value": "many"},
)
SETTING_CHOICE_INVALID = Message(
    id="setting.choice_invalid",
    when="An environment variable has a value that is not one of its choices.",
    text="the environment variable {name} is {value!r}; it must be one of {choices}",
    fix="Run pulumi up again",
    example={"name": "WEBHOOK_KIND", "value": "irc", "choices": "slack, teams"},
)
SETTING_PATTERN_INVALID = Message(
    id="setting.pattern_invalid",
    when="The environment variable for the tables that the stack serves has a malformed pattern.",
    text="the environment variable {name} has {value!r}; it must have patterns of database.schema.table",
    fix="Run pulumi up again",
    example={"name": "TABLE_FILTER", "value": "orders"},
)
SETTING_DATABASES_EMPTY = Message(
    id="setting.databases_empty",
    when="The environment variable for the databases names none.",
    text="the environment variable {name} is {value!r}; it must name at least one database",
    fix="Run pulumi up again",
    example={"name": "DATABASES", "value": " , "},
)

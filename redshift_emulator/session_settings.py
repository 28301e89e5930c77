"""SET and RESET.

Redshift's own settings are stored under the prefix `redshift.`, where PostgreSQL accepts any name.
"""

from __future__ import annotations

from redshift_emulator.cursor import Cursor
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import Edit, Kind, literal
from redshift_emulator.refusals import refusal
from redshift_emulator.statement import Statement
from redshift_emulator.step import Action, Step

SERVER_VERSION = "8.0.2"
CASE_SETTING = "enable_case_sensitive_identifier"

# Redshift's own settings and their defaults (cm_chap_ConfigurationRef).
REDSHIFT_SETTINGS = {
    CASE_SETTING: "off",
    "analyze_threshold_percent": "10",
    "cast_super_null_on_error": "on",
    "datashare_break_glass_session_var": "",
    "default_geometry_encoding": "1",
    "describe_field_name_in_uppercase": "off",
    "downcase_delimited_identifier": "on",
    "enable_case_sensitive_super_attribute": "off",
    "enable_numeric_rounding": "on",
    "enable_result_cache_for_session": "on",
    "error_on_nondeterministic_update": "off",
    "json_serialization_enable": "off",
    "max_concurrency_scaling_clusters": "1",
    "max_cursor_result_set_size": "0",
    "mv_enable_aqmv_for_session": "on",
    "navigate_super_null_on_error": "on",
    "parse_super_null_on_error": "off",
    "query_group": "default",
    "spectrum_enable_pseudo_columns": "on",
    "stored_proc_log_min_messages": "log",
    "wlm_query_slot_count": "1",
}
_ISOLATION = frozenset(
    {"default_transaction_isolation", "transaction_isolation", "default_transaction_read_only"}
)


def name_at(cursor: Cursor) -> str:
    """Take a setting's name; "" if none comes next."""
    return "" if cursor.token.kind not in (Kind.WORD, Kind.QUOTED) else cursor.name()


def plan_set(statement: Statement) -> Step:
    """Plan SET name TO value.

    The isolation level belongs to the database: setting it does nothing.
    """
    cursor = statement.cursor(1)
    cursor.take_any("session", "local")
    place = cursor.token
    name = name_at(cursor)
    if name in ("characteristics", "transaction") or name in _ISOLATION:
        return Step(Action.RUN, "SELECT 1", "SET")
    if name == "standard_conforming_strings":
        raise refusal("standard strings")  # a quoted name; an unquoted one is refused by its words
    if name == "readonly":  # what the JDBC driver sends for setReadOnly
        edit = Edit(place.start, place.end, "default_transaction_read_only")
        return Step(Action.SET, statement.rewritten([edit]))
    if name not in REDSHIFT_SETTINGS:
        return Step(Action.SET, statement.rewritten())
    sets_case = name == CASE_SETTING
    if sets_case:
        _check_boolean(statement)
    return Step(
        Action.SET,
        statement.rewritten([Edit(place.start, place.end, "redshift." + name)]),
        sets_case=sets_case,
    )


def _check_boolean(statement: Statement) -> None:
    last = statement.tokens[-1]
    value = literal(last) if last.kind is Kind.STRING else last.value
    if value.lower() not in ("on", "off", "true", "false", "1", "0", "yes", "no", "default"):
        raise SqlError("22023", f'parameter "{CASE_SETTING}" requires a Boolean value')


def is_on(value: str) -> bool:
    """Whether the text of a Boolean setting means true."""
    return value.lower() in ("on", "true", "1", "yes")


def plan_reset(statement: Statement) -> Step:
    """Plan RESET name and RESET ALL."""
    cursor = statement.cursor(1)
    place = cursor.token
    name = name_at(cursor)
    if name not in REDSHIFT_SETTINGS:
        return Step(Action.SET, statement.rewritten(), sets_case=name == "all")
    edit = Edit(place.start, place.end, "redshift." + name)
    return Step(Action.SET, statement.rewritten([edit]), sets_case=name == CASE_SETTING)

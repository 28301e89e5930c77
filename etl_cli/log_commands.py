"""What happened: `logs`, `show`, `tables`, `schema` and `ui`. They only ask the API."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from etl_cli.api_client import ApiClient
from etl_cli.command_errors import plain_errors
from etl_cli.options import stack_options
from etl_cli.stack_outputs import StackSource
from etl_cli.terminal import echo, echo_lines, has_error_terminal, to_json
from etl_core.model.status import REFUSED

FOLLOW_SECONDS = 2.0
_REFUSED = ",".join(sorted(REFUSED))
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EVER = "2006"
"""S3 exists since 2006."""


def _since(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Return a time of the API: a period before now, such as 90m, 12h, 1d, 2w, or a time as it is."""
    if text is None:
        return None
    period = re.fullmatch(r"(\d{1,5})([mhdw])", text.strip())
    if period is None:
        if re.match(r"\d{4}", text.strip()) is None:
            raise click.BadParameter("it is a period such as 90m, 12h or 1d, or a UTC time")
        return text.strip()
    ago = timedelta(**{_UNITS[period[2]]: int(period[1])})
    try:
        return f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}"
    except OverflowError:
        raise click.BadParameter("it is too long ago") from None


def open_api(stack: StackSource) -> ApiClient:
    """Return the API of a stack and say on the error output which stack it is. Raises StackError."""
    api = ApiClient.of(stack.read(), stack)
    say_stack(stack)
    return api


def say_stack(stack: StackSource) -> None:
    """Say on a terminal which stack the command uses."""
    if has_error_terminal():
        where = "" if stack.path is None or stack.label == str(stack.path) else f" ({stack.path})"
        echo(f"stack: {stack.label}{where}", err=True)


@click.command()
@click.argument("table", required=False)
@click.option(
    "--failed",
    is_flag=True,
    help="Only uploads that were rejected, that failed, or whose status is unknown.",
)
@click.option(
    "--since",
    callback=_since,
    metavar="PERIOD|TIME",
    help="Only uploads since 90m, 12h, 1d or 2w ago, or since a UTC time. Default: 1d without TABLE, "
    "everything with it.",
)
@click.option("--follow", is_flag=True, help="Go on and print what is new, until Ctrl-C.")
@stack_options
@plain_errors
def logs(
    table: str | None,
    failed: bool,  # noqa: FBT001 - click passes flags as booleans
    since: str | None,
    follow: bool,  # noqa: FBT001
    stack: StackSource,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Show uploads, newest first: those to TABLE (`table` or `schema.table`), or to all tables.

    Exit code: 0 done, 1 the API or the stack cannot answer, 2 an option cannot be used.
    """
    api = open_api(stack)
    path, parameters = _query(table, since, failed=failed)
    entries = list(api.pages(path, parameters))
    if follow:
        _follow(api, path, parameters, entries, as_json=as_json)
    elif as_json:
        echo_lines(to_json(entries))
    elif entries:
        print_entries(entries)
    else:
        echo(
            f"no uploads to {table} so far"
            if table
            else "no such uploads; --since looks further back"
        )


def _query(table: str | None, since: str | None, *, failed: bool) -> tuple[str, dict[str, str]]:
    """Return the path and the parameters."""
    if table is not None and not failed:
        return "/logs", {"table_name": table} | ({"from": since} if since else {})
    if since is None:
        since = _EVER if table else _since_a_day()
    parameters = {"from": since} | ({"status": _REFUSED} if failed else {})
    return "/uploads", parameters | ({"table": table} if table else {})


def _since_a_day() -> str:
    return f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"


def print_entries(entries: list[dict[str, Any]]) -> None:
    """Print entries: a table, or one block each on a narrow terminal."""
    from etl_cli import display
    from etl_cli.console import make_console

    console = make_console()
    if console.width >= display.TABLE_WIDTH:
        console.print(display.describe_entries(entries))
        return
    for entry in entries:
        console.print(display.describe_entry(entry), soft_wrap=True)


def _follow(
    api: ApiClient,
    path: str,
    parameters: Mapping[str, str],
    entries: list[dict[str, Any]],
    *,
    as_json: bool,
) -> None:
    """Print the entries, the oldest first, and then every change of one."""
    shown: dict[str, Any] = {}
    try:
        while True:
            for entry in _changed(entries, shown):
                if as_json:
                    echo_lines(to_json(entry, indent=None))
                else:
                    _print_entries_as_blocks([entry])
            time.sleep(FOLLOW_SECONDS)
            entries = list(api.pages(path, {**parameters, "from": _recent(entries, parameters)}))
    except KeyboardInterrupt:
        return


def _recent(entries: list[dict[str, Any]], parameters: Mapping[str, str]) -> str:
    """Return since when to look again: an hour before the newest upload, so that changes are seen."""
    newest = entries[0]["landed_timestamp"] if entries else None
    earliest = parameters.get("from", _EVER)
    if newest is None:
        return earliest
    hour = datetime.fromisoformat(newest) - timedelta(hours=1)
    return max(earliest, f"{hour:%Y-%m-%dT%H:%M:%SZ}")


def _changed(entries: list[dict[str, Any]], shown: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in reversed(entries):
        identity = str(entry.get("upload_id") or (entry["landed_timestamp"], entry.get("s3_key")))
        state = (entry["status"], entry.get("attempts"), entry.get("loaded_timestamp"))
        if shown.get(identity) != state:
            shown[identity] = state
            yield entry


def _print_entries_as_blocks(entries: list[dict[str, Any]]) -> None:
    from etl_cli import display
    from etl_cli.console import make_console

    for entry in entries:
        make_console().print(display.describe_entry(entry), soft_wrap=True)


@click.command()
@click.argument("upload")
@stack_options
@plain_errors
def show(upload: str, stack: StackSource, as_json: bool) -> None:  # noqa: FBT001
    """Show everything that the log knows about one upload. UPLOAD is its upload_id, or its key.

    A key shows its newest upload.

    Exit code: 0 done, 1 there is no such upload or the API cannot answer, 2 an option cannot be used.
    """
    api = open_api(stack)
    entry = _find(api, upload)
    if as_json:
        echo_lines(to_json(entry))
        return
    from etl_cli import display
    from etl_cli.console import make_console

    make_console().print(display.describe_upload(entry), soft_wrap=True)


def _find(api: ApiClient, upload: str) -> dict[str, Any]:
    if "/" not in upload:
        return api.get(f"/uploads/{upload.strip().lower()}")
    found = api.pages("/uploads", {"s3_key": upload, "from": _EVER, "limit": "50"})
    entry = next((each for each in found if each.get("s3_key") == upload), None)
    if entry is None:
        raise click.ClickException(
            f"the log has no upload with the key {upload}; `etl logs` lists the uploads"
        )
    return api.get(f"/uploads/{entry['upload_id']}") if "upload_id" in entry else entry


@click.command()
@stack_options
@plain_errors
def tables(stack: StackSource, as_json: bool) -> None:  # noqa: FBT001
    """Show every table: its last upload and load, whether it is fresh, and its rows and refusals.

    Exit code: 0 done, 1 the API or the stack cannot answer, 2 an option cannot be used.
    """
    answer = _all_tables(open_api(stack))
    if as_json:
        echo_lines(to_json(answer))
    elif answer["items"]:
        from etl_cli import display
        from etl_cli.console import make_console

        console = make_console()
        is_wide = console.width >= display.TABLE_WIDTH
        shown = display.describe_tables(answer["items"], is_wide=is_wide)
        console.print(shown, soft_wrap=not is_wide)
    else:
        echo("no table had an upload so far")


def _all_tables(api: ApiClient) -> dict[str, Any]:
    """Return all pages as one answer."""
    first, *others = api.answers("/tables", {})
    items = [item for each in (first, *others) for item in each["items"]]
    answer = {**first, "items": items, "count": len(items)}
    answer.pop("next_token", None)
    return answer


@click.command()
@click.argument("table")
@click.option("--db", help="The database. Default: the first one of the stack.")
@stack_options
@plain_errors
def schema(table: str, db: str | None, stack: StackSource, as_json: bool) -> None:  # noqa: FBT001
    """Print the schema file in force for TABLE (`table` or `schema.table`).

    With --json also the ones before it.

    Exit code: 0 done, 1 there is none or the API cannot answer, 2 an option cannot be used.
    """
    from etl_cli.stack_outputs import databases_of
    from etl_core.model.table_ref import split_table_name

    outputs = stack.read()
    database = db or databases_of(outputs, stack)[0]
    schema_name, name = split_table_name(table)
    api = ApiClient.of(outputs, stack)
    say_stack(stack)
    answer = api.get(schema_path(database, schema_name, name))
    if as_json:
        echo_lines(to_json(answer))
        return
    if answer["document"] is None:
        raise click.ClickException(
            f"the schema file {answer['in_force']['s3_key']} cannot be read from the lake any more"
        )
    echo_lines(to_json(answer["document"]))


def schema_path(database: str, schema_name: str, table: str) -> str:
    """Return the API's path of a table's schema."""
    from urllib.parse import quote

    parts = "/".join(quote(part, safe="") for part in (database, schema_name, table))
    return f"/tables/{parts}/schema"


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Print the address; open nothing.")
@stack_options
@plain_errors
def ui(only_print: bool, stack: StackSource, as_json: bool) -> None:  # noqa: FBT001
    """Open the page of the stack in the browser, with its API key.

    The key is in the part of the address that browsers do not send. The page keeps it in its tab.
    For an API with IAM the command serves the page on this machine and signs its requests, until Ctrl-C.

    Exit code: 0 done, 1 the stack cannot be used or no browser was found, 2 an option cannot be used.
    """
    from urllib.parse import quote

    api = open_api(stack)
    if api.sign is not None:
        _serve_page(api, only_print=only_print, as_json=as_json)
        return
    address = f"{api.url_of('/')}#key={quote(api.key, safe='')}"
    _show_page(address, api.url_of("/"), only_print=only_print, as_json=as_json)


def _serve_page(api: ApiClient, *, only_print: bool, as_json: bool) -> None:
    from etl_cli.signing_proxy import SigningProxy

    with SigningProxy(api) as proxy:
        _show_page(proxy.address, f"http://{proxy.host}/", only_print=only_print, as_json=as_json)
        try:
            proxy.serve_forever()
        except KeyboardInterrupt:
            return


def _show_page(address: str, shown: str, *, only_print: bool, as_json: bool) -> None:
    """Open or print the address. `shown` is the address without the key."""
    if as_json:
        echo_lines(to_json({"url": address}))
    elif only_print:
        echo(address)
    else:
        import webbrowser

        if not webbrowser.open(address):
            raise click.ClickException("no browser was found; etl ui --print shows the address")
        echo(f"opened {shown}")

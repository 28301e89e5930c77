"""The page, in a headless Chromium against the local cloud. Skipped where no Chromium is installed."""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etl_core.model.upload import Upload
from etl_core.upload_log.entry import final_entry, key_of, received_entry
from local_cloud.state import PROJECT_ROOT
from tests.browser import Page, chromium, find_chromium
from tests.builders import NOON
from tests.e2e.conftest import Lake, columns

SCRIPT = "<script>alert(1)</script>"
AXE = Path(os.environ.get("ETL_AXE") or PROJECT_ROOT / ".cache" / "axe.min.js")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on the PATH")
    with chromium(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def table(lake: Lake) -> str:
    """A table with a schema file, a loaded and a refused upload."""
    name = lake.table("page")
    lake.drop(f"dev/schema/{name}/s.json", columns(("id", "INTEGER")))
    lake.drop(f"dev/append/{name}/good.csv", "id\n1\n2\n")
    lake.drop(f"dev/append/{name}/bad.csv", "id\n1\nx\n")
    return name


@pytest.fixture
def page(browser: Page, lake: Lake, table: str) -> Page:
    """The overview, opened with the key as `etl ui` does it."""
    browser.resize(1200, 900)
    browser.problems.clear()
    browser.open(address(lake, f"key={lake.client.outputs.api_key}"))
    browser.wait("document.querySelectorAll('main section').length >= 4")
    return browser


def address(lake: Lake, fragment: str) -> str:
    return f"{lake.client.api.url_of('/')}#{fragment}"


def text(page: Page) -> str:
    return str(page.js("document.body.innerText"))


def go(page: Page, route: str, condition: str) -> None:
    page.js(f"void (location.hash = {json.dumps(route)})")
    page.wait(condition)


def h1_has(words: str) -> str:
    return f"(document.querySelector('h1') || {{}}).textContent?.includes({json.dumps(words)})"


def test_the_page_and_health_need_no_key_and_data_does(lake: Lake) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for path, kind in (("/", "text/html"), ("/health", "application/json")):
        with opener.open(lake.client.api.url_of(path), timeout=20) as answer:
            assert answer.headers["Content-Type"].startswith(kind)
            assert lake.client.outputs.api_key not in answer.read().decode()


def test_the_overview_shows_refusals_tables_and_a_chart_without_a_problem(
    page: Page, table: str
) -> None:
    shown = text(page)
    assert f"dev.public.{table}" in shown
    assert f"dev/append/{table}/bad.csv" in shown
    assert "succeeded" in page.js(
        "document.querySelector('svg[role=img]').getAttribute('aria-label')"
    )
    assert page.js("document.querySelectorAll('svg rect').length") >= 1
    assert page.problems == []


def test_the_key_stays_in_the_tab_and_leaves_the_address(page: Page, lake: Lake) -> None:
    key = lake.client.outputs.api_key
    assert key not in page.js("location.href")
    assert page.js("JSON.stringify(localStorage)") == "{}"
    assert page.js("document.cookie") == ""
    assert page.js("sessionStorage.getItem('etl.key')") == key


def test_without_a_key_or_with_a_wrong_one_the_page_asks_for_it(page: Page, lake: Lake) -> None:
    page.js("document.getElementById('forget').click()")
    page.wait(h1_has("API key"))
    assert page.js("sessionStorage.length") == 0
    page.open(address(lake, "key=wrong"))
    page.wait("document.querySelector('[role=alert]')")
    assert "does not know this key" in text(page)
    page.js("document.querySelector('input[type=password]').focus()")
    page.write(lake.client.outputs.api_key)
    page.press("Enter")
    page.wait("document.querySelectorAll('main section').length >= 4")


def test_an_upload_shows_its_error_its_commands_and_a_link_without_the_key(
    page: Page, lake: Lake, table: str
) -> None:
    page.js(
        f"[...document.querySelectorAll('a')].find(a => a.textContent == 'dev/append/{table}/bad.csv').click()"
    )
    page.wait(h1_has("bad.csv"))
    page.wait("document.querySelector('.error')")
    shown = text(page)
    [entry] = lake.client.log_entries(table, limit=1)
    assert entry["error"]["message"] in shown
    copied = page.js("[...document.querySelectorAll('pre')].map(pre => pre.textContent)")
    assert any(each.startswith('curl -H "x-api-key: $API_KEY" ') for each in copied)
    assert any(each.endswith(f"#/upload/{entry['upload_id']}") for each in copied)
    assert lake.client.outputs.api_key not in page.js("document.documentElement.outerHTML")


def test_a_link_that_was_sent_opens_the_upload(page: Page, lake: Lake, table: str) -> None:
    [entry] = lake.client.log_entries(table, action="schema")
    page.open(address(lake, f"/upload/{entry['upload_id']}"))
    page.wait(h1_has("s.json"))


def test_a_table_has_its_uploads_and_its_schema_file(page: Page, table: str) -> None:
    go(page, f"#/table/dev/public/{table}", h1_has(table))
    shown = text(page)
    for words in ("good.csv", "bad.csv", "Schema file in force", '"INTEGER"', "2 rows"):
        assert words in shown, words


def test_a_search_by_table_and_status_finds_the_refused_upload(page: Page, table: str) -> None:
    page.press("/", "/")
    page.wait("document.activeElement.name === 'table'")
    page.write(table)
    page.js("void (document.querySelector('select').value = 'failed,rejected,unknown')")
    page.press("Enter")
    page.wait(h1_has("Search"))
    page.wait(f"document.body.innerText.includes('dev/append/{table}/bad.csv')")
    assert "good.csv" not in text(page)
    assert page.js("document.querySelector('input[name=table]').value") == table


def test_live_follow_shows_a_new_upload_without_a_reload(
    page: Page, lake: Lake, table: str
) -> None:
    go(page, f"#/table/dev/public/{table}", h1_has(table))
    page.js("void (window.sameDocument = true)")
    name = f"{uuid.uuid4().hex[:8]}.csv"
    lake.drop(f"dev/append/{table}/{name}", "id\n3\n")
    page.wait(f"document.body.innerText.includes({json.dumps(name)})")
    assert page.js("window.sameDocument") is True


def test_hostile_names_are_shown_as_text(page: Page, lake: Lake) -> None:
    """Written by the functions' own code, because no valid key names such a table."""
    from etl_core.adapters.log_table import LogTable

    key = f"dev/append/{SCRIPT}/<img src=x onerror=alert(2)>\u202e.csv"
    upload = Upload("lake", key, uuid.uuid4().hex, "e", 1, uuid.uuid4().hex, NOON)
    log = LogTable(lake.client.aws.client("dynamodb"), lake.client.outputs.log_table)
    log.write_received(key_of(upload), received_entry(upload, "arn", NOON))
    error = {"type": "<b>", "message": f"{SCRIPT} & co", "details": ["<i>"]}
    state = {"outcome": {"status": "rejected", "error": error, "statements": [SCRIPT]}}
    log.write_final(key_of(upload), final_entry(upload, state, SCRIPT), 1)

    for route in (
        f"#/upload/{upload.upload_id}",
        f"#/search?{urllib.parse.urlencode({'s3_key': key, 'from': '2006'})}",
    ):
        go(page, route, f"document.querySelector('main').innerText.includes({json.dumps(SCRIPT)})")
        assert (
            page.js("document.querySelectorAll('main script, main img, main b, main i').length")
            == 0
        )
        assert "\u202e" not in text(page)
        assert "\\u202e" in text(page)
    assert page.problems == []


def test_an_unknown_upload_and_a_bad_address_are_said_in_words(page: Page) -> None:
    go(page, f"#/upload/{'0' * 32}", "document.querySelector('[role=alert]')")
    assert "the log has no upload" in text(page)
    go(page, "#/search?colour=red", "document.body.innerText.includes('is not a parameter')")


def test_everything_is_reached_with_the_keyboard(page: Page, table: str) -> None:
    page.js("document.body.focus()")
    reached = []
    for _ in range(60):
        page.press("Tab")
        reached.append(page.js("document.activeElement.textContent || document.activeElement.name"))
        if reached[-1] == f"dev.public.{table}":
            break
    else:
        raise AssertionError(reached)
    assert reached[0] == "Skip to the content"
    page.press("Enter")
    page.wait(h1_has(table))
    assert page.js("document.activeElement.tagName") == "H1"


ROUTES = ["#/", "#/table", "#/upload", "#/search?status=failed"]


def go_to(page: Page, lake: Lake, table: str, route: str) -> None:
    [entry] = lake.client.log_entries(table, action="schema")
    full = {"#/table": f"#/table/dev/public/{table}", "#/upload": f"#/upload/{entry['upload_id']}"}
    go(page, full.get(route, route), "document.querySelectorAll('main section').length >= 1")


@pytest.mark.parametrize("route", ROUTES)
def test_a_phone_needs_no_sideways_scrolling(
    page: Page, lake: Lake, table: str, route: str
) -> None:
    go_to(page, lake, table, route)
    for width in (1200, 360):
        page.resize(width, 800)
        assert page.js("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_in_any_view_on_a_desk_or_a_phone(
    page: Page, lake: Lake, table: str, dark: bool
) -> None:
    if not AXE.is_file():
        pytest.skip(f"no {AXE}: npm pack axe-core, and copy axe.min.js there")
    page.js(AXE.read_text("utf-8") + "; 1")
    for route in ROUTES:
        go_to(page, lake, table, route)
        for width in (1200, 360):
            page.resize(width, 800, dark=dark)
            assert violations(page) == [], (route, width)
    page.js("document.querySelector('h1').id = document.querySelector('main').id")
    page.js("void document.querySelector('main').append(document.createElement('img'))")
    assert violations(page) != [], "axe must see a fault"


def violations(page: Page) -> list[Any]:
    """Return what axe-core finds."""
    run = "axe.run().then(result => result.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"
    return list(page.js(run))

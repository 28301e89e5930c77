"""The page and its charts, and the JSON file between measurement and page."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

from bench.chart import render_chart
from bench.measure import PartResult, Series, Target
from bench.page import CHARTS, PAGE, render_pages
from bench.results import PUBLISHED, Circumstances, PartRecord, read_results, write_results

SVG = "{http://www.w3.org/2000/svg}"
SERIES = (
    Series("this loader", "1 M rows", "s", (2.0, 1.0, 3.0)),
    Series("another | loader", "1 M rows", "s", (4.0,)),
    Series("a third", "1 M rows", "s", (), "it cannot read CSV"),
)


def a_record(busy_percent: float = 1.0) -> PartRecord:
    circumstances = Circumstances(
        date="2026-11-28 01:00 UTC",
        commit="abc1234",
        cores=2,
        processor="A processor",
        python="3.11.7",
        busy_percent=busy_percent,
        size="full",
        seconds=90.0,
    )
    targets = [Target("ours / theirs", 0.5, 1.0), Target("burst", None, 1.5, "s")]
    return PartRecord(circumstances, PartResult(list(SERIES), targets, ["How it was measured."]))


def test_results_are_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"

    write_results(path, {"loads": a_record()})

    assert read_results(path) == {"loads": a_record()}


def test_an_unfinished_measurement_is_valid_json(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, {"loads": a_record()})

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    parts = json.loads(path.read_text(), parse_constant=refuse)
    assert parts["loads"]["targets"][1]["value"] is None


def test_the_page_has_the_figures_the_targets_and_the_circumstances() -> None:
    page = render_pages({"loads": a_record()})[PAGE]

    assert "| 1 M rows | this loader | 3 | 2 s | 1.50 to 2.50 | 1 | 3 |" in page
    assert "| 1 M rows | another \\| loader | 1 | 4 s |" in page
    assert "| 1 M rows | a third | 0 | it cannot read CSV |" in page
    assert "| ours / theirs | 0.500 | 1 | met |" in page
    assert "| burst | not finished | 1.50 s | **missed** |" in page
    text = " ".join(page.split())
    assert "2026-11-28 01:00 UTC, commit abc1234, 2 cores (A processor), Python 3.11.7" in text
    assert "`.venv/bin/python -m bench loads --size full`" in text
    assert "busy" not in text


def test_the_page_says_that_the_machine_was_busy() -> None:
    assert "The machine was busy" in " ".join(
        render_pages({"loads": a_record(busy_percent=60.0)})[PAGE].split()
    )


def test_a_part_that_no_longer_exists_is_not_on_the_page() -> None:
    pages = render_pages({"loads": a_record(), "of an earlier version": a_record()})

    assert set(pages) == {PAGE, CHARTS / "loads.svg"}


def test_the_published_page_and_charts_are_made_from_the_published_results() -> None:
    pages = render_pages(read_results(PUBLISHED))

    assert {path: path.read_text() for path in pages} == pages
    assert set(CHARTS.glob("*")) == set(pages) - {PAGE}


def test_a_chart_has_a_bar_for_each_median_and_a_line_for_each_range() -> None:
    root = ET.fromstring(render_chart("Loads", SERIES, "this loader"))

    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("class") != "bg"]
    assert [(bar.get("class"), bar.get("width")) for bar in bars] == [
        ("ours", "215.0"),
        ("bar", "430.0"),
    ]
    (line,) = root.iter(f"{SVG}line")
    assert (line.get("x1"), line.get("x2")) == ("367.5", "582.5")
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts == [
        "1 M rows, s",
        "this loader",
        "2",
        "another | loader",
        "4",
        "a third",
        "not measured",
    ]

"""docs/reference/benchmarks.md and its charts, from a file of results.

`python -m bench.page bench/results/full.json` publishes the file: it is copied to
bench/results/published.json, and page and charts are written from it. Without a file, page and charts
are written again from what is published.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.chart import render_chart
from bench.measure import Series, Target, number_text, panels
from bench.parts import PARTS
from bench.results import PUBLISHED, PartRecord, read_results, write_results

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"
CHARTS = PAGE.with_suffix("")
OURS = "this loader"
BUSY_PERCENT = 10.0
"""If other programs use more of the CPUs, the page warns about the figures."""

WIDTH = 120


def main() -> None:
    if len(sys.argv) > 1:
        source = Path(sys.argv[1])
        if not source.is_file():
            raise SystemExit(
                f"{source} does not exist; write it with `python -m bench --size full`"
            )
        write_results(PUBLISHED, read_results(source))
    for path, text in render_pages(read_results(PUBLISHED)).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def render_pages(parts: Mapping[str, PartRecord]) -> dict[Path, str]:
    """Return the texts of the page and of the charts, by path."""
    known = {name: parts[name] for name in PARTS if name in parts}
    pages = {PAGE: "\n".join(_lines(known)) + "\n"}
    for name, record in known.items():
        chart = render_chart(PARTS[name].title, record.result.series, OURS)
        pages[CHARTS / f"{name}.svg"] = chart
    return pages


def _lines(parts: Mapping[str, PartRecord]) -> Iterator[str]:
    yield from (*_INTRODUCTION.splitlines(), "")
    if not parts:
        yield "No results are published yet."
        return
    yield from _target_lines(parts)
    for name, record in parts.items():
        yield from _part_lines(name, record)


_INTRODUCTION = """\
# Benchmarks

This page is generated: `python -m bench.page`. Everything runs on one machine, against the local AWS and the
[emulator](../../redshift_emulator/README.md), so the figures compare programs with each other. They say nothing
about the speed of Redshift.

    make bench                                  # every part at a small size: minutes
    make bench-full                             # everything, and this page: more than an hour
    .venv/bin/python -m bench loads             # one part
    .venv/bin/python -m bench.page FILE         # this page from bench/results/FILE

The cases of a part take turns (A B A B), after a warm-up round that does not count. In the charts, a bar is the
median; the line reaches from the smallest to the largest value. Ratios are medians of the ratios within the rounds.
The other loaders run in an environment of their own, with the versions in `bench/peers.txt`.
"""


def _target_lines(parts: Mapping[str, PartRecord]) -> Iterator[str]:
    yield from ("## Targets", "", "| Target | Measured | At most | |", "|---|---:|---:|---|")
    for record in parts.values():
        for target in record.result.targets:
            yield _target_line(target)
    yield ""


def _target_line(target: Target) -> str:
    value = "not finished" if target.value is None else _with_unit(target.value, target.unit)
    limit, met = _with_unit(target.limit, target.unit), "met" if target.met else "**missed**"
    return f"| {_cell(target.claim)} | {value} | {limit} | {met} |"


def _with_unit(value: float, unit: str) -> str:
    return f"{number_text(value)} {unit}".strip()


def _part_lines(name: str, record: PartRecord) -> Iterator[str]:
    part = PARTS[name]
    yield from (f"## {part.title}", "")
    for note in record.result.notes:
        yield from (*textwrap.wrap(note, WIDTH), "")
    yield from (f"![{part.title}]({CHARTS.name}/{name}.svg)", "")
    yield "| What | Case | Runs | Median | Quartiles | Smallest | Largest |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for panel in panels(record.result.series):
        yield from map(_series_line, panel)
    yield ""
    yield from _circumstance_lines(name, record)


def _series_line(series: Series) -> str:
    start = f"| {_cell(series.size)} | {_cell(series.case)} |"
    if not series.values:
        return f"{start} 0 | {_cell(series.missing)} | | | |"
    spread = series.spread
    median = _with_unit(spread.median, series.unit)
    quartiles = f"{number_text(spread.lower)} to {number_text(spread.upper)}"
    least, most = number_text(spread.minimum), number_text(spread.maximum)
    return f"{start} {spread.count} | {median} | {quartiles} | {least} | {most} |"


def _circumstance_lines(name: str, record: PartRecord) -> Iterator[str]:
    at = record.circumstances
    text = (
        f"{at.date}, commit {at.commit}, {at.cores} cores ({at.processor}), Python {at.python}, "
        f"{at.busy_percent:.0f} % of the CPUs in use by other programs before it. It took "
        f"{max(1, round(at.seconds / 60))} min: `.venv/bin/python -m bench {name} --size {at.size}`."
    )
    if at.busy_percent > BUSY_PERCENT:
        text += " **The machine was busy: these figures are too high.**"
    yield from (*textwrap.wrap(text, WIDTH), "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()

"""Bar charts as SVG: one panel per size, one bar per case."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from bench.measure import Series, number_text, panels

WIDTH, LABELS, BARS = 860, 260, 430
ROW, TITLE, MARGIN = 24, 34, 14
STYLE = (
    ".bg { fill: #ffffff } .bar { fill: #b6c2cf } .ours { fill: #0969da } "
    ".range { stroke: #1f2328; stroke-width: 1.2 } .t { fill: #1f2328 } "
    ".h { fill: #1f2328; font-weight: 600 } .s { fill: #57606a; font-size: 12px }"
)


def render_chart(title: str, series: Sequence[Series], highlight: str) -> str:
    """Return the SVG. Cases that begin with `highlight` have another colour.

    A bar ends at the median; the line over it reaches from the smallest to the largest value.
    """
    drawn = panels(series)
    height = sum(TITLE + ROW * len(panel) for panel in drawn) + 2 * MARGIN
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
            "aria-labelledby": "title",
            "font-family": "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif",
            "font-size": "13",
        },
    )
    ET.SubElement(root, "title", id="title").text = title
    ET.SubElement(root, "style").text = STYLE
    _add(root, "rect", {"class": "bg", "width": WIDTH, "height": height, "rx": 8})
    top = MARGIN
    for panel in drawn:
        _draw_panel(root, panel, top, highlight)
        top += TITLE + ROW * len(panel)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _draw_panel(root: ET.Element, panel: Sequence[Series], top: int, highlight: str) -> None:
    size, unit = panel[0].panel
    _text(root, MARGIN, top + 22, f"{size}, {unit}", "h")
    most = max((max(each.values) for each in panel if each.values), default=0.0) or 1.0
    for number, series in enumerate(panel):
        y = top + TITLE + number * ROW
        _text(root, MARGIN, y + 15, series.case, "t")
        if series.values:
            _draw_bar(root, series, y, BARS / most, highlight)
        else:
            _text(root, LABELS, y + 15, "not measured", "s")


def _draw_bar(root: ET.Element, series: Series, y: int, scale: float, highlight: str) -> None:
    spread = series.spread
    middle, end = y + 10, LABELS + max(spread.maximum, 0) * scale
    kind = "ours" if highlight and series.case.startswith(highlight) else "bar"
    width = max(spread.median, 0) * scale
    _add(
        root,
        "rect",
        {"class": kind, "x": LABELS, "y": y + 3, "width": f"{width:.1f}", "height": 14},
    )
    if spread.count > 1:
        start = LABELS + max(spread.minimum, 0) * scale
        line = {"class": "range", "x1": f"{start:.1f}", "x2": f"{end:.1f}"}
        _add(root, "line", line | {"y1": middle, "y2": middle})
    _text(root, round(end) + 8, y + 15, number_text(spread.median), "t")


def _text(root: ET.Element, x: int, y: int, text: str, kind: str) -> None:
    _add(root, "text", {"class": kind, "x": x, "y": y}).text = text


def _add(root: ET.Element, name: str, attributes: dict[str, object]) -> ET.Element:
    return ET.SubElement(root, name, {key: str(value) for key, value in attributes.items()})

"""The page for people: one document, whose policy allows its own script and style and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from handlers.responses import Response, html_response

FILE = Path(__file__).with_name("page.html")


def page_response() -> Response:
    """Return the page with its Content-Security-Policy."""
    text = _text()
    return html_response(text, _headers(text))


@cache
def _text() -> str:
    return FILE.read_text("utf-8")


def _headers(text: str) -> dict[str, str]:
    script, style = _hash(text, "script"), _hash(text, "style")
    policy = (
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}


def _hash(text: str, tag: str) -> str:
    """Return the source of the only element with this tag, as CSP level 3 names it."""
    [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"

"""Client of a stack's API. Imports no AWS library, so that the commands that only read start fast."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from etl_cli.stack_outputs import Outputs, StackSource, need

API_SECONDS = 30
PAGE_ENTRIES = 500
"""The most entries that the API returns in one response."""
BUSY = (429, 502, 503, 504)
BUSY_ATTEMPTS = 20
BUSY_SECONDS = 0.5


class ApiError(RuntimeError):
    """The API refused a request. `status` is the HTTP status, `body` the answer's text."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"the API answered {status}: {body}")
        self.status, self.body = status, body

    @property
    def detail(self) -> str:
        """The message for a person."""
        try:
            problem = json.loads(self.body)
            return str(problem["error"]["message"])
        except (ValueError, TypeError, KeyError):
            return str(self)


class ApiUnreachableError(RuntimeError):
    """The API cannot be reached."""


@dataclass(frozen=True)
class ApiClient:
    """Asks the API of a stack."""

    url: str
    key: str = field(repr=False)

    @classmethod
    def of(cls, outputs: Outputs, source: StackSource) -> ApiClient:
        """Return the client for a stack's outputs. Raises StackError if they lack the API."""
        return cls(str(need(outputs, "api_url", source)), str(need(outputs, "api_key", source)))

    def url_of(self, path: str, parameters: Mapping[str, str] | None = None) -> str:
        """Return the URL of a request."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        return f"{self.url.rstrip('/')}{path}{query}"

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the answer. Repeat the request while the API is busy.

        Raises ApiError when the API refuses it, ApiUnreachableError without an answer.
        """
        for _ in range(BUSY_ATTEMPTS - 1):
            try:
                return self._get_once(path, parameters)
            except ApiError as error:
                if error.status not in BUSY:
                    raise
            time.sleep(BUSY_SECONDS)
        return self._get_once(path, parameters)

    def _get_once(self, path: str, parameters: Mapping[str, str] | None) -> dict[str, Any]:
        url = self.url_of(path, parameters)
        request = urllib.request.Request(url, headers={"x-api-key": self.key})  # noqa: S310
        is_local = urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost")
        proxies = [urllib.request.ProxyHandler({})] if is_local else []
        opener = urllib.request.build_opener(*proxies)
        try:
            with opener.open(request, timeout=API_SECONDS) as answer:
                page: dict[str, Any] = json.load(answer)
                return page
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, error.read().decode(errors="replace")) from error
        except (OSError, ValueError) as error:
            raise ApiUnreachableError(f"{self.url} does not answer: {error}") from error

    def pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the entries of all pages of /logs or /uploads, newest first."""
        given = {"limit": str(PAGE_ENTRIES), **parameters}
        while True:
            page = self.get(path, given)
            yield from page["items"]
            if not page.get("next_token"):
                return
            given = {**given, "next_token": page["next_token"]}

"""The client reads as many pages of the log as it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from etl_cli.client import Client


class PagedClient(Client):
    """A client of an API whose log has `count` entries, and which returns at most `most` at once."""

    def __init__(self, count: int, most: int) -> None:
        object.__setattr__(self, "count", count)
        object.__setattr__(self, "most", most)
        object.__setattr__(self, "requests", [])

    def log_page(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        count, most = int(self.__dict__["count"]), int(self.__dict__["most"])
        self.__dict__["requests"].append(dict(parameters))
        first = int(parameters.get("next_token", "0"))
        end = min(first + min(most, int(parameters["limit"])), count)
        return {
            "items": [{"number": number} for number in range(first, end)],
            "next_token": str(end) if end < count else None,
        }


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1200])
def test_without_a_limit_all_entries_are_read(count: int) -> None:
    entries = PagedClient(count, 500).log_entries("t")

    assert [entry["number"] for entry in entries] == list(range(count))


@pytest.mark.parametrize(("limit", "most", "requests"), [(5, 500, 1), (5, 2, 3), (700, 500, 2)])
def test_a_limit_is_the_number_of_entries_and_ends_the_reading(
    limit: int, most: int, requests: int
) -> None:
    client = PagedClient(100_000, most)

    entries = client.log_entries("t", limit=limit, status="loaded")

    assert [entry["number"] for entry in entries] == list(range(limit))
    assert len(client.__dict__["requests"]) == requests
    assert {each["status"] for each in client.__dict__["requests"]} == {"loaded"}

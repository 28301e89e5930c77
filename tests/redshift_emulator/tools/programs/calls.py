"""What a program of these tests calls, and what each call returned. It runs in the tool's own environment."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """The emulator that the program connects to."""

    host: str = os.environ["TOOL_HOST"]
    port: int = int(os.environ["TOOL_PORT"])
    database: str = os.environ["TOOL_DATABASE"]
    user: str = os.environ["TOOL_USER"]
    password: str = os.environ["TOOL_PASSWORD"]
    ca_file: str = os.environ["TOOL_CA"]
    bucket: str = os.environ["TOOL_BUCKET"]
    role: str = os.environ["TOOL_ROLE"]
    endpoint: str = os.environ["AWS_ENDPOINT_URL"]

    @property
    def login(self) -> dict[str, object]:
        """The arguments with which redshift_connector connects."""
        names = ("host", "port", "database", "user", "password")
        return {name: getattr(self, name) for name in names}


@dataclass
class Calls:
    """The results of the calls by name. A call that raises has the error as its result."""

    results: dict[str, str] = field(default_factory=dict)

    def show(self, name: str, call: Callable[[], object]) -> None:
        """Call and keep the result as text."""
        try:
            self.results[name] = str(call())
        except Exception as error:
            self.results[name] = f"{type(error).__name__}: {error}"
            if "TOOL_DEBUG" in os.environ:
                traceback.print_exc()

    def finish(self) -> None:
        """Print the results as the last line."""
        print("\n" + json.dumps(self.results))  # noqa: T201

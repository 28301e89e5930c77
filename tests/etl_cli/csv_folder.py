"""A folder with data and schema files, and the commands that read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from etl_cli.main import main


class CsvFolder:
    """Writes files, runs `infer` and `check`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, content: str | bytes, name: str = "data.csv") -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def run(self, *arguments: str) -> Result:
        result = CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    def infer(self, content: str | bytes, *options: str, name: str = "data.csv") -> dict[str, Any]:
        """Return the inferred schema file."""
        result = self.run("infer", self.file(content, name), *options)
        assert result.exit_code == 0, result.output
        schema: dict[str, Any] = json.loads(result.stdout)
        return schema

    def types(self, content: str, *options: str) -> dict[str, str]:
        """Return the inferred types by column."""
        return {
            column["name"]: column["type"] for column in self.infer(content, *options)["columns"]
        }

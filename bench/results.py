"""Results as a JSON file: one entry per part, each with its date, commit and machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from bench.measure import PartResult, Series, Target

FOLDER = Path(__file__).with_name("results")
PUBLISHED = FOLDER / "published.json"
"""The results that docs/reference/benchmarks.md shows. The only file of the folder in git."""

BUSY_SECONDS = 3.0


@dataclass(frozen=True)
class Circumstances:
    """When, where and of what a part was measured."""

    date: str
    commit: str
    cores: int
    processor: str
    python: str
    busy_percent: float
    """CPU in use by other programs just before the measurement."""

    size: str
    seconds: float = 0.0
    """How long the part took."""

    @classmethod
    def now(cls, size: str) -> Circumstances:
        return cls(
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            commit=_commit(),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
            processor=_processor(),
            python=platform.python_version(),
            busy_percent=psutil.cpu_percent(BUSY_SECONDS),
            size=size,
        )


@dataclass(frozen=True)
class PartRecord:
    """A part's result and its circumstances."""

    circumstances: Circumstances
    result: PartResult

    def to_json(self) -> dict[str, Any]:
        return {
            "circumstances": asdict(self.circumstances),
            "series": [each.to_json() for each in self.result.series],
            "targets": [each.to_json() for each in self.result.targets],
            "notes": list(self.result.notes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PartRecord:
        result = PartResult(
            [Series.from_json(each) for each in value["series"]],
            [Target.from_json(each) for each in value["targets"]],
            list(value["notes"]),
        )
        return cls(Circumstances(**value["circumstances"]), result)


def read_results(path: Path) -> dict[str, PartRecord]:
    """Return the parts of a file, none if it does not exist."""
    if not path.exists():
        return {}
    parts = json.loads(path.read_text())
    return {name: PartRecord.from_json(part) for name, part in parts.items()}


def write_results(path: Path, parts: Mapping[str, PartRecord]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {name: part.to_json() for name, part in parts.items()}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _commit() -> str:
    """Return the short commit, with a plus sign if files were changed after it."""
    root = Path(__file__).parents[1]
    try:
        commit = _git(root, "rev-parse", "--short", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}+" if changed else commit


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _cores() -> int:
    return os.cpu_count() or 1


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

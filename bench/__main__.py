"""Measure. `python -m bench` runs every part; `python -m bench loads bursts --size full` some of them.

Results are added to bench/results/SIZE.json: a part that was measured earlier keeps its entry until
it is measured again. `python -m bench.page FILE` makes docs/reference/benchmarks.md from such a file.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

from bench.measure import PartResult, number_text
from bench.parts import PARTS
from bench.results import FOLDER, Circumstances, PartRecord, read_results, write_results
from bench.sizes import Size


def main() -> int:
    """Run the chosen parts one after the other, and print each one's result.

    A part that fails does not stop the others. Return 1 if one has failed.
    """
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # stops the local cloud too
    size = Size(arguments.size)
    path = arguments.results or FOLDER / f"{size}.json"
    failed = []
    for name in arguments.parts or PARTS:
        print(f"== {name}: {PARTS[name].title}", flush=True)
        try:
            record = _run(name, size)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        write_results(path, read_results(path) | {name: record})
        _print(record.result)
    print(f"results: {path}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed))


def _run(name: str, size: Size) -> PartRecord:
    circumstances, started = Circumstances.now(size), time.monotonic()
    result = PARTS[name].measure(size, lambda line: print(line, flush=True))
    seconds = round(time.monotonic() - started, 1)
    return PartRecord(replace(circumstances, seconds=seconds), result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], metavar="PART", help="default: all"
    )
    parser.add_argument("--size", choices=list(Size), default=Size.QUICK)
    parser.add_argument("--results", type=Path, help="default: bench/results/SIZE.json")
    return parser.parse_args()


def _print(result: PartResult) -> None:
    for series in result.series:
        text = series.missing
        if series.values:
            spread = series.spread
            median, least, most = map(number_text, (spread.median, spread.minimum, spread.maximum))
            text = f"{median} {series.unit} ({least} to {most}, {spread.count} runs) {text}"
        print(f"  {series.size:>18}  {series.case:32} {text}")
    for target in result.targets:
        value = "not finished" if target.value is None else number_text(target.value)
        print(
            f"  {'met' if target.met else 'MISSED'}: {target.claim}: {value} (at most {target.limit:g})"
        )


if __name__ == "__main__":
    sys.exit(main())

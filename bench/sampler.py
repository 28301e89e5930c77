"""Samples of the processes of a function, and of the warehouse's connections."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.cloud import LOAD_HANDLER, BenchCloud


@dataclass
class FunctionSampler:
    """Samples the processes of one function while the block runs: CPU seconds and memory.

    A process that ends in the block counts with its last sample. `open_connections` has the numbers
    of the emulator's connections.
    """

    cloud: BenchCloud
    handler: str = LOAD_HANDLER
    interval_seconds: float = 0.1
    processes_seen: dict[int, psutil.Process] = field(default_factory=dict)
    cpu_before: dict[int, float] = field(default_factory=dict)
    cpu_now: dict[int, float] = field(default_factory=dict)
    peak_bytes: dict[int, int] = field(default_factory=dict)
    open_connections: list[int] = field(default_factory=list)
    _others: set[int] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def cpu_seconds(self) -> float:
        return sum(now - self.cpu_before.get(pid, 0.0) for pid, now in self.cpu_now.items())

    @property
    def peak_megabytes(self) -> float:
        """Return the largest resident memory of one process, in MB."""
        return max(self.peak_bytes.values(), default=0) / 1e6

    def __enter__(self) -> FunctionSampler:
        self._find()
        self._sample()
        self.cpu_before = dict(self.cpu_now)
        self._thread = threading.Thread(target=self._run, name="function sampler")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._find()
        self._sample()

    def _run(self) -> None:
        count = 0
        while not self._stop.wait(self.interval_seconds):
            if count % 5 == 0:
                self._find()
            self._sample()
            count += 1

    def _find(self) -> None:
        """Look for new processes of the function. The environment names the function."""
        name = self.cloud.function_name(self.handler)
        for process in self.cloud.aws_server.children(recursive=True):
            if process.pid in self.processes_seen or process.pid in self._others:
                continue
            with contextlib.suppress(psutil.Error):
                if "python" not in Path(process.exe()).name:
                    continue  # still the shell that starts the interpreter
                ours = process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name
                if ours:
                    self.processes_seen[process.pid] = process
                else:
                    self._others.add(process.pid)

    def _sample(self) -> None:
        for pid, process in self.processes_seen.items():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self.cpu_now[pid] = times.user + times.system
                self.peak_bytes[pid] = max(self.peak_bytes.get(pid, 0), _peak_bytes(process))
        self.open_connections.append(count_connections(self.cloud))


def _peak_bytes(process: psutil.Process) -> int:
    """Return the largest resident memory so far where the system records it, else the memory now."""
    status = Path(f"/proc/{process.pid}/status")
    if os.path.exists(status):  # noqa: PTH110 - the process may end at any time
        with contextlib.suppress(OSError):
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    return int(process.memory_info().rss)


def count_connections(cloud: BenchCloud) -> int:
    """Return how many clients are connected to the emulator."""
    port = cloud.client.outputs.warehouse.port
    with contextlib.suppress(psutil.Error):
        return sum(
            each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
            for each in cloud.emulator.net_connections("tcp")
        )
    return 0

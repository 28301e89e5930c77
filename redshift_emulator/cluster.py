"""The embedded PostgreSQL: initialise, start and stop it as a child process.

It listens only on a Unix socket in a private folder. It always stops when this process ends, even
after SIGKILL: a stopper process waits on a pipe whose other end only this process holds, and on
Linux the kernel signals PostgreSQL as well (parent-death signal).
"""

from __future__ import annotations

import ctypes
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from redshift_emulator.backend import Backend
from redshift_emulator.binaries import RunAs, find_binaries, open_path_to
from redshift_emulator.errors import BackendError
from redshift_emulator.session_settings import REDSHIFT_SETTINGS

OWNER = "rdsdb"
MAINTENANCE = "template1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
PORT = 5432
PR_SET_PDEATHSIG = 1

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, MDY",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "default_transaction_isolation": "repeatable read",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}

# Stops PostgreSQL and removes its socket folder when standard input closes, that is, when the
# emulator has ended.
_STOPPER = 'trap "" INT TERM HUP; read _; kill -INT "$1" 2>/dev/null; sleep 1; rm -rf "$2"'


class ClusterError(Exception):
    """PostgreSQL could not be initialised or started. The message contains its output."""


@dataclass
class Cluster:
    """A running PostgreSQL with one data folder. Use `Cluster.start` and `stop`."""

    data: Path
    process: subprocess.Popen[bytes]
    stopper: subprocess.Popen[bytes]
    socket_folder: Path
    databases: set[str] = field(default_factory=set)

    @property
    def address(self) -> Path:
        """The path of the Unix socket."""
        return self.socket_folder / f".s.PGSQL.{PORT}"

    @classmethod
    def start(cls, data: Path, settings: Mapping[str, str] | None = None) -> Cluster:
        """Start PostgreSQL; initialise the data folder if it is new. Raises ClusterError."""
        binaries, run_as = find_binaries(), RunAs.for_this_process()
        if run_as.uid is not None:
            open_path_to(binaries)
        run_as.own(data)
        folder = data / "pgdata"
        if (folder / "PG_VERSION").exists():
            _check_version(binaries, folder)
        else:
            _initdb(binaries, folder, run_as)
        sockets = Path(tempfile.mkdtemp(prefix="rs-"))
        run_as.own(sockets)
        redshift = {"redshift." + name: value for name, value in REDSHIFT_SETTINGS.items()}
        process = _postgres(
            binaries, folder, sockets, run_as, {**SETTINGS, **redshift, **(settings or {})}
        )
        cluster = cls(data, process, _stopper(process, sockets), sockets)
        try:
            cluster._await_ready()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.connect(MAINTENANCE, OWNER).close()
            except (OSError, BackendError):
                time.sleep(0.02)
            else:
                return
        raise ClusterError(
            f"PostgreSQL did not start within {START_SECONDS:.0f} s: {_tail(self.data)}"
        )

    def connect(
        self, database: str, user: str, options: Mapping[str, str] | None = None
    ) -> Backend:
        """Open a connection. BackendError if PostgreSQL refuses it."""
        return Backend.connect(
            self.address, {"user": user, "database": database, **(options or {})}
        )

    def stop(self) -> None:
        """Stop PostgreSQL (open transactions are rolled back) and remove the socket folder."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()
        self.stopper.kill()
        self.stopper.communicate()
        shutil.rmtree(self.socket_folder, ignore_errors=True)


def _check_version(binaries: Path, folder: Path) -> None:
    """Refuse the data folder of another major version of PostgreSQL, which cannot be converted here."""
    stored = (folder / "PG_VERSION").read_text("ascii", errors="replace").strip()
    done = subprocess.run(
        [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"(\d+)", done.stdout)
    running = found[1] if found else ""
    if stored != running:
        raise ClusterError(
            f"The data folder {folder.parent} was made by PostgreSQL {stored}; this emulator runs PostgreSQL"
            f" {running}, which cannot read it. Start with another --data folder and load the data again,"
            f" or set PG_BIN to the programs of PostgreSQL {stored}."
        )


def _initdb(binaries: Path, folder: Path, run_as: RunAs) -> None:
    command = [str(binaries / "initdb"), "-D", str(folder), "-U", OWNER, "-A", "trust"]
    command += ["-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--no-sync", "--no-instructions"]
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd="/",
        user=run_as.uid,
        group=run_as.gid,
        extra_groups=run_as.extra_groups,
    )
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise ClusterError(f"initdb failed: {done.stderr.decode(errors='replace')[-2000:]}")


def _postgres(
    binaries: Path, folder: Path, sockets: Path, run_as: RunAs, settings: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    command = [str(binaries / "postgres"), "-D", str(folder), "-k", str(sockets), "-p", str(PORT)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (folder.parent / "postgres.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent(),  # called after the change of user, which would reset the signal
            start_new_session=True,
            cwd="/",
            user=run_as.uid,
            group=run_as.gid,
            extra_groups=run_as.extra_groups,
        )


def _die_with_parent() -> Callable[[], object] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _stopper(process: subprocess.Popen[bytes], sockets: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _STOPPER, "sh", str(process.pid), str(sockets)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
    )


def _tail(data: Path) -> str:
    log = data / "postgres.log"
    return log.read_text(errors="replace")[-1000:] if log.exists() else "its log is empty"

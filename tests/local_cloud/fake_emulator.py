"""A fake of the emulator.

It accepts the same options, listens, writes its ready file, and answers no query.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in [
        "data",
        "port",
        "s3-endpoint",
        "region",
        "default-role-file",
        "databases",
        "user",
        "password-file",
        "cert",
        "key",
        "data-api-port",
        "data-api-logins",
        "ready-file",
        "isolation",
    ]:
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--exit-with-stdin", action="store_true")
    options = parser.parse_args()
    for file in (options.password_file, options.cert, options.key):
        assert Path(file).stat().st_mode & 0o077 == 0, file
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    if options.exit_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with socket.create_server(("127.0.0.1", int(options.port))):
        Path(options.ready_file).write_text("ready")
        while not ended.wait(0.1):
            pass


if __name__ == "__main__":
    main()

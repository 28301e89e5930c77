"""The listener: a thread per session, databases and the master user made at start, everything closed at stop."""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from redshift_emulator.backend import Backend
from redshift_emulator.catalog import install_catalog
from redshift_emulator.client import Client, ClientGoneError
from redshift_emulator.cluster import MAINTENANCE, OWNER, Cluster
from redshift_emulator.context import AwsAccess
from redshift_emulator.disconnect_watcher import Hangups
from redshift_emulator.errors import BackendError, SqlError
from redshift_emulator.lexer import quote_name
from redshift_emulator.login import (
    Login,
    ask_password,
    forward_cancel,
    greet,
    negotiate,
    read_login,
    report_fatal,
    verify_password,
)
from redshift_emulator.planner import Planner
from redshift_emulator.rewrite import stored_name
from redshift_emulator.session import Session
from redshift_emulator.sql import call
from redshift_emulator.wire import CANCEL_REQUEST

LOGIN_SECONDS = 30.0
FLAVOUR = "redshift.flavour"
logger = logging.getLogger("redshift_emulator")


@dataclass(frozen=True)
class ServerOptions:
    """How a stand-in is set up. `password` None lets everyone in; `isolation` is "snapshot" or "serializable",
    `flavour` is "provisioned" or "serverless"."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    databases: tuple[str, ...] = ("dev",)
    user: str = "awsuser"
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    aws: AwsAccess = field(default_factory=lambda: AwsAccess(None, "us-east-1"))
    isolation: str = "snapshot"
    flavour: str = "provisioned"


class Server:
    """A running stand-in: `Server.start(options)`, `.address`, `.stop()`. Also a context manager."""

    def __init__(self, options: ServerOptions, cluster: Cluster, listener: socket.socket) -> None:
        self.options = options
        self.cluster = cluster
        self.planner = Planner()
        self.aws = options.aws
        self.long_names: dict[str, str] = {}
        self._listener = listener
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._hangups = Hangups()
        self._query_ids = itertools.count(int(time.time()))
        self._kept_names: set[tuple[str, frozenset[str]]] = set()
        self._threads: set[threading.Thread] = set()

    @classmethod
    def start(cls, options: ServerOptions) -> Server:
        """Starts PostgreSQL, makes what is missing and listens. ClusterError, OSError or BackendError when that fails."""
        level = "serializable" if options.isolation == "serializable" else "repeatable read"
        cluster = Cluster.start(
            options.data, {"default_transaction_isolation": level, FLAVOUR: options.flavour}
        )
        try:
            _prepare(cluster, options)
            listener = socket.create_server((options.host, options.port), backlog=128)
        except BaseException:
            cluster.stop()
            raise
        server = cls(options, cluster, listener)
        server._load_long_names()
        threading.Thread(target=server._accept, name="redshift-accept", daemon=True).start()
        return server

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """Ends all sessions and PostgreSQL."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            clients, threads = list(self._clients), list(self._threads)
        for client in clients:
            client.close()
        self.cluster.stop()
        for thread in threads:
            thread.join(2)
        self._hangups.stop()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What sessions use

    def side(self, database: str) -> Backend:
        """A connection of its own, autocommit, as superuser."""
        return self.cluster.connect(database, OWNER)

    def next_query_id(self) -> int:
        """A new query id, ascending over all sessions and restarts."""
        return next(self._query_ids)

    def keep_long_names(self, database: str, names: frozenset[str]) -> None:
        """Remembers names of 64 to 127 bytes, once per database."""
        if (database, names) in self._kept_names:
            return
        with self.side(database) as side:
            for name in names:
                side.query(call("pg_rs.keep_long_name", stored_name(name), name))
        self.long_names.update({stored_name(name): name for name in names})
        self._kept_names.add((database, names))

    def _load_long_names(self) -> None:
        for database in self.options.databases:
            with self.side(database) as side:
                rows = side.query("SELECT short, name FROM pg_rs.long_name")
            self.long_names.update({short or "": name or "" for short, name in rows})

    # Connections

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = Client(connection)
            thread = threading.Thread(
                target=self._serve, args=(client,), name="redshift-session", daemon=True
            )
            with self._lock:
                self._clients.add(client)
                self._threads.add(thread)
            thread.start()

    def _serve(self, client: Client) -> None:
        try:
            self._log_in(client)
        except ClientGoneError as gone:
            logger.debug("client gone: %s", gone)
        except (SqlError, BackendError) as refused:
            report_fatal(client, refused)
        except Exception:
            logger.exception("a session ended by a fault of the stand-in")
            report_fatal(
                client, SqlError("XX000", "internal error of the local stand-in: see its log")
            )
        finally:
            client.close()
            with self._lock:
                self._clients.discard(client)
                self._threads.discard(threading.current_thread())

    def _log_in(self, client: Client) -> None:
        client.socket.settimeout(LOGIN_SECONDS)
        startup = negotiate(client, self.options.tls)
        if startup.code == CANCEL_REQUEST:
            forward_cancel(startup, self.cluster.address)
            return
        login = read_login(startup)
        self._authenticate(client, login)
        with self.cluster.connect(login.database, login.user, login.parameters) as backend:
            client.socket.settimeout(None)
            greet(client, backend, startup)
            session = Session(client, backend, self, login.user, login.database)
            if "options" in login.parameters:
                session.read_case_setting()
            self._hangups.watch(client.socket, session.client_hung_up)
            self._hangups.watch(backend.socket, session.backend_hung_up)
            try:
                session.run()
            finally:
                self._hangups.forget(client.socket)
                self._hangups.forget(backend.socket)

    def _authenticate(self, client: Client, login: Login) -> None:
        if self.options.password is None:
            return
        password = ask_password(client)
        known = self.options.password if login.user == self.options.user else None
        with self.side(MAINTENANCE) as superuser:
            verify_password(login.user, password, known, superuser)


def _prepare(cluster: Cluster, options: ServerOptions) -> None:
    """The catalog in every database, the master user, and the databases that are asked for and not there yet."""
    with cluster.connect(MAINTENANCE, OWNER) as backend:
        install_catalog(backend)
        backend.query(_rights_on_logs(options.flavour))
        present = {
            name or ""
            for (name,) in backend.query("SELECT datname FROM pg_database WHERE NOT datistemplate")
        }
        if backend.query(call("to_regrole", quote_name(options.user))) == [(None,)]:
            backend.query(
                "CREATE ROLE " + quote_name(options.user) + " LOGIN SUPERUSER CREATEDB CREATEROLE"
            )
    for name in sorted(present - {"postgres"}):
        with cluster.connect(name, OWNER) as backend:
            install_catalog(backend)
            backend.query(_rights_on_logs(options.flavour))
    missing = [name for name in options.databases if name not in present]
    with cluster.connect("postgres", OWNER) as backend:
        for name in missing:
            backend.query(
                "CREATE DATABASE " + quote_name(name) + " OWNER " + quote_name(options.user)
            )


def _rights_on_logs(flavour: str) -> str:
    """On serverless, users who are not superusers may not read STL views (which hold nothing there)."""
    return (
        "REVOKE SELECT ON stl_load_errors FROM"
        if flavour == "serverless"
        else "GRANT SELECT ON stl_load_errors TO"
    ) + " PUBLIC"


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context for the listener. OSError or ssl.SSLError for files that cannot be read or do not match."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context

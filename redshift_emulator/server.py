"""The server: it prepares the databases, listens, and runs each session in a thread of its own."""

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
from redshift_emulator.cluster import MAINTENANCE, OWNER, Cluster, ClusterError
from redshift_emulator.context import AwsAccess
from redshift_emulator.data_api.credentials import IamLogins
from redshift_emulator.data_api.http import DataApiServer
from redshift_emulator.data_api.operations import Logins, Operations
from redshift_emulator.data_api.statements import Statements
from redshift_emulator.disconnect_watcher import DisconnectWatcher
from redshift_emulator.errors import BackendError, SqlError
from redshift_emulator.lexer import quote_literal, quote_name
from redshift_emulator.login import (
    Login,
    forward_cancel,
    greet,
    negotiate,
    read_login,
    report_fatal,
    request_password,
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
class DataApiOptions:
    """The Data API's port (0 takes a free one), and the file that says whose secret is whose (see
    data_api.operations.Logins).
    """

    port: int = 0
    logins_file: Path | None = None


@dataclass(frozen=True)
class ServerOptions:
    """The configuration of a server.

    data        the data folder; created if it does not exist
    port        0 takes a free port
    databases   created if they do not exist
    password    of the master user `user`; with None every login succeeds
    isolation   "snapshot" or "serializable"
    flavour     "provisioned" or "serverless"
    data_api    None: no Data API
    """

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
    data_api: DataApiOptions | None = None


class Server:
    """A running emulator: `Server.start(options)`, `.address`, `.stop()`. Also a context manager.

    Implements ServerContext for its sessions.
    """

    def __init__(self, options: ServerOptions, cluster: Cluster, listener: socket.socket) -> None:
        self.options = options
        self.cluster = cluster
        self.planner = Planner()
        self.aws = options.aws
        self.long_names: dict[str, str] = {}
        self.late_views: set[str] = set()
        self.vacuum = threading.Lock()
        self._listener = listener
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._watcher = DisconnectWatcher()
        self._query_ids = itertools.count(int(time.time()))
        self._stored_names: set[tuple[str, frozenset[str]]] = set()
        self._threads: set[threading.Thread] = set()
        self._statements: Statements | None = None
        self._data_api: DataApiServer | None = None

    @classmethod
    def start(cls, options: ServerOptions) -> Server:
        """Start PostgreSQL, create what is missing, and listen.

        Raises ClusterError, OSError or BackendError.
        """
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
        try:
            server._load_names()
            if options.data_api is not None:
                server._start_data_api(options.data_api)
        except BaseException:
            server.stop()
            raise
        threading.Thread(target=server._accept, name="redshift-accept", daemon=True).start()
        return server

    def _start_data_api(self, options: DataApiOptions) -> None:
        self._statements = Statements(self.open_session)
        logins = Logins(self.options.user, options.logins_file)
        iam_logins = IamLogins(logins.iam_user, self._set_password)
        operations = Operations(self._statements, logins)
        self._data_api = DataApiServer(options.port, operations, iam_logins)

    def _set_password(self, user: str, password: str) -> None:
        """Set a password of letters and digits; create the user if there is none."""
        name = quote_name(user)
        with self.connect_as_owner(MAINTENANCE) as owner:
            if owner.query(call("to_regrole", name)) == [(None,)]:
                owner.query(f"CREATE ROLE {name} LOGIN; GRANT pg_maintain TO {name}")
            owner.query(f"ALTER ROLE {name} PASSWORD {quote_literal(password)}")

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that the server listens on."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    @property
    def data_api_address(self) -> tuple[str, int] | None:
        """The host and port of the Data API; None if it is off."""
        return self._data_api.address if self._data_api else None

    def stop(self) -> None:
        """End all sessions and PostgreSQL."""
        if self._data_api is not None:
            self._data_api.stop()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            clients, threads = list(self._clients), list(self._threads)
        for client in clients:
            client.close()
        if self._statements is not None:
            self._statements.stop()
        self.cluster.stop()
        for thread in threads:
            thread.join(2)
        self._watcher.stop()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ServerContext

    def connect_as_owner(self, database: str) -> Backend:
        """Open a second connection to the database, in autocommit, as the superuser that owns the cluster."""
        return self.cluster.connect(database, OWNER)

    def next_query_id(self) -> int:
        """Return a new query id. Ids ascend over all sessions and restarts."""
        return next(self._query_ids)

    def store_long_names(self, database: str, names: frozenset[str]) -> None:
        """Store the full text of names of 64 to 127 bytes, once per database."""
        if (database, names) in self._stored_names:
            return
        with self.connect_as_owner(database) as owner:
            for name in names:
                owner.query(call("pg_rs.keep_long_name", stored_name(name), name))
        self.long_names.update({stored_name(name): name for name in names})
        self._stored_names.add((database, names))

    def _load_names(self) -> None:
        for database in self.options.databases:
            with self.connect_as_owner(database) as owner:
                rows = owner.query("SELECT short, name FROM pg_rs.long_name")
                views = owner.query(
                    "SELECT c.relname FROM pg_rs.late_view l JOIN pg_class c ON c.oid = l.oid"
                )
            self.late_views.update(name or "" for (name,) in views)
            self.long_names.update({short or "": name or "" for short, name in rows})

    # Connections

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start_session(Client(connection), is_trusted=self.options.password is None)

    def open_session(self, user: str, database: str) -> Backend:
        """Open a session without a password. BackendError if the user or database does not exist."""
        ours, theirs = socket.socketpair()
        self._start_session(Client(theirs), is_trusted=True)
        return Backend.log_in(ours, self.cluster.address, {"user": user, "database": database})

    def _start_session(self, client: Client, *, is_trusted: bool) -> None:
        thread = threading.Thread(
            target=self._serve, args=(client, is_trusted), name="redshift-session", daemon=True
        )
        with self._lock:
            self._clients.add(client)
            self._threads.add(thread)
        thread.start()

    def _serve(self, client: Client, is_trusted: bool) -> None:  # noqa: FBT001 - a thread's target
        try:
            self._run_session(client, is_trusted=is_trusted)
        except ClientGoneError as gone:
            logger.debug("client disconnected: %s", gone)
        except (SqlError, BackendError) as failure:
            report_fatal(client, failure)
        except Exception:
            logger.exception("a session ended because of an internal error of the emulator")
            report_fatal(
                client, SqlError("XX000", "internal error of the emulator: see the emulator's log")
            )
        finally:
            client.close()
            with self._lock:
                self._clients.discard(client)
                self._threads.discard(threading.current_thread())

    def _run_session(self, client: Client, *, is_trusted: bool) -> None:
        client.socket.settimeout(LOGIN_SECONDS)
        startup = negotiate(client, self.options.tls)
        if startup.code == CANCEL_REQUEST:
            forward_cancel(startup, self.cluster.address)
            return
        login = read_login(startup)
        if not is_trusted:
            self._authenticate(client, login)
        with self.cluster.connect(login.database, login.user, login.parameters) as backend:
            client.socket.settimeout(None)
            greet(client, backend, startup)
            session = Session(client, backend, self, login.user, login.database)
            if "options" in login.parameters:
                session.executor.read_case_setting()
            self._watcher.watch(client.socket, session.client_disconnected)
            self._watcher.watch(backend.socket, session.backend_disconnected)
            try:
                session.run()
            finally:
                self._watcher.unwatch(client.socket)
                self._watcher.unwatch(backend.socket)

    def _authenticate(self, client: Client, login: Login) -> None:
        password = request_password(client)
        expected = self.options.password if login.user == self.options.user else None
        with self.connect_as_owner(MAINTENANCE) as owner:
            verify_password(login.user, password, expected, owner)


def _prepare(cluster: Cluster, options: ServerOptions) -> None:
    """Install the catalog in every database; create the master user and the databases that do not exist yet."""
    with cluster.connect(MAINTENANCE, OWNER) as backend:
        _install_catalog(backend, MAINTENANCE, cluster)
        backend.query(_log_permissions(options.flavour))
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
            _install_catalog(backend, name, cluster)
            backend.query(_log_permissions(options.flavour))
    missing = [name for name in options.databases if name not in present]
    with cluster.connect("postgres", OWNER) as backend:
        for name in missing:
            backend.query(
                "CREATE DATABASE " + quote_name(name) + " OWNER " + quote_name(options.user)
            )


def _install_catalog(backend: Backend, database: str, cluster: Cluster) -> None:
    """Convert a database of another version of the emulator. ClusterError if that is not possible."""
    try:
        install_catalog(backend)
    except BackendError as error:
        raise ClusterError(
            f"The database {database} in {cluster.data} was made by another version of the emulator and cannot be"
            f" converted: {error}. Nothing was changed. Use that version, or start with another --data folder."
        ) from error


def _log_permissions(flavour: str) -> str:
    """On serverless only superusers may read STL views (which are empty there)."""
    return (
        "REVOKE SELECT ON stl_load_errors FROM"
        if flavour == "serverless"
        else "GRANT SELECT ON stl_load_errors TO"
    ) + " PUBLIC"


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the TLS context of a server.

    OSError or ssl.SSLError if the files cannot be read or do not match.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context

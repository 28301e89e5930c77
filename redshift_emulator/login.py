"""The steps before a session: TLS, cancel requests, start-up parameters, password, greeting."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import socket
import ssl
import stringprep
import struct
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from redshift_emulator import wire
from redshift_emulator.backend import Backend
from redshift_emulator.client import Client, ClientGoneError
from redshift_emulator.errors import BackendError, SqlError
from redshift_emulator.proxy import HIDDEN_PARAMETERS
from redshift_emulator.refusals import refusal
from redshift_emulator.session_settings import REDSHIFT_SETTINGS, SERVER_VERSION
from redshift_emulator.sql import call

HIDDEN_DATABASES = frozenset({"postgres", "template0", "template1"})
# A driver that sends the parameter `driver_discovery_version` is told that it can use SHOW commands for databases,
# schemas, tables, ...: the version of these commands whose names can be bound, and that other databases can be read.
_DISCOVERY = "driver_discovery_version"
_ANNOUNCED = {"show_discovery": "4", "datashare_enabled": "on"}
_OPTION = re.compile(r"(-c\s*|--)(\w+)(?==)")
_PROHIBITED = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)
_FORWARDED = ("client_encoding", "application_name", "options")


@dataclass(frozen=True)
class Login:
    """The user, the database, and the parameters that PostgreSQL gets."""

    user: str
    database: str
    parameters: dict[str, str]


def negotiate(client: Client, context: ssl.SSLContext | None) -> wire.StartUp:
    """Answer requests for encryption; return the start-up packet or cancel request that follows.

    Raises ClientGoneError.
    """
    while True:
        startup = client.read_startup()
        if startup.code == wire.SSL_REQUEST and context is not None:
            client.send(b"S")
            try:
                client.secure(context)
            except OSError as failure:
                raise ClientGoneError(f"TLS handshake failed: {failure}") from failure
            context = None
        elif startup.code in (wire.SSL_REQUEST, wire.GSS_REQUEST):
            client.send(b"N")
        else:
            return startup


def forward_cancel(startup: wire.StartUp, address: Path) -> None:
    """Pass a cancel request on to PostgreSQL unchanged: the client holds PostgreSQL's own key."""
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(str(address))
        other.sendall(struct.pack("!I", len(startup.body) + 4) + startup.body)
        other.recv(1)


def read_login(startup: wire.StartUp) -> Login:
    """Return the login that a client asks for.

    SqlError for an unsupported protocol or parameter, or a hidden database.
    """
    if startup.code >> 16 != 3:
        raise SqlError(
            "0A000", f"unsupported frontend protocol {startup.code >> 16}.{startup.code & 0xFFFF}"
        )
    user = startup.parameters.get("user", "")
    if not user:
        raise SqlError("28000", "no user name specified in startup packet")
    if "standard_conforming_strings" in startup.parameters.get("options", ""):
        raise refusal("standard strings")
    database = startup.parameters.get("database", user)
    if database in HIDDEN_DATABASES:
        raise SqlError("3D000", f'database "{database}" does not exist')
    kept = {name: startup.parameters[name] for name in _FORWARDED if startup.parameters.get(name)}
    if "options" in kept:
        kept["options"] = _OPTION.sub(_with_prefix, kept["options"])
    return Login(user, database, kept)


def _with_prefix(option: re.Match[str]) -> str:
    """Redshift's own settings are stored under the prefix `redshift.`."""
    return option[1] + ("redshift." if option[2].lower() in REDSHIFT_SETTINGS else "") + option[2]


def request_password(client: Client) -> str:
    """Ask for the password in clear text (AuthenticationCleartextPassword) and return it."""
    client.send(wire.frame(b"R", struct.pack("!I", 3)))
    kind, body = client.read_frame()
    if kind != b"p":
        raise ClientGoneError(f"message of type {kind!r} instead of a password")
    return wire.text_of(body)


def verify_password(user: str, password: str, expected: str | None, owner: Backend) -> None:
    """Check a password; SqlError if it is wrong.

    `expected` None: compare with what CREATE USER ... PASSWORD stored.
    """
    if expected is not None:
        if hmac.compare_digest(expected.encode(), wire.raw(password)):
            return
    else:
        rows = owner.query(call("pg_rs.password_verifier", user))
        if rows and rows[0][0] and _matches(rows[0][0], user, password):
            return
    raise SqlError("28000", f'password authentication failed for user "{user}"')


def _matches(verifier: str, user: str, password: str) -> bool:
    """Whether a password matches what CREATE USER stored: SCRAM's verifier, or the client's own MD5 digest."""
    if not verifier.startswith("md5"):
        return _scram_matches(verifier, password)
    digest = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
    return hmac.compare_digest("md5" + digest, verifier)


def _scram_matches(verifier: str, password: str) -> bool:
    """Whether a password matches a verifier `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server
    key>` (RFC 5802).
    """
    scheme, _, rest = verifier.partition("$")
    if scheme != "SCRAM-SHA-256":
        return False
    parameters, _, keys = rest.partition("$")
    iterations, _, salt = parameters.partition(":")
    salted = hashlib.pbkdf2_hmac(
        "sha256", prepared(password).encode(), base64.b64decode(salt), int(iterations)
    )
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return hmac.compare_digest(stored, base64.b64decode(keys.partition(":")[0]))


def prepared(password: str) -> str:
    """Return a password as PostgreSQL prepares it before it hashes it (SASLprep, RFC 4013).

    One with characters that SASLprep prohibits or does not know stays as it is.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter
        for letter in password
        if not stringprep.in_table_b1(letter)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    is_prohibited = any(table(letter) for letter in normal for table in _PROHIBITED)
    return password if is_prohibited or not normal else normal


def greet(client: Client, backend: Backend, startup: wire.StartUp) -> None:
    """Complete a login: send the parameters as Redshift reports them, the cancel key, and ReadyForQuery."""
    out = bytearray(wire.frame(b"R", struct.pack("!I", 0)))
    if startup.code & 0xFFFF:
        unknown = [name for name in startup.parameters if name.startswith("_pq_.")]
        out += wire.frame(
            b"v", struct.pack("!II", 0, len(unknown)) + b"".join(map(wire.cstring, unknown))
        )
    for kind, body in backend.greeting:
        name = wire.text_of(body) if kind == b"S" else ""
        if name == "server_version":
            out += wire.parameter(name, SERVER_VERSION)
        elif name not in HIDDEN_PARAMETERS:
            out += wire.frame(kind, body)
    if startup.parameters.get(_DISCOVERY):
        for name, value in _ANNOUNCED.items():
            out += wire.parameter(name, value)
    client.send(out + wire.ready(backend.status))


def report_fatal(client: Client, failure: SqlError | BackendError) -> None:
    """Send a FATAL error, which ends the login."""
    fields = failure.fields() if isinstance(failure, SqlError) else dict(failure.fields)
    kept = {code: value for code, value in fields.items() if code in "CMDH"}
    client.send(wire.error({**kept, "S": "FATAL"}))

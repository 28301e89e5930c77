"""The bootstrap function: prepares the stack's own warehouse, with the secret of its administrator.

`pulumi up` invokes it. For a warehouse that exists already, its administrator runs `etl bootstrap`.
"""

from __future__ import annotations

import json
import os
import secrets
import string
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from etl_core.access.bootstrap import Access, run_bootstrap
from etl_core.adapters.aws_clients import DATA, make_client
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.secrets import Credentials, SecretStore
from etl_core.model.function_settings import BootstrapSettings
from handlers.context import Context
from handlers.wiring import ca_file

_CHARACTERS = string.ascii_letters + string.digits
_LENGTH = 40


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Run bootstrap for `{"databases": [...], "loader": name, "reader": name or null}`; return the
    statements that ran, without passwords.

    Raises StackError, RetryableError or LoadFailedError.
    """
    settings = BootstrapSettings.from_environment(os.environ)
    access = _access(event, settings)
    endpoint = Endpoint(
        settings.warehouse_host, settings.warehouse_port, ca_file(settings.warehouse_ca_file)
    )
    administrator = SecretStore(
        make_client("secretsmanager", DATA), settings.administrator_secret_arn
    )
    with closing(RedshiftWarehouse(endpoint, administrator)) as warehouse:
        steps = run_bootstrap(warehouse, access)
    reply = {"statements": [f"{step.database}: {step.sql}" for step in steps]}
    sys.stdout.write(json.dumps({"step": "bootstrap", **reply}) + "\n")
    return reply


def _access(event: Mapping[str, Any], settings: BootstrapSettings) -> Access:
    loader, arn = str(event["loader"]), settings.loader_secret_arn
    password = None if arn is None else _login(arn, loader).password
    return Access(tuple(event["databases"]), loader, password, event.get("reader"))


def _login(arn: str, loader: str) -> Credentials:
    """Return the login of the loader's secret; write a new one if the secret is of another user or empty."""
    store = SecretStore(make_client("secretsmanager", DATA), arn)
    known = store.find()
    if known is not None and known.username == loader:
        return known
    login = Credentials(loader, new_password())
    store.write(login)
    return login


def new_password() -> str:
    """Return a password by Redshift's rules: an upper-case letter, a lower-case letter, a digit, at most 64."""
    while True:
        password = "".join(secrets.choice(_CHARACTERS) for _ in range(_LENGTH))
        kinds = (str.isupper, str.islower, str.isdigit)
        if all(any(map(kind, password)) for kind in kinds):
            return password

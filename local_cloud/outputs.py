"""`.local/outputs.json`: the addresses and credentials of a running local cloud.

Tests, tools and people read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local_cloud.aws import Aws
from local_cloud.emulator_process import WarehouseCredentials
from local_cloud.errors import LocalCloudError
from local_cloud.state import write_json


class OutputsError(LocalCloudError):
    """There is no usable outputs file.

    The cloud is not up, or the program does not export a required output.
    """


@dataclass(frozen=True)
class WarehouseOutputs:
    """How to connect to the emulator as its administrator, and the names that bootstrap uses."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    databases: tuple[str, ...]
    loader: str = ""
    reader: str = ""
    secret_arn: str = ""


@dataclass(frozen=True)
class Outputs:
    """The field names are a contract with the readers of the file."""

    aws_endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    lake_bucket: str
    log_table: str
    state_machine_arn: str
    reconcile_function: str
    tables_function: str
    api_url: str
    api_key: str = field(repr=False)
    warehouse: WarehouseOutputs

    @classmethod
    def of(cls, aws: Aws, stack: Mapping[str, Any], warehouse: WarehouseCredentials) -> Outputs:
        """Return the outputs of a deployed stack. Raises OutputsError when one is missing."""
        try:
            return cls(
                aws_endpoint_url=aws.endpoint_url,
                region=aws.region,
                access_key_id=aws.access_key_id,
                secret_access_key=aws.secret_access_key,
                lake_bucket=stack["lake_bucket"],
                log_table=stack["log_table"],
                state_machine_arn=stack["state_machine_arn"],
                reconcile_function=stack["reconcile_function"],
                tables_function=stack["tables_function"],
                api_url=stack["api_url"],
                api_key=stack["api_key"],
                warehouse=WarehouseOutputs(
                    warehouse.host,
                    warehouse.port,
                    warehouse.user,
                    warehouse.password,
                    warehouse.databases,
                    stack.get("warehouse_loader") or "",
                    stack.get("warehouse_reader") or "",
                    stack.get("warehouse_secret_arn") or "",
                ),
            )
        except KeyError as error:
            raise OutputsError(f"the program does not export {error}") from error

    @classmethod
    def read(cls, path: Path) -> Outputs:
        """Read the file of a running cloud. Raises OutputsError when it does not exist."""
        try:
            values = json.loads(path.read_text())
        except FileNotFoundError as error:
            raise OutputsError(
                f"{path} does not exist: the local cloud is not up; start it with `etl up`"
            ) from error
        except ValueError as error:
            raise OutputsError(
                f"{path} is not JSON ({error}); give a local cloud's outputs.json"
            ) from error
        try:
            warehouse = values.pop("warehouse")
            databases = tuple(warehouse.pop("databases"))
            return cls(**values, warehouse=WarehouseOutputs(**warehouse, databases=databases))
        except (AttributeError, KeyError, TypeError) as error:
            raise OutputsError(
                f"{path} is not the outputs file of a local cloud; `put`, `logs` and `sql` work with local "
                "clouds only. Use `aws s3 cp` and the API of a stack on AWS"
            ) from error

    def write(self, path: Path) -> None:
        """Write the file atomically, readable by this user only."""
        write_json(path, asdict(self))

    def aws(self, account_id: str) -> Aws:
        """Return clients for the running cloud."""
        return Aws(
            self.aws_endpoint_url,
            self.region,
            account_id,
            self.access_key_id,
            self.secret_access_key,
        )

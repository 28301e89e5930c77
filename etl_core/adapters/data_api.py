"""The Redshift Data API: a batch of statements is one transaction, runs up to a day, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.s3 import to_etl_error
from etl_core.model.errors import ThrottledError
from etl_core.model.function_settings import WarehouseLogin
from etl_core.model.long_copy import LongCopy, LongCopyResult, LongCopyStatus

_T = TypeVar("_T")
_ENDED = {"FINISHED", "FAILED", "ABORTED"}
_BUSY = frozenset({"ActiveStatementsExceededException", "ActiveSessionsExceededException"})


@dataclass(frozen=True)
class DataApiTarget:
    """The warehouse and the login. Either the workgroup or the cluster is set.

    Without a secret the caller's own role logs in.
    """

    login: WarehouseLogin

    def arguments(self) -> dict[str, str]:
        """Return the arguments of a call."""
        named = {
            "SecretArn": self.login.secret_arn,
            "WorkgroupName": self.login.workgroup,
            "ClusterIdentifier": self.login.cluster,
        }
        return {name: value for name, value in named.items() if value is not None}


class DataApi:
    """The statements of one warehouse. Raises ThrottledError and LoadFailedError."""

    def __init__(self, client: Any, target: DataApiTarget) -> None:
        self._client, self._target = client, target

    def submit(self, copy: LongCopy) -> LongCopy:
        """Start the statements, once: the name of the first staging table is never used again."""
        token = copy.tables[0].name
        response = _mapped(
            lambda: self._client.batch_execute_statement(
                Sqls=list(copy.statements),
                Database=copy.database,
                StatementName=token,
                ClientToken=token,
                **self._target.arguments(),
            )
        )
        return copy.submitted(str(response["Id"]))

    def look(self, copy: LongCopy) -> LongCopyResult | None:
        """Return how the statements ended, None while they run."""
        try:
            described = self._client.describe_statement(Id=copy.statement_id)
        except ClientError as error:
            if error.response["Error"].get("Code") == "ResourceNotFoundException":
                return LongCopyResult(LongCopyStatus.LOST, str(error))
            raise _to_etl_error(error) from error
        except BotoCoreError as error:
            raise _to_etl_error(error) from error
        if described["Status"] not in _ENDED:
            return None
        status = LongCopyStatus(described["Status"])
        is_finished = status is LongCopyStatus.FINISHED
        return LongCopyResult(
            status=status,
            error=str(described.get("Error", "")),
            session_id=described.get("RedshiftPid"),
            started_at=described["CreatedAt"].astimezone(UTC),
            counts=tuple(map(self._count, self._counting(copy))) if is_finished else (),
        )

    def _counting(self, copy: LongCopy) -> list[str]:
        """Return the ids of the statements that count the rows of each staging table."""
        return [f"{copy.statement_id}:{number}" for number in copy.count_numbers]

    def _count(self, statement_id: str) -> int:
        result = _mapped(lambda: self._client.get_statement_result(Id=statement_id))
        return int(result["Records"][0][0]["longValue"])


def _mapped(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        raise _to_etl_error(error) from error


def _to_etl_error(error: Exception) -> Exception:
    mapped = to_etl_error(error, "Redshift Data API")
    code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
    return ThrottledError(mapped.message) if code in _BUSY else mapped

"""The operations of the Data API: each from a request's JSON object to a response's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redshift_emulator.data_api.errors import NotFoundError, UnknownOperationError, ValidationError
from redshift_emulator.data_api.requests import (
    Body,
    Target,
    page_start,
    parse_id,
    parse_listing,
    parse_submission,
    wait_seconds,
)
from redshift_emulator.data_api.run import Run
from redshift_emulator.data_api.statements import Statements, part_of

Response = dict[str, Any]
_IAM_USER = "IAMR:caller"
_NO_RESULT = "Query does not have result. Please check query status with DescribeStatement."


class Logins:
    """Which database user a secret stands for.

    `file` is a JSON object from the ARN of a secret to the name of a user. It is read at every
    request, so it may be created later. Without it every secret stands for the master user.
    """

    def __init__(self, master_user: str, file: Path | None) -> None:
        self._master_user = master_user
        self._file = file

    def iam_user(self) -> str:
        """Return the user of a login with IAM."""
        return str(self._users().get("", _IAM_USER))

    def _users(self) -> dict[str, str]:
        if self._file is None or not self._file.exists():
            return {}
        users: dict[str, str] = json.loads(self._file.read_text("utf-8"))
        return users

    def user_of(self, target: Target) -> str:
        """Return the user. Raises NotFoundError for an unknown secret."""
        if target.user is not None:
            return target.user
        if target.secret is None:
            return self.iam_user()
        if self._file is None:
            return self._master_user
        secret, users = target.secret, self._users()
        if secret not in users:
            raise NotFoundError("Secrets Manager can't find the specified secret.", secret)
        return str(users[secret])


class Operations:
    """The operations, over the statements and logins of one server."""

    def __init__(self, statements: Statements, logins: Logins) -> None:
        self._statements = statements
        self._logins = logins
        self._by_name: dict[str, Callable[[Body], Response]] = {
            "ExecuteStatement": lambda body: self._submit(body, is_batch=False),
            "BatchExecuteStatement": lambda body: self._submit(body, is_batch=True),
            "DescribeStatement": self._describe,
            "GetStatementResult": self._result,
            "CancelStatement": self._cancel,
            "ListStatements": self._list,
        }

    def call(self, name: str, body: Body) -> Response:
        """Run an operation. Raises ApiError."""
        operation = self._by_name.get(name)
        if operation is None:
            raise UnknownOperationError(
                f"this emulator has no operation {name!r}; it has {', '.join(self._by_name)}"
            )
        return operation(body)

    def _submit(self, body: Body, *, is_batch: bool) -> Response:
        submission = parse_submission(body, is_batch=is_batch)
        run = self._statements.submit(submission, self._logins.user_of(submission.target))
        run.done.wait(submission.wait_seconds)
        described = run.describe()
        kept = ("Id", "CreatedAt", "Status", "RedshiftPid", "HasResultSet")
        return {name: described[name] for name in kept} | submission.target.members()

    def _describe(self, body: Body) -> Response:
        statement = parse_id(body)
        run = self._awaited(body)
        described = run.describe()
        if statement.number is None:
            return described
        part: Response = described["SubStatements"][statement.number - 1]
        return part | run.submission.target.members() | {"RedshiftPid": run.pid}

    def _result(self, body: Body) -> Response:
        statement, start = parse_id(body), page_start(body) or 0
        part = part_of(self._awaited(body), statement)
        if part.result is None:
            raise NotFoundError(_NO_RESULT, str(statement))
        if start > len(part.result.rows):
            raise ValidationError("NextToken must be the token that the previous page returned")
        return part.result.page(start)

    def _awaited(self, body: Body) -> Run:
        run = self._statements.find(parse_id(body))
        run.done.wait(wait_seconds(body))
        return run

    def _cancel(self, body: Body) -> Response:
        self._statements.find(parse_id(body)).cancel()
        return {"Status": True}

    def _list(self, body: Body) -> Response:
        runs, next_place = self._statements.list(parse_listing(body))
        token = {} if next_place is None else {"NextToken": str(next_place)}
        return {"Statements": [_listed(run) for run in runs], **token}


def _listed(run: Run) -> Response:
    described, sqls = run.describe(), list(run.submission.sqls)
    kept = ("Id", "Status", "CreatedAt", "UpdatedAt", "SecretArn", "ResultFormat")
    return {name: described[name] for name in kept if name in described} | {
        "QueryString": sqls[0],
        "QueryStrings": sqls,
        "IsBatchStatement": run.submission.is_batch,
        "StatementName": run.submission.name,
    }

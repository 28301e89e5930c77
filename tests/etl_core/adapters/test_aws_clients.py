"""The call budgets: every call ends before its caller's time limit."""

from __future__ import annotations

import pytest

from etl_core.adapters.aws_clients import (
    DATA,
    FUNCTION,
    LOG_READ,
    LOG_WRITE,
    OPERATOR,
    CallBudget,
    make_client,
)


@pytest.mark.parametrize("budget", [DATA, FUNCTION, LOG_READ, LOG_WRITE, OPERATOR])
def test_a_client_has_the_time_limits_of_its_budget(
    budget: CallBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    config = make_client("dynamodb", budget).meta.config

    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (
        budget.connect_seconds,
        budget.read_seconds,
        budget.attempts,
    )


@pytest.mark.parametrize("budget", [FUNCTION, OPERATOR])
def test_a_call_of_a_function_is_never_repeated(budget: CallBudget) -> None:
    assert budget.attempts == 1


def test_the_command_line_waits_longer_than_a_function_may_run() -> None:
    assert FUNCTION.read_seconds < 900 < OPERATOR.read_seconds

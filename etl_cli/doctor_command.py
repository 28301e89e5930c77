"""`doctor`: find what is broken in a deployed stack, or in the account before the first `pulumi up`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache

import click

from etl_cli.doctor.findings import Finding, State
from etl_cli.options import stack_options
from etl_cli.stack_options import DONE, LEFT, Reply, stack_errors
from etl_cli.stack_outputs import StackSource, client_of, need, session_of

_SIGNS = {State.OK: "ok", State.BROKEN: "BROKEN", State.UNCHECKED: "?"}


@click.command()
@click.option(
    "--before",
    is_flag=True,
    help="Check the account and the configuration of a stack that does not exist yet.",
)
@stack_options
@click.pass_context
def doctor(
    context: click.Context,
    stack: StackSource,
    before: bool,  # noqa: FBT001 - click passes flags as booleans
    as_json: bool,  # noqa: FBT001
) -> None:
    """Check every link of a deployed stack, and name what is broken. Changes nothing.

    From outside: account and region, bucket notification, event rule, workflow, functions and their roles, the role for
    COPY, API and key, limits of the account. Through the tables function, with the login of the loads: endpoints,
    warehouse, login, rights.

    --before checks whether `pulumi up` can create the stack: limits, zones, address ranges, Redshift's
    service-linked role, and your rights by policy simulation. --stack is then the name of a Pulumi stack of this
    folder, or a file with the output of `pulumi config --json`.

    What cannot be checked, for example for want of a right, is shown with the reason.

    Exit code: 0 nothing is broken, 1 something is, 2 an option or the stack cannot be used.
    """
    reply = Reply(context, as_json)
    with stack_errors(context):
        findings = _check_account(stack) if before else _check_stack(stack)
    _show(reply, findings)
    counts = Counter(finding.state for finding in findings)
    reply.end(
        LEFT if counts[State.BROKEN] else DONE,
        findings=[asdict(finding) for finding in findings],
        **{state.name.lower(): counts[state] for state in State},
    )


def _check_stack(source: StackSource) -> list[Finding]:
    """Return the findings of a deployed stack. Raises StackError."""
    from etl_cli.api_client import ApiClient
    from etl_cli.doctor.aws_reader import AwsReader
    from etl_cli.doctor.evidence import StackNames
    from etl_cli.doctor.stack_checks import check_stack

    outputs = source.read()
    names = StackNames(
        lake_bucket=str(need(outputs, "lake_bucket", source)),
        state_machine_arn=str(need(outputs, "state_machine_arn", source)),
        reconcile_function=str(need(outputs, "reconcile_function", source)),
        tables_function=str(need(outputs, "tables_function", source)),
        api_url=str(need(outputs, "api_url", source)),
    )
    session = session_of()
    clients = cache(lambda service: client_of(outputs, source, service, session))
    reader = AwsReader(clients, names, ApiClient.of(outputs, source).headers)
    return list(check_stack(reader.read()))


def _check_account(source: StackSource) -> list[Finding]:
    """Return the findings of an account without the stack. Raises StackError."""
    from etl_cli.doctor.account_checks import check_account
    from etl_cli.doctor.account_reader import AccountReader
    from etl_cli.doctor.plan import read_plan

    plan = read_plan(source)
    outputs = {"region": plan.region, **plan.local}
    reader = AccountReader(
        cache(lambda service: client_of(outputs, source, service, plan.profile)), plan
    )
    return list(check_account(reader.read()))


def _show(reply: Reply, findings: Sequence[Finding]) -> None:
    for finding in findings:
        detail = f": {finding.detail}" if finding.detail else ""
        sign = _SIGNS[finding.state]
        reply.show(f"{sign:<7} {finding.check}: {finding.subject}{detail}")
        if finding.fix:
            reply.show(f"        fix: {finding.fix}")
    counts = Counter(finding.state for finding in findings)
    reply.show(", ".join(f"{counts[state]} {state.value}" for state in State))

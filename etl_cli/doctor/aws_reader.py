"""All calls of doctor: to AWS, to the API of the stack, and to its tables function. Changes nothing."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from etl_cli.doctor import needs, notice_reader
from etl_cli.doctor.evidence import (
    NOT_READ,
    ApiAnswers,
    Concurrency,
    FunctionState,
    Machine,
    NoticeLinks,
    Permission,
    Rule,
    StackEvidence,
    StackNames,
    Target,
    Trust,
)
from etl_cli.doctor.findings import Missing, Read, T, Unread
from etl_core.adapters.functions import Function
from etl_core.model import function_settings as env
from etl_core.model.errors import EtlError
from etl_core.recovery.tables_requests import ProbeRequest, ProbeResult
from etl_core.recovery.wire import ask

API_SECONDS = 30
_MISSING = re.compile(r"NotFound|NoSuch|DoesNotExist|^404$|NotExist|^InvalidServiceName$")
_API_ID = re.compile(r"//([a-z0-9]+)\.execute-api\.|/execute-api/([a-z0-9]+)/")
_FUNCTION_OF_API = re.compile(r"functions/(arn:[^/]+)/invocations")
_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::\d+:role/[\w+=,.@/-]*[\w+=.@-]")
_SERVERLESS_HOST = re.compile(r"^([\w-]+)\.\d{12}\.[\w-]+\.redshift-serverless\.")
_CLUSTER_HOST = re.compile(r"^([\w-]+)\.\w+\.[\w-]+\.redshift\.")
_QUERY_PROBE = "/logs?table_name=etl_doctor&limit=1"

ClientOf = Callable[[str], Any]


def attempt(call: Callable[[], T]) -> Read[T]:
    """Return what the call returns, or why it returns nothing."""
    try:
        return call()
    except ClientError as error:
        if _MISSING.search(error.response.get("Error", {}).get("Code", "")):
            return Missing()
        return Unread(str(error))
    except BotoCoreError as error:
        return Unread(" ".join(str(error).split())[:300])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return Unread(f"AWS sent an answer without what was expected: {error!r}")


@dataclass
class AwsReader:
    """Reads a stack.

    `client_of` returns the client of a service, `authorize` the headers of a request of the API.
    """

    client_of: ClientOf
    names: StackNames
    authorize: Callable[[str], Mapping[str, str]]

    def read(self) -> StackEvidence:
        """Return everything. Nothing that cannot be read stops the rest."""
        names = self.names
        rules = attempt(self._rules)
        machine = attempt(self._machine)
        functions = self._functions(machine)
        functions |= self._webhook(_variables(functions).get(env.STACK))
        needed = list(self._needed(rules, machine, functions))
        known = _variables(functions)
        copy_role = known.get(env.COPY_ROLE_ARN)
        roles = {each.role_arn for each in needed} | ({copy_role} if copy_role else set())
        roles |= {each.role_arn for each in functions.values() if isinstance(each, FunctionState)}
        return StackEvidence(
            names=names,
            account=attempt(self._account),
            region=self.client_of("sts").meta.region_name,
            events_on=attempt(self._events_on),
            rules=rules,
            machine=machine,
            functions=functions,
            trusts={arn: attempt(partial(self._trust, arn)) for arn in sorted(roles)},
            permissions=self._permissions(needed),
            probes=self._probes(functions["tables"]),
            warehouse_roles=self._warehouse_roles(known) if known else NOT_READ,
            notices=self._notices(machine, functions.get("webhook")),
            api=self._api(),
            concurrency=attempt(lambda: read_concurrency(self.client_of)),
        )

    def _account(self) -> str:
        return str(self.client_of("sts").get_caller_identity()["Account"])

    def _events_on(self) -> bool:
        answer = self.client_of("s3").get_bucket_notification_configuration(
            Bucket=self.names.lake_bucket
        )
        return "EventBridgeConfiguration" in answer

    def _rules(self) -> tuple[Rule, ...]:
        events, arn = self.client_of("events"), self.names.state_machine_arn
        found = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
        return tuple(self._rule(events, name) for name in found)

    def _rule(self, events: Any, name: str) -> Rule:
        rule = events.describe_rule(Name=name)
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
        return Rule(
            name,
            rule.get("State", "").startswith("ENABLED"),
            json.loads(rule.get("EventPattern") or "{}"),
            tuple(Target(each["Arn"], each.get("RoleArn")) for each in targets),
        )

    def _machine(self) -> Machine:
        answer = self.client_of("stepfunctions").describe_state_machine(
            stateMachineArn=self.names.state_machine_arn
        )
        return Machine(answer["status"], answer["roleArn"], json.loads(answer["definition"]))

    def _functions(self, machine: Read[Machine]) -> dict[str, Read[FunctionState]]:
        """Return the functions by noun. The workflow's definition names three of them."""
        named: dict[str, Read[str]] = {"record": NOT_READ, "load": NOT_READ, "long copy": NOT_READ}
        if isinstance(machine, Machine):
            named |= machine.functions()
        named |= {
            "tables": self.names.tables_function,
            "reconcile": self.names.reconcile_function,
            "query": attempt(self._query_function),
        }
        return {
            noun: attempt(partial(self._function, name)) if isinstance(name, str) else name
            for noun, name in named.items()
        }

    def _webhook(self, stack: str | None) -> dict[str, Read[FunctionState]]:
        """Return the webhook's function, if the stack has one."""
        if stack is None:
            return {}
        found = attempt(partial(notice_reader.find_webhook, self.client_of, stack))
        if isinstance(found, str):
            return {"webhook": attempt(partial(self._function, found))}
        return {} if found is None else {"webhook": found}

    def _notices(
        self, machine: Read[Machine], webhook: Read[FunctionState] | None
    ) -> Read[NoticeLinks]:
        if not isinstance(machine, Machine):
            return NOT_READ
        function = webhook if isinstance(webhook, FunctionState) else None
        read = notice_reader.read_links
        return read(self.client_of, attempt, self._rule, machine, function)

    def _query_function(self) -> str:
        """Return the function behind the API's root."""
        found = _API_ID.search(self.names.api_url)
        if found is None:
            raise ValueError(f"{self.names.api_url} names no API of API Gateway")
        resources = self.client_of("apigateway").get_resources(
            restApiId=found[1] or found[2], embed=["methods"], limit=500
        )["items"]
        [root] = [each for each in resources if each["path"] == "/"]
        uri = root["resourceMethods"]["ANY"]["methodIntegration"]["uri"]
        arn = _FUNCTION_OF_API.search(uri)
        if arn is None:
            raise ValueError(f"the API calls {uri}, which is no function")
        return arn[1]

    def _function(self, name: str) -> FunctionState:
        client = self.client_of("lambda")
        answer = client.get_function_configuration(FunctionName=name)
        reserved = client.get_function_concurrency(FunctionName=name)
        return FunctionState(
            arn=answer["FunctionArn"],
            state=answer.get("State", "Active"),
            reason=answer.get("StateReason", ""),
            role_arn=answer["Role"],
            handler=answer.get("Handler", ""),
            variables=answer.get("Environment", {}).get("Variables", {}),
            is_in_network=bool(answer.get("VpcConfig", {}).get("SubnetIds")),
            reserved=reserved.get("ReservedConcurrentExecutions"),
        )

    def _needed(
        self,
        rules: Read[tuple[Rule, ...]],
        machine: Read[Machine],
        functions: Mapping[str, Read[FunctionState]],
    ) -> Iterable[Permission]:
        for rule in rules if isinstance(rules, tuple) else ():
            yield from needs.needs_of_rule(self.names, rule)
        if isinstance(machine, Machine):
            yield from needs.needs_of_machine(self.names, machine)
        for noun, function in functions.items():
            if isinstance(function, FunctionState):
                yield from needs.needs_of_function(self.names, noun, function)
        variables = _variables(functions)
        if role := variables.get(env.COPY_ROLE_ARN):
            yield from needs.needs_of_copy(self.names, role, variables)

    def _trust(self, role_arn: str) -> Trust:
        name = role_arn.rpartition("/")[2]
        role = self.client_of("iam").get_role(RoleName=name)["Role"]
        return Trust(role["AssumeRolePolicyDocument"])

    def _permissions(self, needed: Iterable[Permission]) -> dict[Permission, Read[bool]]:
        """Simulate each permission. A role that does not exist has none."""
        return {each: attempt(partial(self._is_allowed, each)) for each in dict.fromkeys(needed)}

    def _is_allowed(self, permission: Permission) -> bool:
        answer = simulate(
            self.client_of("iam"), permission.role_arn, [permission.action], permission.resource
        )
        return answer[permission.action]

    def _probes(self, tables: Read[FunctionState]) -> Read[ProbeResult]:
        if not isinstance(tables, FunctionState):
            return NOT_READ
        try:
            return ask(
                Function(self.client_of("lambda"), self.names.tables_function), ProbeRequest()
            )
        except EtlError as error:
            return Unread(error.message)

    def _warehouse_roles(self, variables: Mapping[str, str]) -> Read[frozenset[str]]:
        """Return the roles that are associated with the workgroup's namespace or the cluster."""
        host = variables.get(env.WAREHOUSE_HOST, "")
        workgroup = variables.get(env.WAREHOUSE_WORKGROUP) or _first(_SERVERLESS_HOST, host)
        cluster = variables.get(env.WAREHOUSE_CLUSTER) or _first(_CLUSTER_HOST, host)
        if workgroup is not None:
            return attempt(lambda: self._namespace_roles(workgroup))
        if cluster is not None:
            return attempt(lambda: self._cluster_roles(cluster))
        return Unread(f"the host {host} names neither a workgroup nor a cluster")

    def _namespace_roles(self, workgroup: str) -> frozenset[str]:
        """Return the roles of a namespace. AWS sends each as a text that contains its ARN."""
        client = self.client_of("redshift-serverless")
        namespace = client.get_workgroup(workgroupName=workgroup)["workgroup"]["namespaceName"]
        roles = client.get_namespace(namespaceName=namespace)["namespace"].get("iamRoles", [])
        return frozenset(arn for text in roles for arn in _ROLE_ARN.findall(text))

    def _cluster_roles(self, cluster: str) -> frozenset[str]:
        [found] = self.client_of("redshift").describe_clusters(ClusterIdentifier=cluster)[
            "Clusters"
        ]
        return frozenset(
            each["IamRoleArn"]
            for each in found.get("IamRoles", [])
            if each.get("ApplyStatus", "in-sync") == "in-sync"
        )

    def _api(self) -> Read[ApiAnswers]:
        base = self.names.api_url.rstrip("/")
        url = f"{base}{_QUERY_PROBE}"
        try:
            return ApiAnswers(
                _http_status(f"{base}/health", {}),
                _http_status(url, self.authorize(url)),
                _http_status(url, {}),
            )
        except (OSError, ValueError) as error:
            return Unread(f"{base} does not answer: {error}")


def read_concurrency(client_of: ClientOf) -> Concurrency:
    """Return how many functions may run at the same time in the account."""
    limit = client_of("lambda").get_account_settings()["AccountLimit"]
    return Concurrency(limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"])


def simulate(
    iam: Any,
    principal_arn: str,
    actions: Sequence[str],
    resource: str,
    keys: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, bool]:
    """Return for each action whether a policy simulation allows it on the resource.

    `keys`: the condition keys of the request.
    """
    answer = iam.simulate_principal_policy(
        PolicySourceArn=principal_arn,
        ActionNames=list(actions),
        ResourceArns=[resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in keys.items()
        ],
    )
    return {
        each["EvalActionName"]: each["EvalDecision"] == "allowed"
        for each in answer["EvaluationResults"]
    }


def _variables(functions: Mapping[str, Read[FunctionState]]) -> dict[str, str]:
    """Return the variables of the functions that know the warehouse."""
    known: dict[str, str] = {}
    for noun in ("record", "long copy", "tables", "load"):
        function = functions.get(noun)
        if isinstance(function, FunctionState):
            known |= function.variables
    return known


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return None if found is None else found[1]


def _http_status(url: str, headers: Mapping[str, str]) -> int:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("it is no HTTP address")
    is_local = urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost")
    proxies = [urllib.request.ProxyHandler({})] if is_local else []
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310
    try:
        opener = urllib.request.build_opener(*proxies)
        with opener.open(request, timeout=API_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code

"""The monitoring API, served by the query function.

Each part is a resource of its own instead of one OpenAPI document, so that the tests and the local
cloud see every part. docs/openapi.json describes the same operations.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pulumi
import pulumi_aws.apigateway as apigateway
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.iam as iam
import pulumi_aws.lambda_ as lambda_
from pulumi import Input, Output, ResourceOptions

from etl_core.model.api import OPERATIONS, Operation
from infra import policies
from infra.api_contract import STAGE, gateway_responses
from infra.component import Component, after
from infra.functions import LoaderFunction
from infra.roles import bare_role
from infra.setting_kinds import AccessLog, ApiAuth
from infra.stack_settings import StackSettings

ACCESS_LOG = {
    name: f"$context.{variable}"
    for name, variable in {
        "request_id": "requestId",
        "time": "requestTime",
        "ip": "identity.sourceIp",
        "api_key_id": "identity.apiKeyId",
        "method": "httpMethod",
        "path": "resourcePath",
        "status": "status",
        "error": "error.responseType",
        "duration_ms": "responseLatency",
    }.items()
}
"""One line for each request. No variable of it can have a quote: what clients write freely is left out."""


class MonitoringApi(Component):
    """A regional REST API. `url` is the base URL of its stage; `key` is a secret, empty with IAM."""

    def __init__(
        self, name: str, settings: StackSettings, query: LoaderFunction, opts: ResourceOptions
    ) -> None:
        super().__init__(name, opts)
        self._settings, self._auth = settings, settings.api_auth
        self._api = apigateway.RestApi(
            name,
            description="Log of uploads to the lake",
            api_key_source="HEADER",
            endpoint_configuration={"types": "REGIONAL"},
            opts=self.child(),
        )
        self._paths: dict[str, Input[str]] = {"": self._api.root_resource_id}
        self._described: list[Output[Any]] = []
        methods = [part for operation in OPERATIONS for part in self._methods(operation, query)]
        stage = self._stage([*methods, *self._gateway_responses()])
        self._allow_invocation(query)
        self.key = self._key(stage) if self._auth is ApiAuth.KEY else Output.secret("")
        self.url = stage.invoke_url
        self.api_name = self._api.name
        self.register_outputs({})

    def _methods(self, operation: Operation, query: LoaderFunction) -> list[pulumi.Resource]:
        """Return every method of the operation's path: the function answers GET and refuses others.

        A browser sends OPTIONS without a key or signature, to ask what is allowed.
        """
        path = self._path(operation.path.rstrip("/"))
        noun = _noun(operation.path)
        return [
            *self._method(noun, "ANY", path, query, is_restricted=operation.needs_key),
            *self._method(f"{noun}-options", "OPTIONS", path, query, is_restricted=False),
        ]

    def _path(self, path: str) -> Input[str]:
        """Return the id of the resource of a path. Parents are made first."""
        if path not in self._paths:
            parent, _, part = path.rpartition("/")
            resource = apigateway.Resource(
                f"{self.name}-{_noun(path)}",
                rest_api=self._api.id,
                parent_id=self._path(parent),
                path_part=part,
                opts=self.child(),
            )
            self._paths[path] = resource.id
        return self._paths[path]

    def _method(
        self, noun: str, verb: str, path: Input[str], query: LoaderFunction, *, is_restricted: bool
    ) -> list[pulumi.Resource]:
        method = apigateway.Method(
            f"{self.name}-{noun}",
            rest_api=self._api.id,
            resource_id=path,
            http_method=verb,
            authorization="AWS_IAM" if is_restricted and self._auth is ApiAuth.IAM else "NONE",
            api_key_required=is_restricted and self._auth is ApiAuth.KEY,
            opts=self.child(),
        )
        integration = apigateway.Integration(
            f"{self.name}-{noun}",
            rest_api=self._api.id,
            resource_id=path,
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=query.invoke_arn,
            opts=self.child(),
        )
        self._described.append(
            Output.all(
                *(method.http_method, method.resource_id, method.authorization),
                *(method.api_key_required, integration.type, integration.uri),
                integration.integration_http_method,
            )
        )
        return [method, integration]

    def _gateway_responses(self) -> list[pulumi.Resource]:
        headers = {"Content-Type": "application/problem+json"}
        if self._settings.api_cors_origin is not None:
            headers["Access-Control-Allow-Origin"] = self._settings.api_cors_origin
        return [
            apigateway.Response(
                f"{self.name}-{response.response_type.lower().replace('_', '-')}",
                rest_api_id=self._api.id,
                response_type=response.response_type,
                status_code=str(response.status),
                response_templates={"application/json": response.template},
                response_parameters={
                    f"gatewayresponse.header.{name}": f"'{value}'"
                    for name, value in headers.items()
                },
                opts=self.child(),
            )
            for response in gateway_responses(self._auth)
        ]

    def _stage(self, deployed: list[pulumi.Resource]) -> apigateway.Stage:
        """Return the stage.

        Its deployment is a snapshot, which is replaced when a path, a method, an integration or a
        response of the gateway changes.
        """
        paths = [operation.path for operation in OPERATIONS]
        fixed = (paths, gateway_responses(self._auth), self._settings.api_cors_origin)
        contract = Output.all(*self._described).apply(
            lambda known: hashlib.sha256(repr((fixed, known)).encode()).hexdigest()
        )
        deployment = apigateway.Deployment(
            self.name,
            rest_api=self._api.id,
            triggers={"contract": contract},
            opts=self.child(depends_on=deployed),
        )
        logged, account = self._access_log()
        stage = apigateway.Stage(
            self.name,
            rest_api=self._api.id,
            deployment=deployment.id,
            stage_name=STAGE,
            access_log_settings=logged,
            opts=self.child(depends_on=account),
        )
        apigateway.MethodSettings(
            self.name,
            rest_api=self._api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings={
                "throttling_rate_limit": self._settings.api_rate_limit,
                "throttling_burst_limit": self._settings.api_burst_limit,
                "metrics_enabled": True,
            },
            opts=self.child(),
        )
        return stage

    def _access_log(
        self,
    ) -> tuple[apigateway.StageAccessLogSettingsArgsDict | None, list[pulumi.Resource]]:
        """Return where requests are logged, and what must exist before: the role of the account.

        API Gateway has one such role for each account and region (developer guide, "Set up CloudWatch
        logging for REST APIs"). Other APIs may use it, so it is kept when the stack is removed.
        """
        if self._settings.api_access_log is AccessLog.OFF:
            return None, []
        logs = cloudwatch.LogGroup(
            f"{self.name}-access",
            name=f"/aws/apigateway/{self.name}",
            retention_in_days=self._settings.log_group_keep_days,
            kms_key_id=self._settings.kms_key_arn,
            opts=self.child(),
        )
        logged: apigateway.StageAccessLogSettingsArgsDict = {
            "destination_arn": logs.arn,
            "format": json.dumps(ACCESS_LOG),
        }
        if self._settings.api_access_log is AccessLog.ON:
            return logged, []
        kept = self.child(retain_on_delete=True)
        role = bare_role(self, "logs", ("apigateway.amazonaws.com",), retain_on_delete=True)
        policy = iam.RolePolicy(
            f"{self.name}-logs",
            role=role.name,
            policy=json.dumps(policies.push_api_logs()),
            opts=kept,
        )
        ready: Output[str] = after(role.arn, policy)
        account = apigateway.Account(self.name, cloudwatch_role_arn=ready, opts=kept)
        return logged, [account]

    def _allow_invocation(self, query: LoaderFunction) -> None:
        lambda_.Permission(
            self.name,
            action="lambda:InvokeFunction",
            function=query.function_name,
            principal="apigateway.amazonaws.com",
            source_arn=Output.concat(self._api.execution_arn, f"/{STAGE}/*"),
            opts=self.child(),
        )

    def _key(self, stage: apigateway.Stage) -> Output[str]:
        key = apigateway.ApiKey(self.name, opts=self.child(additional_secret_outputs=["value"]))
        plan = apigateway.UsagePlan(
            self.name,
            api_stages=[{"api_id": self._api.id, "stage": stage.stage_name}],
            throttle_settings={
                "rate_limit": self._settings.api_rate_limit,
                "burst_limit": self._settings.api_burst_limit,
            },
            opts=self.child(),
        )
        apigateway.UsagePlanKey(
            self.name, key_id=key.id, key_type="API_KEY", usage_plan_id=plan.id, opts=self.child()
        )
        return Output.secret(key.value)


def _noun(path: str) -> str:
    """Return the path as part of a name: `/uploads/{upload_id}` is `uploads-upload-id`."""
    words = path.strip("/").replace("{", "").replace("}", "").replace("_", "-")
    return words.replace("/", "-") or "page"

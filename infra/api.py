"""The monitoring API: GET /logs with an API key, served by the query function.

Each part is a resource of its own instead of one OpenAPI document, so that the tests and the local
cloud see every part. docs/openapi.json describes the same contract.
"""

from __future__ import annotations

import hashlib

import pulumi
import pulumi_aws.apigateway as apigateway
import pulumi_aws.lambda_ as lambda_
from pulumi import Output, ResourceOptions

from infra.api_contract import GATEWAY_RESPONSES, METHOD, PARAMETERS, PATH, STAGE, Need
from infra.component import Component
from infra.functions import LoaderFunction
from infra.stack_settings import StackSettings


class MonitoringApi(Component):
    """A regional REST API. `url` is the base URL of its stage; `key` is a secret."""

    def __init__(
        self, name: str, settings: StackSettings, query: LoaderFunction, opts: ResourceOptions
    ) -> None:
        super().__init__(name, opts)
        self._settings = settings
        self._api = apigateway.RestApi(
            name,
            description="Log of uploads to the lake",
            api_key_source="HEADER",
            endpoint_configuration={"types": "REGIONAL"},
            opts=self.child(),
        )
        stage = self._stage([*self._logs_method(query), *self._gateway_responses()])
        self._allow_invocation(query)
        self.key = self._key(stage)
        self.url = stage.invoke_url
        self.api_name = self._api.name
        self.register_outputs({})

    def _logs_method(self, query: LoaderFunction) -> list[pulumi.Resource]:
        path = apigateway.Resource(
            f"{self.name}-logs",
            rest_api=self._api.id,
            parent_id=self._api.root_resource_id,
            path_part=PATH,
            opts=self.child(),
        )
        validator = apigateway.RequestValidator(
            self.name,
            rest_api=self._api.id,
            validate_request_parameters=True,
            validate_request_body=False,
            opts=self.child(),
        )
        method = apigateway.Method(
            f"{self.name}-logs",
            rest_api=self._api.id,
            resource_id=path.id,
            http_method=METHOD,
            authorization="NONE",
            api_key_required=True,
            request_validator_id=validator.id,
            request_parameters={
                f"method.request.querystring.{p.name}": p.need is Need.REQUIRED for p in PARAMETERS
            },
            opts=self.child(),
        )
        integration = apigateway.Integration(
            f"{self.name}-logs",
            rest_api=self._api.id,
            resource_id=path.id,
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=query.invoke_arn,
            opts=self.child(),
        )
        return [method, integration]

    def _gateway_responses(self) -> list[pulumi.Resource]:
        return [
            apigateway.Response(
                f"{self.name}-{response.response_type.lower().replace('_', '-')}",
                rest_api_id=self._api.id,
                response_type=response.response_type,
                status_code=str(response.status),
                response_templates={"application/json": response.template},
                opts=self.child(),
            )
            for response in GATEWAY_RESPONSES
        ]

    def _stage(self, deployed: list[pulumi.Resource]) -> apigateway.Stage:
        """Return the stage.

        Its deployment is a snapshot, which is replaced when the contract changes.
        """
        contract = hashlib.sha256(
            repr((METHOD, PATH, PARAMETERS, GATEWAY_RESPONSES)).encode()
        ).hexdigest()
        deployment = apigateway.Deployment(
            self.name,
            rest_api=self._api.id,
            triggers={"contract": contract},
            opts=self.child(depends_on=deployed),
        )
        stage = apigateway.Stage(
            self.name,
            rest_api=self._api.id,
            deployment=deployment.id,
            stage_name=STAGE,
            opts=self.child(),
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

    def _allow_invocation(self, query: LoaderFunction) -> None:
        lambda_.Permission(
            self.name,
            action="lambda:InvokeFunction",
            function=query.function_name,
            principal="apigateway.amazonaws.com",
            source_arn=Output.concat(self._api.execution_arn, f"/{STAGE}/{METHOD}/{PATH}"),
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

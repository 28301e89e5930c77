"""The provider `aws` for Pulumi's engine: translates its protocol (pulumi.runtime.proto) to an account.

The engine starts the executable `pulumi-resource-aws` that it finds on the PATH and reads a port from
its output. Here the executable is a script that prints the port of a server in the test's process, so
that a test sees the account and can injure it.
"""

from __future__ import annotations

import contextlib
import json
import stat
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN

from tests.engine.argument_types import faults_of_inputs
from tests.engine.aws import Account, AwsError, Entry, rule_of

DEFAULTS = "__defaults"
"""The key under which the provider keeps the names of the arguments that it has filled in."""
VERSION = "7.51.1"


def _plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    return json_format.MessageToDict(struct)


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    json_format.ParseDict(dict(values), struct)
    return struct


def _type_of(urn: str) -> str:
    return urn.split("::")[2].split("$")[-1]


def _name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


@dataclass
class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one account. `configured`: the configuration that the engine has passed, latest last."""

    account: Account
    configured: list[dict[str, Any]] = field(default_factory=list)

    def Handshake(self, request, context):  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request, context):  # noqa: N802
        return plugin_pb2.PluginInfo(version=VERSION)

    def Attach(self, request, context):  # noqa: N802
        return empty_pb2.Empty()

    def Cancel(self, request, context):  # noqa: N802
        return empty_pb2.Empty()

    def CheckConfig(self, request, context):  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):  # noqa: N802
        same = _plain(request.olds) == _plain(request.news)
        changes = provider_pb2.DiffResponse
        return changes(changes=changes.DIFF_NONE if same else changes.DIFF_SOME)

    def Configure(self, request, context):  # noqa: N802
        args = _plain(request.args)
        self.configured.append(args)
        allowed = args.get("allowedAccountIds")
        if isinstance(allowed, str) and allowed:
            allowed = json.loads(allowed)
        if allowed and self.account.number not in allowed:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"AWS account ID not allowed: {self.account.number}; allowed: {allowed}",
            )
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Invoke(self, request, context):  # noqa: N802
        with _refusals(context):
            result = self.account.answer(request.tok, _plain(request.args))
            return provider_pb2.InvokeResponse(**{"return": _struct(result)})

    def Check(self, request, context):  # noqa: N802
        with _refusals(context):
            inputs, olds = _plain(request.news), _plain(request.olds)
            type_token, name = _type_of(request.urn), _name_of(request.urn)
            rule = rule_of(type_token)
            failures = [
                provider_pb2.CheckFailure(reason=fault)
                for fault in faults_of_inputs(type_token, inputs)
            ]
            inputs[DEFAULTS] = []
            if rule.named_by and rule.named_by not in inputs:
                kept = olds.get(rule.named_by) if rule.named_by in olds.get(DEFAULTS, []) else None
                inputs[rule.named_by] = kept or f"{name}-{request.randomSeed.hex()[:7]}"
                inputs[DEFAULTS] = [rule.named_by]
            return provider_pb2.CheckResponse(inputs=_struct(inputs), failures=failures)

    def Diff(self, request, context):  # noqa: N802
        """Compare the arguments. A replacement under a name that the program fixed deletes first."""
        olds, news = _plain(request.old_inputs), _plain(request.news)
        rule = rule_of(_type_of(request.urn))
        changed = sorted(
            key for key in {*olds, *news} - {DEFAULTS} if olds.get(key) != news.get(key)
        )
        replaces = [key for key in changed if rule.replaces(key)]
        kinds = provider_pb2.PropertyDiff
        keeps_name = bool(rule.named_by) and rule.has_unique_name
        keeps_name = keeps_name and rule.named_by not in news.get(DEFAULTS, [])
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changed else response.DIFF_NONE,
            diffs=changed,
            replaces=replaces,
            deleteBeforeReplace=keeps_name and olds.get(rule.named_by) == news.get(rule.named_by),
            hasDetailedDiff=True,
            detailedDiff={
                key: kinds(
                    kind=kinds.UPDATE_REPLACE if key in replaces else kinds.UPDATE, inputDiff=True
                )
                for key in changed
            },
        )

    def Create(self, request, context):  # noqa: N802
        inputs = _plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=_struct(inputs))
        with _refusals(context):
            type_token = _type_of(request.urn)
            entry = self.account.create(type_token, _name_of(request.urn), inputs)
            return provider_pb2.CreateResponse(id=entry.id, properties=_outputs(entry))

    def Update(self, request, context):  # noqa: N802
        inputs = _plain(request.news)
        if request.preview:
            known = {**_plain(request.olds), **inputs}
            return provider_pb2.UpdateResponse(properties=_struct(known))
        with _refusals(context):
            entry = self.account.update(_type_of(request.urn), request.id, inputs)
            return provider_pb2.UpdateResponse(properties=_outputs(entry))

    def Delete(self, request, context):  # noqa: N802
        with _refusals(context):
            self.account.delete(_type_of(request.urn), request.id)
            return empty_pb2.Empty()

    def Read(self, request, context):  # noqa: N802
        entry = self.account.read(_type_of(request.urn), request.id)
        if entry is None:
            return provider_pb2.ReadResponse(id="")
        return provider_pb2.ReadResponse(
            id=entry.id, properties=_outputs(entry), inputs=_struct(entry.inputs)
        )


def _outputs(entry: Entry) -> struct_pb2.Struct:
    return _struct({key: value for key, value in entry.outputs.items() if value != UNKNOWN})


@contextlib.contextmanager
def _refusals(context: grpc.ServicerContext) -> Iterator[None]:
    """Answer what AWS refuses, and what the tables lack, as an error of the call."""
    try:
        yield
    except (AwsError, ValueError, KeyError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


@contextlib.contextmanager
def serve(account: Account, folder: Path) -> Iterator[Provider]:
    """Run the provider, and write its executable into `folder`, which belongs on the PATH."""
    provider = Provider(account)
    with ThreadPoolExecutor(16) as pool:
        server = grpc.server(pool, options=[("grpc.max_receive_message_length", 1 << 28)])
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        executable = folder / "pulumi-resource-aws"
        executable.write_text(f"#!/bin/sh\necho {port}\nexec cat\n", "utf-8")
        executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
        try:
            yield provider
        finally:
            server.stop(0).wait()

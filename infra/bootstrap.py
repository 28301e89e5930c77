"""Bootstrap of a warehouse that the stack creates: databases, the loader and its rights, the reader's role.

`pulumi up` invokes the function when the warehouse is new, and again when the databases, the names
or the code of bootstrap change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pulumi
import pulumi_aws.lambda_ as lambda_
from pulumi import Input, Output, ResourceOptions

from infra.component import Component
from infra.functions import Code, FunctionSpec, LoaderFunction

PARTS = ("etl_core/access/*.py", "handlers/bootstrap.py")


def code_digest(root: Path) -> str:
    """Return a digest of the code that decides what bootstrap does."""
    files = sorted(path for pattern in PARTS for path in root.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


class Bootstrap(Component):
    """The bootstrap function, and its invocation. `done` resolves when it has run."""

    def __init__(
        self,
        name: str,
        spec: FunctionSpec,
        code: Code,
        request: dict[str, Input[object]],
        triggers: dict[str, Input[str]],
        after: Sequence[pulumi.Resource],
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        self.function = LoaderFunction(name, spec, code, self.child())
        invocation = lambda_.Invocation(
            name,
            function_name=self.function.function_name,
            input=Output.all(**request).apply(lambda known: json.dumps(known, sort_keys=True)),
            triggers=triggers,
            opts=self.child(depends_on=list(after)),
        )
        self.done = invocation.id
        self.register_outputs({})

"""Run the real Pulumi program in this process and provision its resources in the AWS server.

Pulumi's mocks replace its engine: they pass every resource to `Deployer.new_resource` and return
the result to the program. The program runs unchanged, and none of it is repeated here.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pulumi
from pulumi.runtime import Mocks, mocks, rpc, set_all_config, set_mocks
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import run_pulumi_func

from local_cloud.errors import LocalCloudError
from local_cloud.resources import Context, ProvisioningError, Resource, invokes, provision

PROJECT = "redshift-lake-loader"
PARALLEL = 8
FINISH_SECONDS = 20

Program = Callable[[], None]


class DeploymentError(LocalCloudError):
    """The program failed, or resources could not be provisioned. The message lists every error."""


@dataclass(frozen=True)
class Deployed:
    """One provisioned resource."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    id: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class Deployment:
    """The program's outputs and its resources, sorted by type and logical name."""

    outputs: Mapping[str, Any]
    resources: tuple[Deployed, ...]

    def of_type(self, type_token: str) -> tuple[Deployed, ...]:
        return tuple(resource for resource in self.resources if resource.type == type_token)


Deploy = Callable[[Program, Context, str, Mapping[str, str]], Deployment]
"""What `deploy` does: it runs a program as a stack with this configuration (full keys)."""


@dataclass
class Deployer(Mocks):
    """Replaces Pulumi's engine. Several threads call it at the same time."""

    context: Context
    resources: list[Deployed] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    loops: set[asyncio.AbstractEventLoop] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self._record_loop()
        inputs = plain(args.inputs)
        if args.custom is False:
            return "", {}
        if args.typ.startswith("pulumi:providers:"):
            return args.name, inputs
        if args.resource_id:
            return args.resource_id, inputs
        try:
            created = provision(self.context, Resource(args.typ, args.name, inputs))
        except ProvisioningError as error:
            with self._lock:
                self.errors.append(error)
            raise
        outputs = inputs | created.outputs
        with self._lock:
            self.resources.append(Deployed(args.typ, args.name, inputs, created.id, outputs))
        return created.id, outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        self._record_loop()
        return invokes.answer(self.context, args.token, plain(args.args)), []

    def _record_loop(self) -> None:
        """Record the event loop that Pulumi's mocks open in each thread and never close."""
        with self._lock:
            self.loops.add(asyncio.get_event_loop_policy().get_event_loop())

    def close(self) -> None:
        for loop in self.loops:
            loop.close()


def plain(value: Any) -> Any:
    """Return an input without Pulumi's wrapping.

    Secrets become their values and whole floats integers; None in mappings is dropped.
    """
    value = rpc.unwrap_rpc_secret(value)
    match value:
        case dict():
            return {key: plain(inner) for key, inner in value.items() if inner is not None}
        case list():
            return [plain(inner) for inner in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def deploy(program: Program, context: Context, stack: str, config: Mapping[str, str]) -> Deployment:
    """Run the program.

    `config` has full keys (`project:key`). Raises DeploymentError with every error.
    """
    deployer = Deployer(context)
    try:
        with _quiet_provider():
            outputs = asyncio.run(_run(program, deployer, stack, config))
    except Exception as error:
        errors = deployer.errors or [error]
        raise DeploymentError("\n".join(str(each) or repr(each) for each in errors)) from error
    finally:
        deployer.close()
    return Deployment(
        outputs, tuple(sorted(deployer.resources, key=lambda each: (each.type, each.name)))
    )


async def _run(
    program: Program, deployer: Deployer, stack: str, config: Mapping[str, str]
) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(PARALLEL, thread_name_prefix="deploy"))
    loop.set_exception_handler(lambda _, __: None)  # the deployer has recorded the errors
    # Call set_mocks inside the loop: outside it works only before the first asyncio.run of the
    # process.
    set_mocks(deployer, project=PROJECT, stack=stack, preview=False)
    set_all_config(dict(config))
    try:
        await run_pulumi_func(partial(run_and_settle, program))
    except Exception:
        await _wait_for_other_resources()
        raise
    root = get_root_resource()
    exports: Mapping[str, Any] = getattr(root, "outputs", {})
    return {key: await pulumi.Output.from_input(value).future() for key, value in exports.items()}


async def run_and_settle(program: Program) -> None:
    """Run the program, then wait until every task has ended or one has failed.

    Pulumi's runtime waits for what is left after each task that ends, which is quadratic: it took a
    third of the time. Here it finds nothing left.
    """
    program()
    while others := _other_tasks():
        done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_EXCEPTION)
        if any(task.cancelled() or task.exception() for task in done):
            return


async def _wait_for_other_resources() -> None:
    """Wait for resources that do not depend on the failed one: their errors are reported too."""
    if others := _other_tasks():
        await asyncio.wait(others, timeout=FINISH_SECONDS)


def _other_tasks() -> set[asyncio.Task[Any]]:
    return {each for each in asyncio.all_tasks() if each is not asyncio.current_task()}


def project_program() -> None:
    """Run the project's program as `pulumi up` does."""
    from infra.program import main

    main()


@contextlib.contextmanager
def _quiet_provider() -> Iterator[None]:
    """Ignore the provider's deprecation warnings.

    Importing a service warns about every deprecated name in it, used or not.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
        yield

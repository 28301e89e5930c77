"""A stack under Pulumi's own engine: the program of infra/, the test's provider, a folder as backend."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from pulumi import automation as auto

from infra import lake_loader, program
from infra.bundle import ROOT
from tests.engine import aws
from tests.engine.provider import Provider, serve

PROJECT = "redshift-lake-loader"
PASSPHRASE = "tests"
QUIET = {"same", "read", "read-replacement", "refresh"}
"""The operations that change nothing."""


@dataclass(frozen=True)
class Step:
    """What the engine does, or plans, with one resource."""

    op: str
    type: str
    name: str


@dataclass
class Run:
    """The steps and outputs of one command. `error`: what it said when it failed."""

    steps: list[Step] = field(default_factory=list)
    outputs: Mapping[str, auto.OutputValue] = field(default_factory=dict)
    error: str = ""

    @property
    def changes(self) -> list[Step]:
        """The steps that change a resource of the provider."""
        return [s for s in self.steps if s.op not in QUIET and s.type.startswith("aws:")]

    def ops(self, type_token: str) -> set[str]:
        return {step.op for step in self.changes if step.type == type_token}


@dataclass
class LiveStack:
    """One stack. The settings of `configure` replace the earlier ones."""

    stack: auto.Stack
    provider: Provider

    def configure(self, settings: Mapping[str, Any], **aws_settings: Any) -> None:
        """Write the settings file of the stack. What it had before goes, except the salt of the secrets."""
        file = Path(self.stack.workspace.work_dir) / f"Pulumi.{self.stack.name}.yaml"
        content = yaml.safe_load(file.read_text("utf-8")) if file.exists() else {}
        own = {f"{PROJECT}:{key}": value for key, value in settings.items()}
        provider = {f"aws:{key}": value for key, value in aws_settings.items()}
        content["config"] = {"aws:region": aws.REGION, **provider, **own}
        file.write_text(yaml.safe_dump(content), "utf-8")

    def preview(self) -> Run:
        return self._run(self.stack.preview)

    def up(self, **options: Any) -> Run:
        return self._run(self.stack.up, **options)

    def refresh(self) -> Run:
        return self._run(self.stack.refresh)

    def destroy(self) -> Run:
        """Destroy the stack as the command line does: first a preview, whose refusal ends it."""
        preview = self._run(self.stack.preview_destroy)
        return preview if preview.error else self.destroy_without_preview()

    def destroy_without_preview(self) -> Run:
        """Do what `pulumi destroy --skip-preview` does."""
        return self._run(self.stack.destroy)

    def _run(self, command: Callable[..., Any], **options: Any) -> Run:
        run = Run()

        def record(event: auto.EngineEvent) -> None:
            if event.resource_pre_event is not None:
                step = event.resource_pre_event.metadata
                name = step.urn.split("::", 3)[3]
                run.steps.append(Step(str(step.op.value), step.type, name))
            if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
                run.error += event.diagnostic_event.message

        try:
            result = command(on_event=record, **options)
        except auto.CommandError as error:
            run.error = run.error or str(error)
            return run
        run.outputs = getattr(result, "outputs", {})
        return run

    def state(self) -> auto.Deployment:
        return self.stack.export_stack()

    def forget(self) -> None:
        """Leave the stack without resources, whatever the account has."""
        state = self.state()
        state.deployment["resources"] = []
        self.stack.import_stack(state)

    def restore(self, state: auto.Deployment, account: aws.Account) -> None:
        """Go back to a state of the stack and of the account."""
        self.provider.account = account
        self.stack.import_stack(state)


@dataclass
class Engine:
    """Opens stacks: all in one backend, with one account behind the provider."""

    command: auto.PulumiCommand
    folder: Path
    provider: Provider

    def open(
        self,
        name: str = "dev",
        declare: Callable[[], None] = program.deploy,
        work: Path | None = None,
    ) -> LiveStack:
        """Return a stack of the program. `work`: a folder with a project file and sources of its own."""
        if work is None:
            work = self.folder / f"work-{name}"
            write_work_folder(work)
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        options = auto.LocalWorkspaceOptions(
            work_dir=str(work),
            pulumi_home=str(self.folder / "home"),
            pulumi_command=self.command,
            env_vars={
                "PATH": path,
                "PULUMI_BACKEND_URL": self.backend.as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                # One write of the state at the end of a command, not two for each resource.
                "PULUMI_EXPERIMENTAL": "true",
                "PULUMI_SKIP_CHECKPOINTS": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
        )
        stack = auto.create_or_select_stack(
            stack_name=name, project_name=PROJECT, program=declare, opts=options
        )
        return LiveStack(stack, self.provider)

    @property
    def backend(self) -> Path:
        return self.folder / "backend"


def write_work_folder(work: Path) -> None:
    """Make a folder with the project file and the sources, which the program names relative to it."""
    if work.exists():
        return
    work.mkdir(parents=True)
    (work / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    for package in ("etl_core", "handlers"):
        (work / package).symlink_to(ROOT / package)
    with zipfile.ZipFile(work / "layer.zip", "w") as layer:
        layer.writestr("python/layer.txt", "the layer of the tests")


@contextmanager
def run_engine(command: auto.PulumiCommand, folder: Path) -> Iterator[Engine]:
    """Serve the provider, and run the program without building the layer."""
    for name in ("bin", "home", "backend"):
        (folder / name).mkdir(parents=True)
    patches = (
        mock.patch.object(program, "ensure_layer"),
        mock.patch.object(lake_loader, "LAYER", Path("layer.zip")),
        mock.patch.dict(os.environ, {"PULUMI_ERROR_OUTPUT_STRING": "1"}),
    )
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        with serve(aws.Account(), folder / "bin") as provider, patches[0], patches[1], patches[2]:
            yield Engine(command, folder, provider)
    finally:
        os.chdir(before)


def account_of(state: auto.Deployment, number: str = aws.ACCOUNT) -> aws.Account:
    """Return an account with the resources of a stack's state."""
    account = aws.Account(number)
    for resource in json.loads(json.dumps(state.deployment))["resources"]:
        if resource.get("custom") and resource["type"].startswith("aws:"):
            key = (resource["type"], resource["id"])
            inputs, outputs = resource.get("inputs", {}), resource.get("outputs", {})
            account.entries[key] = aws.Entry(*key, inputs, outputs)
    return account

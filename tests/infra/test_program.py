from pathlib import Path

import pulumi
import pytest

from infra import bundle, program, zones
from infra.code import CA_FILE
from infra.program import main
from tests.infra.conftest import VARIANTS, recorded
from tests.infra.engine import OUTPUTS, REGION, Mode, Stack, run


def texts(value: object):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("variant", VARIANTS)
def test_preview_and_deployment_declare_the_same_resources(variant):
    assert (
        recorded(variant, Mode.PREVIEW).identities() == recorded(variant, Mode.DEPLOY).identities()
    )


def test_the_stack_has_the_outputs_that_users_rely_on(any_stack: Stack):
    assert set(any_stack.outputs) == OUTPUTS


def test_stacks_of_a_version_before_keep_their_resources(any_stack: Stack):
    """Components were at the top of the stack: they keep that as an alias."""
    loader = any_stack.one("redshift-lake-loader:index:LakeLoader")
    top = [r for r in any_stack.resources if r.parent == loader.name and r.name != loader.name]
    components = [r for r in top if r.typ.startswith("redshift-lake-loader:infra:")]
    assert len(components) > 10
    assert all(r.has_root_alias for r in components)


def test_only_the_api_key_is_a_secret_output(any_stack: Stack):
    assert any_stack.secret_outputs == {"api_key"}


def test_every_output_of_a_deployment_is_known(plain: Stack, everything: Stack):
    for stack in (plain, everything):
        assert all(value is not None for value in stack.outputs.values())
    assert plain.outputs["warehouse_port"] == 5439
    assert everything.outputs["warehouse_databases"] == ["dev", "analytics"]
    assert not plain.outputs["api_url"].endswith("/")


def test_no_input_contains_an_unresolved_output(any_stack: Stack):
    for resource in any_stack.resources:
        leaks = [
            text
            for text in texts(resource.inputs)
            if "Calling __str__" in text or "Output object at" in text
        ]
        assert not leaks, (resource.name, leaks)


def test_the_program_sets_no_secret(any_stack: Stack):
    for resource in any_stack.resources:
        assert resource.secret_inputs <= {"adminUsername"}, "pulumi_aws marks this one as a secret"
        passwords = {key for key in resource.inputs if "password" in key.lower()}
        assert passwords <= {"manageAdminPassword", "manageMasterPassword"}


def test_the_provider_of_the_stack_tags_every_resource(any_stack: Stack):
    provider = any_stack.one("pulumi:providers:aws")
    assert provider.inputs["region"] == REGION
    assert provider.json("defaultTags") == {
        "tags": {"project": "redshift-lake-loader", "stack": "dev"}
    }
    others = [r for r in any_stack.resources if r.typ.startswith("aws:")]
    assert others
    assert all(f"{provider.name}::" in r.provider for r in others)


def test_every_key_of_the_aws_provider_reaches_it():
    """Otherwise `up` goes to whatever account the shell is logged in to."""
    given = {
        "aws:profile": "company",
        "aws:allowedAccountIds": '["123456789012"]',
        "aws:assumeRoles": '[{"roleArn": "arn:aws:iam::123456789012:role/deploy"}]',
        "aws:assumeRoleWithWebIdentity": '{"roleArn": "arn:aws:iam::123456789012:role/ci"}',
        "aws:ignoreTags": '{"keyPrefixes": ["company:"]}',
        "aws:defaultTags": '{"tags": {"cost": "42", "stack": "mine"}}',
        "aws:maxRetries": "7",
        "aws:skipMetadataApiCheck": "false",
    }
    provider = run(main, Mode.DEPLOY, config=given).one("pulumi:providers:aws")
    assert provider.inputs["profile"] == "company"
    assert provider.json("allowedAccountIds") == ["123456789012"]
    assert provider.json("assumeRoles") == [{"roleArn": "arn:aws:iam::123456789012:role/deploy"}]
    web = {"roleArn": "arn:aws:iam::123456789012:role/ci"}
    assert provider.json("assumeRoleWithWebIdentity") == web
    assert provider.json("ignoreTags") == {"keyPrefixes": ["company:"]}
    tags = {"project": "redshift-lake-loader", "cost": "42", "stack": "mine"}
    assert provider.json("defaultTags") == {"tags": tags}
    assert provider.json("maxRetries") == 7
    assert provider.json("skipMetadataApiCheck") is False


def test_every_resource_belongs_to_a_component(any_stack: Stack):
    components = {r.name for r in any_stack.resources if r.typ.startswith("redshift-lake-loader:")}
    for resource in any_stack.resources:
        if resource.typ.startswith("aws:"):
            assert resource.parent in components, resource.name


def test_names_with_the_suffix_of_pulumi_fit_every_service():
    for resource in run(main, Mode.DEPLOY, stack="a-stack-with-quite-a-long-name").resources:
        assert len(resource.name) <= 63 or not resource.typ.startswith(
            ("aws:s3/", "aws:iam/role:")
        ), resource.name
        if resource.typ in {
            "aws:s3/bucket:Bucket",
            "aws:iam/role:Role",
            "aws:lambda/function:Function",
        }:
            assert len(resource.name) + 8 <= 63, resource.name


def test_without_protect_data_nothing_is_protected(plain: Stack):
    assert not [r.name for r in plain.resources if r.protect]


def test_protect_data_protects_everything_that_holds_data(everything: Stack):
    protected = {r.typ for r in everything.resources if r.protect}
    assert protected == {
        "aws:s3/bucket:Bucket",
        "aws:dynamodb/table:Table",
        "aws:redshift/cluster:Cluster",
    }


def test_protect_data_protects_the_serverless_namespace():
    stack = run(main, Mode.DEPLOY, config={"protectData": "true"})
    assert stack.one("aws:redshiftserverless/namespace:Namespace").protect
    assert not stack.one("aws:redshiftserverless/workgroup:Workgroup").protect, "it holds no data"


def test_a_certificate_for_the_warehouse_is_packed_and_configured(tmp_path):
    pem = tmp_path / "ca.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    stack = run(main, Mode.DEPLOY, config={"warehouseCaFile": str(pem)})
    function = stack.one("aws:lambda/function:Function", "-load").inputs
    assert function["environment"]["variables"]["WAREHOUSE_CA_FILE"] == CA_FILE
    assert CA_FILE in function["code"].assets


def test_an_invalid_configuration_stops_the_program_with_every_fault():
    with pytest.raises(pulumi.RunError, match=r"2 fault\(s\)(.|\n)*workKeepDay(.|\n)*loadMemoryMb"):
        run(main, Mode.DEPLOY, config={"loadMemoryMb": "1", "workKeepDay": "3"})


def test_an_invalid_ca_file_stops_the_program_with_the_fix():
    with pytest.raises(
        pulumi.RunError,
        match=r"not a PEM file with a certificate.*pulumi config rm warehouseCaFile",
    ):
        run(main, Mode.DEPLOY, config={"warehouseCaFile": "nowhere.pem"})


@pytest.mark.parametrize("state", ["missing", "outdated", "current"])
def test_the_layer_is_built_by_the_program_when_it_is_missing_or_outdated(
    state: str, tmp_path, monkeypatch
):
    def install(_: object, target: Path) -> None:
        target.mkdir()

    monkeypatch.setattr(bundle, "_install", install)
    layer, requirements = tmp_path / "layer.zip", tmp_path / "lambda.txt"
    requirements.write_text("")
    if state != "missing":
        bundle.write_layer(tmp_path / "nothing", layer, b"older")
    if state == "current":
        bundle.write_layer(tmp_path / "nothing", layer, bundle.digest_of(requirements).encode())
    lines: list[str] = []
    bundle.ensure_layer(lines.append, lambda _: None, layer, requirements)
    bundle.check_layer(layer, requirements)
    assert [text[:18] for text in lines] == ([] if state == "current" else ["building layer.zip"])


def test_a_layer_that_cannot_be_built_stops_the_program_with_the_reason(monkeypatch):
    def fails(*_: object) -> None:
        raise bundle.BundleError("pip cannot install the packages of the layer")

    monkeypatch.setattr(program, "ensure_layer", fails)
    with pytest.raises(pulumi.RunError, match="pip cannot install"):
        program.deploy()


@pytest.mark.parametrize("compiled", [True, False])
def test_a_layer_without_compiled_files_is_reported_with_what_it_costs(
    compiled: bool, tmp_path, monkeypatch
):
    layer, requirements = tmp_path / "layer.zip", tmp_path / "lambda.txt"
    requirements.write_text("")
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / ("a.pyc" if compiled else "a.py")).touch()
    bundle.write_layer(packages, layer, bundle.digest_of(requirements).encode())
    warnings: list[str] = []
    bundle.ensure_layer(lambda _: None, warnings.append, layer, requirements)
    assert [("no compiled files" in text, "CPU time" in text) for text in warnings] == (
        [] if compiled else [(True, True)]
    )


def test_a_region_with_too_few_zones_is_refused():
    with pytest.raises(
        pulumi.RunError, match=r"us-west-1 has 2 availability zone.*Choose another region"
    ):
        zones.pick_zones("us-west-1", [["us-west-1a", "us-west-1c"]])


def test_three_zones_are_picked_in_a_stable_order_of_those_that_everything_supports():
    assert zones.pick_zones("x", [["c", "a", "d", "b"]]) == ["a", "b", "c"]
    assert zones.pick_zones("x", [["a", "b", "c", "d"], ["d", "c", "b"]]) == ["b", "c", "d"]
    with pytest.raises(pulumi.RunError, match=r"1 availability zone\(s\) \(b\)"):
        zones.pick_zones("x", [["a", "b"], ["b", "c"]])

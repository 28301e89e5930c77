import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml
from pydantic.alias_generators import to_camel

from infra import settings_page
from infra.stack_settings import ConfigurationError, StackSettings, WarehouseKind, parse_settings

ROOT = Path(__file__).parent.parent.parent
PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())


def as_pulumi_passes_it(value):
    return value if isinstance(value, str) else json.dumps(value)


def test_an_empty_configuration_gives_the_defaults():
    settings = parse_settings({})
    assert settings.databases == ("dev",)
    assert settings.warehouse_kind is WarehouseKind.SERVERLESS
    assert settings.vpc_cidr == IPv4Network("10.42.0.0/16")
    assert settings.warehouse_ca_file is None


def test_the_defaults_are_the_same_as_in_the_project_file():
    defaults = {
        key: as_pulumi_passes_it(spec["default"]) for key, spec in PROJECT["config"].items()
    }
    assert set(defaults) == {to_camel(name) for name in StackSettings.model_fields}
    assert parse_settings(defaults) == parse_settings({})


def test_every_key_of_the_project_file_has_a_type_and_a_description():
    for key, spec in PROJECT["config"].items():
        assert spec["type"] in {"string", "integer", "boolean", "array"}, key
        assert len(spec["description"]) > 20, key


def test_the_settings_page_is_current():
    assert settings_page.PAGE.read_text() == settings_page.render_text(), (
        "run: .venv/bin/python -m infra.settings_page"
    )


def test_the_settings_page_describes_every_key():
    page = settings_page.PAGE.read_text()
    for key, spec in PROJECT["config"].items():
        assert f"| `{key}` | {spec['type']} | " in page
        assert spec["description"] in page


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stack_files_are_valid(stack):
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    own = {
        key.split(":")[1]: as_pulumi_passes_it(value)
        for key, value in config.items()
        if not key.startswith("aws:")
    }
    assert parse_settings(own).protect_data is (stack == "prod")


def test_values_are_parsed_from_text():
    settings = parse_settings(
        {
            "databases": '["dev","sales_eu"]',
            "protectData": "true",
            "loadConcurrency": "7",
            "alarmEmail": " ",
        }
    )
    assert settings.databases == ("dev", "sales_eu")
    assert settings.protect_data is True
    assert settings.load_concurrency == 7
    assert settings.alarm_email is None


ARRAYS = {key for key, spec in PROJECT["config"].items() if spec["type"] == "array"}
FAULTS = [
    ("databases", "dev"),
    ("databases", "[]"),
    ("databases", '["dev", 3]'),
    ("databases", '{"a": "b"}'),
    ("databases", '["Dev"]'),
    ("databases", '["dev","dev"]'),
    ("databases", '["a-b"]'),
    ("databases", '["x; drop database dev"]'),
    ("databases", '["template1"]'),
    ("databases", json.dumps(["a" * 65])),
    ("databases", ""),
    ("databases", "[" * 5000),
    ("tableFilter", "dev.public.orders"),
    ("tableFilter", '["orders"]'),
    ("tableFilter", '["dev.public.Orders"]'),
    ("tableFilter", '["dev.public.orders\\n"]'),
    ("tableFilter", '["dev.public.a,b"]'),
    ("tableFilter", json.dumps([f"dev.public.table_{n:03}" for n in range(60)])),
    ("producers", '["*"]'),
    ("producers", '["12345678901"]'),
    ("producers", '["arn:aws:iam::123456789012:role/*"]'),
    ("producers", '["arn:aws:iam::123456789012:root"]'),
    ("producers", '["arn:aws:sts::123456789012:assumed-role/a/b"]'),
    ("permissionsBoundaryArn", "boundary"),
    ("permissionsBoundaryArn", "arn:aws:iam::123456789012:role/boundary"),
    ("rolePath", "data"),
    ("rolePath", "/data"),
    ("rolePath", "//"),
    ("rolePath", "/a b/"),
    ("rolePath", ""),
    ("rolePath", f"/{'a' * 511}/"),
    ("warehouseKind", "Serverless"),
    ("warehouseBaseCapacity", "12"),
    ("warehouseBaseCapacity", "0"),
    ("warehouseBaseCapacity", "8.5"),
    ("warehouseBaseCapacity", "1" * 5000),
    ("warehouseNodeType", "large"),
    ("warehouseNodeCount", "0"),
    ("warehouseCaFile", "/etc/passwd"),
    ("workKeepDays", "-1"),
    ("quarantineKeepDays", "0"),
    ("logGroupKeepDays", "31"),
    ("loadTimeoutSeconds", "901"),
    ("loadMemoryMb", "64"),
    ("loadConcurrency", "many"),
    ("recordConcurrency", "-1"),
    ("maxParallelLoads", "0"),
    ("maxParallelLoads", "1001"),
    ("apiRateLimit", "nan"),
    ("apiBurstLimit", "0"),
    ("apiCorsOrigin", "dash.example.com"),
    ("apiCorsOrigin", "https://a.example'"),
    ("vpcCidr", "10.42.0.1/16"),
    ("vpcCidr", "8.8.0.0/16"),
    ("vpcCidr", "10.0.0.0/8"),
    ("vpcCidr", "::/64"),
    ("protectData", "maybe"),
    ("alarmEmail", "nobody"),
    ("warehouseBaseCapacity", "520"),
    ("warehouseBaseCapacity", "1016"),
    ("warehouseHost", "https://wg.example"),
    ("warehouseHost", "wg.example:5439"),
    ("warehousePort", "0"),
    ("warehouseLogin", "password"),
    ("warehouseSecretArn", "arn:aws:iam::123456789012:role/x"),
    ("warehouseWorkgroup", "-x"),
    ("copyRoleArn", "copy"),
    ("loaderUser", "Lake Loader"),
    ("loaderUser", ""),
    ("readerRole", 'x"; DROP'),
    ("allowedCidrs", '["0.0.0.0/0"]'),
    ("allowedCidrs", '["10.0.0.1/8"]'),
    ("allowedSecurityGroups", '["default"]'),
    ("network", "mine"),
    ("vpcId", "vpc-1; x"),
    ("subnetIds", "subnet-0123456789abcdef0"),
    ("securityGroupIds", '["sg-x"]'),
    ("zones", '["eu-central-1"]'),
    ("snapshotKeepDays", "36"),
    ("finalSnapshot", "maybe"),
]


@pytest.mark.parametrize(("key", "value"), FAULTS)
def test_an_invalid_value_is_reported_with_its_rule_and_the_fix(key, value):
    with pytest.raises(ConfigurationError) as caught:
        parse_settings({key: value})
    message = str(caught.value)
    assert f"- {key} is {value[:20]!r}"[:-1] in message
    assert "it must be " in message
    path = f"--path '{key}[0]'" if key in ARRAYS else key
    assert f"pulumi config set {path} " in message
    assert len(message) < 1000


def test_all_faults_are_reported_at_once():
    with pytest.raises(ConfigurationError, match=r"3 fault\(s\)") as caught:
        parse_settings({"loadMemoryMb": "1", "vpcCidr": "x", "wharehouseKind": "serverless"})
    assert str(caught.value).count("\n- ") == 3


def test_a_misspelled_key_is_a_fault_and_the_message_suggests_the_nearest_key():
    with pytest.raises(ConfigurationError, match="did you mean warehouseKind"):
        parse_settings({"wharehouseKind": "provisioned"})


def test_the_message_for_an_unknown_key_lists_the_known_keys():
    with pytest.raises(ConfigurationError, match="known keys: alarmEmail, "):
        parse_settings({"zzz": "1"})

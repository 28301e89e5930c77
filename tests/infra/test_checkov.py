"""checkov over the resource graph, with a list of exceptions, each with its reason.

It has an environment of its own, because it pins an old boto3. Without it the test is skipped:
`python3 -m venv .cache/checkov && .cache/checkov/bin/pip install checkov==3.3.30`, or the variable CHECKOV.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.infra.conftest import recorded
from tests.infra.engine import Mode
from tests.infra.terraform_plan import render_plan, terraform_type

ROOT = Path(__file__).parents[2]

WITH_KEY = "an option: kmsKeyArn. Without it AWS's own key encrypts"
NO_TRACES = "X-Ray is not used: the log of an upload has its attempts, times and errors"
API = "the API reads a log; its data are as new as the request"

EXCEPTIONS = {
    "CKV2_AWS_4": "the access log has every request (apiAccessLog); execution logs would repeat the function's",
    "CKV2_AWS_5": "they are attached to functions, endpoints and the warehouse; a plan shows that only in ids",
    "CKV2_AWS_51": "requests have an API key; client certificates belong to a domain of the company's own",
    "CKV2_AWS_53": "the function validates every parameter and names the wrong one",
    "CKV2_AWS_57": "bootstrap sets the loader's password again at any time; the administrator's rotates",
    "CKV2_AWS_62": "the work bucket holds files of the pipeline only",
    "CKV_AWS_18": "a setting of the account: CloudTrail's data events name who read and wrote objects",
    "CKV_AWS_21": "the work bucket holds files that expire; the lake is versioned",
    "CKV_AWS_28": "leases are short; without the table, loads wait in the warehouse",
    "CKV_AWS_50": NO_TRACES,
    "CKV_AWS_59": "the page and /health hold no data",
    "CKV_AWS_71": "the audit log of a cluster is its administrator's decision",
    "CKV_AWS_73": NO_TRACES,
    "CKV_AWS_115": "maxParallelLoads limits loads; AWS refuses reservations in small accounts",
    "CKV_AWS_116": "the state machine, or Lambda's retries with an alarm, handle what a function fails at",
    "CKV_AWS_117": "these functions do not use the warehouse; the private network has no way to their services",
    "CKV_AWS_119": WITH_KEY,
    "CKV_AWS_120": API,
    "CKV_AWS_142": WITH_KEY,
    "CKV_AWS_144": "a copy in another region is the company's decision",
    "CKV_AWS_145": WITH_KEY,
    "CKV_AWS_149": WITH_KEY,
    "CKV_AWS_158": WITH_KEY,
    "CKV_AWS_173": "the variables hold names, no secret; AWS's own key encrypts them",
    "CKV_AWS_225": API,
    "CKV_AWS_272": "the code comes from the program that deploys it; signing needs a profile of the company's own",
    "CKV_AWS_284": NO_TRACES,
    "CKV_AWS_285": "errors are logged, without the data of uploads",
    "CKV_AWS_290": "network interfaces of Lambda, and the logs of every API, have no narrower resource",
    "CKV_AWS_297": "the schedule's input names a request, no data",
    "CKV_AWS_355": "the role of the account with which API Gateway logs serves every API",
}
"""Why a check may fail, by its id."""


def program() -> str | None:
    """Return the path of checkov, None if there is none."""
    own = ROOT / ".cache" / "checkov" / "bin" / "checkov"
    given = os.environ.get("CHECKOV") or (str(own) if own.exists() else None)
    return given or shutil.which("checkov")


@cache
def failed(folder: Path) -> dict[str, set[str]]:
    """Run checkov once; return the resources that fail, by check: `everything/aws_s3_bucket.x`."""
    for variant in ("everything", "iam"):
        (folder / variant).mkdir()
        plan = json.dumps(render_plan(recorded(variant, Mode.DEPLOY)))
        (folder / variant / "tfplan.json").write_text(plan)
    done = subprocess.run(
        [str(program()), "-d", str(folder), "--framework", "terraform_plan", "--skip-download",
         "--compact", "--quiet", "-o", "json"],
        capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0, done.stderr
    assert report["summary"]["passed"] > 500, "it has read the plans"
    found: dict[str, set[str]] = {}
    for each in report["results"]["failed_checks"]:
        variant = Path(each["file_path"]).parts[1]
        found.setdefault(each["check_id"], set()).add(f"{variant}/{each['resource']}")
    return found


needs_checkov = pytest.mark.skipif(program() is None, reason="checkov is not installed")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    return failed(tmp_path_factory.mktemp("checkov"))


@needs_checkov
def test_no_check_fails_without_a_reason(found: dict[str, set[str]]):
    assert {check: names for check, names in found.items() if check not in EXCEPTIONS} == {}


@needs_checkov
def test_no_exception_is_left_that_nothing_needs(found: dict[str, set[str]]):
    assert EXCEPTIONS.keys() - found.keys() == set()


@needs_checkov
def test_with_a_customers_key_no_check_for_one_fails(found: dict[str, set[str]]):
    about_keys = [check for check, reason in EXCEPTIONS.items() if reason == WITH_KEY]
    assert [name for check in about_keys for name in found[check] if name.startswith("iam/")] == []


@needs_checkov
def test_only_two_roles_have_wide_write_permissions_beside_network_interfaces(
    found: dict[str, set[str]],
):
    wide = {name.rpartition("redshift-lake-loader-dev-")[2] for name in found["CKV_AWS_290"]}
    assert wide == {"api-logs", "bootstrap-role", "load-role", "tables-role"}
    assert {name.rpartition("-dev-")[2] for name in found["CKV_AWS_355"]} == {"api-logs"}


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("aws:s3/bucketPolicy:BucketPolicy", "aws_s3_bucket_policy"),
        ("aws:apigateway/restApi:RestApi", "aws_api_gateway_rest_api"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "aws_vpc_endpoint"),
    ],
)
def test_a_type_has_its_name_in_terraform(token: str, kind: str):
    assert terraform_type(token) == kind

"""`etl doctor --before` simulates a right for every type of resource that the program creates."""

from __future__ import annotations

import pytest

from etl_cli.doctor.account_checks import ROLES_OF_A_STACK
from etl_cli.doctor.deployer_rights import RIGHTS, rights_of
from infra.stack_settings import parse_settings
from tests.infra.conftest import VARIANTS, recorded
from tests.infra.engine import Mode


def custom_types(variant: str) -> set[str]:
    """Return the types of the resources of AWS."""
    resources = recorded(variant, Mode.DEPLOY).resources
    return {each.typ for each in resources if each.typ.startswith("aws:")}


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_type_that_the_program_creates_has_its_rights(variant: str) -> None:
    simulated = set(rights_of(parse_settings(VARIANTS[variant])))
    missing = {typ for typ in custom_types(variant) if RIGHTS.get(typ) not in simulated}
    assert missing == set()


def test_no_type_is_listed_that_the_program_does_not_create() -> None:
    assert RIGHTS.keys() - set.union(*map(custom_types, VARIANTS)) == set()


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_stack_has_more_roles_than_the_quota_check_counts(variant: str) -> None:
    assert len(recorded(variant, Mode.DEPLOY).of("aws:iam/role:Role")) <= ROLES_OF_A_STACK

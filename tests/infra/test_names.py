import pytest

from infra.names import MAX_PREFIX, Names, prefix_of


@pytest.mark.parametrize(
    ("project", "stack", "prefix"),
    [
        ("redshift-lake-loader", "dev", "redshift-lake-loader-dev"),
        ("redshift-lake-loader", "prod", "redshift-lake-loader-prod"),
    ],
)
def test_a_valid_name_is_unchanged(project, stack, prefix):
    assert prefix_of(project, stack) == prefix


@pytest.mark.parametrize("stack", ["Dev", "dev_1", "a" * 100, "1" * 40, "---", "ümlaut", "dev.eu"])
def test_an_invalid_name_becomes_valid_and_stays_distinct(stack):
    prefix = prefix_of("redshift-lake-loader", stack)
    assert len(prefix) <= MAX_PREFIX
    assert prefix.replace("-", "").isalnum()
    assert prefix.isascii()
    assert prefix == prefix.lower()
    assert prefix != prefix_of("redshift-lake-loader", stack.lower() + "x")


def test_names_that_differ_only_in_case_stay_distinct():
    assert prefix_of("loader", "Dev") != prefix_of("loader", "dev")


def test_a_name_that_begins_with_a_digit_gets_a_letter():
    assert prefix_of("2026-loader", "dev")[0].isalpha()


def test_component_names_and_tags_include_project_and_stack():
    names = Names("loader", "dev")
    assert names.of("lake") == "loader-dev-lake"
    assert names.tags == {"project": "loader", "stack": "dev"}

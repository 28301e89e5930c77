"""Uploads from events: from AWS, from the local cloud, malformed; upload ids and arrival order."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.errors import InvalidArrivalError, InvalidEventError
from etl_core.model.times import format_utc_time, parse_utc_time
from etl_core.model.upload import Upload
from tests.builders import EVENTS, NOON, an_event, an_upload


def captured(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def test_the_key_of_an_aws_event_is_not_decoded() -> None:
    upload = Upload.from_event(captured("object_created_aws.json"))

    assert upload == Upload(
        bucket="amzn-s3-demo-bucket1",
        key="dev/append/user_data/2021-11-12T00:00:00+01:00 report%20é.csv",
        version_id="IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        etag="b1946ac92492d2347c6235b4d2611184",
        size=5,
        sequencer="617f08299329d189",
        landed_at=datetime(2021, 11, 12, tzinfo=UTC),
    )


def test_an_event_of_the_local_cloud_with_milliseconds_and_no_version_is_parsed() -> None:
    upload = Upload.from_event(captured("object_created_local.json"))

    assert upload.landed_timestamp == "2026-11-22T20:54:35Z"
    assert upload.version_id is None
    assert upload.sequencer == "00000660E3AEE86972"


@pytest.mark.parametrize(
    ("time", "landed"),
    [
        ("2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"),
        ("2026-11-22T12:00:00.999Z", "2026-11-22T12:00:00Z"),
        ("2026-11-22T14:00:00+02:00", "2026-11-22T12:00:00Z"),
        ("2026-11-22T12:00:00", "2026-11-22T12:00:00Z"),
    ],
)
def test_landed_at_is_utc_to_the_second(time: str, landed: str) -> None:
    assert Upload.from_event(an_event(time=time)).landed_timestamp == landed


@pytest.mark.parametrize("size", [None, "10", True, -1, 1.5, 10**40])
def test_an_invalid_size_is_unknown(size: object) -> None:
    assert Upload.from_event(an_event(size=size)).size is None


@pytest.mark.parametrize("version", [None, "", "null"])
def test_an_object_without_versions_has_no_version_id(version: str | None) -> None:
    assert Upload.from_event(an_event(**{"version-id": version})).version_id is None


def test_an_etag_loses_its_quotes() -> None:
    assert Upload.from_event(an_event(etag='"abc-2"')).etag == "abc-2"


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"detail": None},
        {"detail": []},
        {"detail": {"bucket": {"name": "b"}}},
        an_event(key=""),
        an_event(key=5),  # type: ignore[arg-type]
        an_event("dev/append/t/\ud800.csv"),
        an_event(etag=None),
        an_event(sequencer=7),
        an_event(**{"version-id": ["v"]}),
        an_event(time="yesterday"),
        an_event(time=""),
        an_event(time="9999-12-31T23:59:59-23:59"),
        an_event(time="0001-01-01T00:00:00+01:00"),
        an_event(time=5),  # type: ignore[arg-type]
    ],
)
def test_a_malformed_event_is_refused_with_the_field(event: Any) -> None:
    with pytest.raises(InvalidEventError, match="the event"):
        Upload.from_event(event)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
_PATHS = [(), ("detail",), ("detail", "bucket"), ("detail", "bucket", "name"), ("time",)] + [
    ("detail", "object", name) for name in ("key", "size", "etag", "version-id", "sequencer")
]


@given(st.sampled_from(_PATHS), _JSON)
def test_any_json_in_any_field_is_an_upload_or_an_invalid_event(
    path: tuple[str, ...], value: Any
) -> None:
    event: Any = copy.deepcopy(an_event())
    if path:
        parent = event
        for name in path[:-1]:
            parent = parent[name]
        parent[path[-1]] = value
    else:
        event = value
    try:
        upload = Upload.from_event(event)
    except InvalidEventError:
        return
    assert len(upload.upload_id) == 32
    assert upload.landed_key.startswith(upload.landed_timestamp)


def test_each_delivery_of_a_version_has_the_same_id() -> None:
    second = an_event(time="2026-11-22T12:00:05Z") | {"id": "another delivery"}

    assert Upload.from_event(second).upload_id == Upload.from_event(an_event()).upload_id


@pytest.mark.parametrize(
    "other",
    [
        {"key": "dev/append/t/b.csv"},
        {"bucket": "another"},
        {"version_id": "v2"},
        {"version_id": None},
    ],
)
def test_another_version_key_or_bucket_is_another_upload(other: dict[str, Any]) -> None:
    assert an_upload(**other).upload_id != an_upload().upload_id


def test_without_a_version_id_each_write_is_another_upload() -> None:
    first, second = (an_upload(version_id=None, sequencer=number) for number in ("01", "02"))

    assert first.upload_id != second.upload_id


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"sequencer": "0055"}, {"sequencer": "0056"}),
        ({"sequencer": "0055"}, {"sequencer": "00551"}),
        ({"sequencer": "00559"}, {"sequencer": "0056"}),
        ({"key": "dev/append/t/a.csv"}, {"key": "dev/append/t/b.csv"}),
        ({"sequencer": "ff"}, {"sequencer": "00", "landed_at": NOON.replace(second=1)}),
    ],
)
def test_arrival_order_is_time_then_sequencer_then_key(
    earlier: dict[str, Any], later: dict[str, Any]
) -> None:
    assert an_upload(**earlier).order < an_upload(**later).order


_HEX = st.text("0123456789ABCDEF", min_size=1, max_size=20)


@given(_HEX, _HEX)
def test_the_sort_key_of_the_log_follows_arrival_order(first: str, second: str) -> None:
    one, other = an_upload(sequencer=first), an_upload(sequencer=second)
    if one.order < other.order:
        assert one.landed_key < other.landed_key


@pytest.mark.parametrize("name", ["etag", "sequencer", "version-id"])
@pytest.mark.parametrize("character", ["\0", "\n", "\x1b", "\x7f", "\x9b"])
def test_a_control_character_in_another_field_than_the_key_is_no_event_of_s3(
    name: str, character: str
) -> None:
    event = an_event()
    event["detail"]["object"][name] = f"a{character}b"
    with pytest.raises(InvalidEventError, match="control characters"):
        Upload.from_event(event)


def test_a_key_with_a_control_character_is_an_upload_so_that_it_can_be_rejected_by_name() -> None:
    event = an_event()
    event["detail"]["object"]["key"] = "dev/append/t/a\0.csv"
    assert Upload.from_event(event).key == "dev/append/t/a\0.csv"


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00Z",
        "2005-12-31T23:59:59Z",
        "2026-11-23T12:00:01Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_time_at_which_nothing_can_have_arrived_is_refused(time: str) -> None:
    upload = Upload.from_event(an_event(time=time))
    assert upload.landed_timestamp == time
    with pytest.raises(InvalidArrivalError, match=time):
        upload.check_arrival(NOON)


@pytest.mark.parametrize("time", ["2006-01-01T00:00:00Z", "2026-11-23T12:00:00Z"])
def test_a_possible_arrival_is_accepted(time: str) -> None:
    Upload.from_event(an_event(time=time)).check_arrival(NOON)


@given(st.datetimes(), st.datetimes())
def test_times_sort_as_their_texts_and_are_parsed_back(one: datetime, other: datetime) -> None:
    first, second = (time.replace(microsecond=0, tzinfo=UTC) for time in (one, other))
    assert (format_utc_time(first) < format_utc_time(second)) == (first < second)
    assert parse_utc_time(format_utc_time(first)) == first

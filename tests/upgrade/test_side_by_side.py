"""Old and new functions run side by side during a deployment: they lose and double nothing.

The old functions' part is their own SQL, as it was recorded: LOCK, SELECT and INSERT with their
column lists.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from etl_core.model.times import format_utc_time
from tests.upgrade.conftest import Restore
from tests.upgrade.old_load import OLD_ACTIONS, OLD_STATUSES, OldLoad
from tests.upgrade.restored import Restored

TABLES = ("appends", "truncates", "odd")


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest, restore: Restore) -> Restored:
    """Return a restored table that today's functions have loaded once."""
    restored = restore(request.param)
    assert restored.drop("append", "migrates.csv", _row(restored, 100)) == "loaded"
    return restored


def _row(table: Restored, number: int) -> str:
    columns = table.fixture.raw["target"]["columns"]
    return f"{','.join(columns)}\n{number}{',' * (len(columns) - 1)}\n"


def _ids(table: Restored) -> Counter[Any]:
    return Counter(row[0] for row in table.rows().elements())


def test_an_old_load_reads_what_new_loads_wrote(table: Restored) -> None:
    with table.connection() as connection:
        rows = OldLoad(table, connection).read()
    written = [row for row in rows if row["s3_key"].endswith("/migrates.csv")]
    assert [row["rows_loaded"] for row in written] == [1]
    for row in rows:
        assert row["action"] in OLD_ACTIONS
        assert row["status"] in OLD_STATUSES
        assert isinstance(row["landed_at"], datetime)
        assert len(row) == 10


def test_an_upload_that_an_old_load_took_is_a_duplicate_for_a_new_one(table: Restored) -> None:
    event = table.put("append", "by_old.csv", _row(table, 200))
    with table.connection() as connection:
        OldLoad(table, connection).load(event, 200)
    before = _ids(table)
    assert table.run(event) == "loaded"
    assert _ids(table) == before
    assert before[200] == 1


def test_an_upload_that_a_new_load_took_is_known_to_an_old_one(table: Restored) -> None:
    event = table.put("append", "by_new.csv", _row(table, 300))
    assert table.run(event) == "loaded"
    with table.connection() as connection:
        assert OldLoad(table, connection).is_duplicate(event)


def test_old_and_new_loads_alternate(table: Restored) -> None:
    expected = _ids(table)
    for number in range(400, 406):
        event = table.put("append", f"{number}.csv", _row(table, number))
        if number % 2:
            assert table.run(event) == "loaded"
        else:
            with table.connection() as connection:
                OldLoad(table, connection).load(event, number)
        expected[number] += 1
        assert _ids(table) == expected
    assert len({row["upload_id"] for row in table.ledger_rows()}) == len(table.ledger_rows())


def test_a_late_truncate_loads_the_appends_of_an_old_load_again(table: Restored) -> None:
    truncate = table.put("truncate", "late.csv", _row(table, 500))
    append = table.put("append", "after.csv", _row(table, 501))
    with table.connection() as connection:
        OldLoad(table, connection).load(append, 501)
    assert table.run(truncate) == "loaded"
    assert _ids(table) == Counter([500, 501])


def test_a_new_load_waits_for_an_old_one_and_sees_its_row(restore: Restore) -> None:
    """The old load holds the lock of a ledger that no new load has touched yet."""
    table = restore("appends")
    event = table.put("append", "both.csv", _row(table, 600))
    statuses: list[str] = []
    with table.connection() as connection:
        old = OldLoad(table, connection)
        old.begin()
        new_load = threading.Thread(target=lambda: statuses.append(table.run(event)))
        new_load.start()
        new_load.join(1.0)
        assert new_load.is_alive(), "the new load did not wait for the lock"
        old.insert(event, 600)
        connection.commit()
        new_load.join(30.0)
    assert statuses == ["loaded"]
    assert _ids(table)[600] == 1


def test_an_old_load_waits_for_the_first_new_one_and_sees_its_row(restore: Restore) -> None:
    """The first new load may migrate the ledger while an old load waits for the lock."""
    table = restore("appends")
    first = table.put("append", "first.csv", _row(table, 700))
    holder_has_lock, release = threading.Event(), threading.Event()
    found: list[bool] = []

    def wait_like_an_old_load() -> None:
        with table.connection() as connection:
            old = OldLoad(table, connection)
            holder_has_lock.wait(30.0)
            old.begin()
            found.append(old.is_duplicate(first))
            connection.rollback()
            release.set()

    thread = threading.Thread(target=wait_like_an_old_load)
    with table.connection() as connection:
        blocker = OldLoad(table, connection)
        blocker.begin()
        new_load = threading.Thread(target=lambda: table.run(first))
        new_load.start()
        new_load.join(1.0)
        holder_has_lock.set()
        thread.start()
        thread.join(0.5)
        connection.rollback()
    new_load.join(30.0)
    thread.join(30.0)
    assert release.is_set()
    assert _ids(table)[700] == 1
    with table.connection() as connection:
        assert OldLoad(table, connection).is_duplicate(first)


def test_an_upload_that_the_old_record_function_received_joins_a_micro_batch(
    restore: Restore,
) -> None:
    table = restore("batch")
    waiting = table.put("append", "waiting.csv", _row(table, 801))
    table.write_old_received_entry(waiting, format_utc_time(datetime.now(UTC)))
    assert table.drop("append", "loads.csv", _row(table, 802)) == "loaded"
    assert _ids(table)[801] == 1, "the pending upload was not taken along"
    assert table.run(waiting) == "loaded"
    assert (_ids(table)[801], _ids(table)[802]) == (1, 1)


def test_the_old_state_machine_gets_a_final_answer_after_its_last_retry(restore: Restore) -> None:
    """The old machine has used up its retries; the record function must not ask it to wait."""
    table = restore("appends")
    for error, status in (("SchemaNotReadyError", "rejected"), ("LockConflictError", "failed")):
        event = table.put("append", f"{uuid.uuid4()}.csv", _row(table, 900))
        receipt = table.receive(event)
        assert set(receipt) >= {"upload_id", "is_new"}
        answer = table.finish(event, {"failure": {"Error": error, "Cause": "given up"}})
        assert answer["status"] == status
        assert answer["succeeded"] is False
        assert answer["error"] == error
        [entry] = [
            each for each in table.entries() if each["s3_key"] == event["detail"]["object"]["key"]
        ]
        assert entry["status"] == status

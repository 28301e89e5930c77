"""The mapping of the driver's errors."""

from __future__ import annotations

import psycopg2
import pytest

from etl_core.adapters.redshift import to_etl_error
from etl_core.model.errors import (
    ConnectionLostError,
    CopyRefusedError,
    EtlError,
    LoadFailedError,
    LockConflictError,
    MissingTableError,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Cannot COPY into nonexistent table user_data", MissingTableError),
        ('relation "etl_ledger.public__user_data" does not exist', MissingTableError),
        ('FATAL:  database "analytics" does not exist', LoadFailedError),
        (
            "Load into table 'user_data' failed.  Check 'sys_load_error_detail' system table for details.",
            CopyRefusedError,
        ),
        ("could not open relation with OID 12345", LockConflictError),
        ("1023 DETAIL: Serializable isolation violation on table", LockConflictError),
        ("server closed the connection unexpectedly", ConnectionLostError),
        (
            'could not translate host name "wh" to address: Name or service not known',
            ConnectionLostError,
        ),
        ('column "v" of relation "user_data" is of another type', LoadFailedError),
    ],
)
def test_an_error_without_a_specific_sqlstate_is_recognised_by_its_text(
    text: str, kind: type[EtlError]
) -> None:
    assert type(to_etl_error(psycopg2.Error(text))) is kind

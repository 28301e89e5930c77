"""Every word that Redshift reserves works as a column name, in every statement of a plan and in every parser of SQL."""

from __future__ import annotations

from etl_core.model.names import SYSTEM_COLUMNS
from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.plan import make_plan
from etl_core.schema_files.tables import table_of_schema_file
from tests.builders import TABLE, a_column, a_spec
from tests.etl_core.live import LiveTable

_TEXT = """
aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary
blanksasnull both bytedict bzip2 case cast check collate column connect constraint create credentials cross
current_date current_time current_timestamp current_user current_user_id default deferrable deflate defrag delta
delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end except explicit false for
foreign freeze from full globaldict256 globaldict64k grant group gzip having identity ignore ilike in initially inner
intersect interval into is isnull join language leading left like limit localtime localtimestamp lun luns lzo lzop
minus mostly16 mostly32 mostly8 natural new not notnull null nulls off offline offset old on only open or order outer
overlaps parallel partition percent permissions pivot placing primary raw readratio recover references rejectlog
resort respect restore right select session_user similar snapshot some start sysdate system table tag tdes text255
text32k then timestamp to top trailing true truncatecolumns union unique unnest unpivot user using verbose wallet when
where with without
"""
WORDS = _TEXT.split()
"""Database developer guide, "Reserved words", without OID, which is a system column."""


def test_tables_with_reserved_words_as_columns_are_created_and_changed(live: LiveTable) -> None:
    before = a_spec(*(a_column(word, "VARCHAR(8)", description="x") for word in WORDS[::2]))
    after = a_spec(
        *(a_column(word, "VARCHAR(9)", description="x") for word in WORDS[::2]),
        *(a_column(word) for word in WORDS[1::2]),
    )

    actual = live.create(table_of_schema_file(before, TABLE))
    desired = table_of_schema_file(after, TABLE)
    error = live.apply(make_plan(actual, desired, ()))

    assert error is None
    assert diff(live.read(), desired) == ()
    assert not SYSTEM_COLUMNS & set(WORDS)

"""Calls redshift_connector, Amazon's driver for Python: metadata, parameters, pandas."""

import csv
import pathlib
import sys
import warnings

import pandas
import redshift_connector
from calls import Calls, Target

warnings.simplefilter("ignore")
target, calls = Target(), Calls()
session = redshift_connector.connect(**target.login, ssl=False)
session.autocommit = True
cursor = session.cursor()
for statement in (
    "create schema sales",
    "create table sales.orders (id bigint identity(1, 1) primary key, region varchar(20) not null,"
    " price numeric(12, 2) default 0, placed timestamp, document super, bytes varbyte(4))"
    " distkey(region) sortkey(id)",
    "create view sales.totals as select region, sum(price) as price from sales.orders group by 1",
    "create procedure sales.clean(days integer) as $$ begin raise info 'days: %', days; end; $$"
    " language plpgsql",
):
    cursor.execute(statement)


def picked(rows: object, *places: int) -> list[list[object]]:
    """Return some columns of the rows."""
    return [[row[place] for place in places] for row in rows]


def fetched(sql: str, *values: object) -> object:
    """Run a statement with parameters and return its rows."""
    cursor.execute(sql, values)
    return cursor.fetchall()


show = calls.show
show("get_tables", lambda: picked(cursor.get_tables(schema_pattern="sales"), 1, 2, 3))
show(
    "get_columns",
    lambda: picked(
        cursor.get_columns(schema_pattern="sales", tablename_pattern="orders"), 3, 5, 6, 17
    ),
)
show(
    "get_primary_keys",
    lambda: picked(cursor.get_primary_keys(schema="sales", table="orders"), 3, 4),
)
show("get_schemas", lambda: sorted(picked(cursor.get_schemas(), 0)))
show("get_catalogs", lambda: picked(cursor.get_catalogs(), 0))
show("get_procedures", lambda: picked(cursor.get_procedures(schema_pattern="sales"), 1, 2))
show(
    "insert",
    lambda: (
        cursor.execute(
            "insert into sales.orders (region, price, placed, document, bytes)"
            " values (%s, %s, %s, json_parse(%s), %s::varbyte)",
            ("süd\\'", 12.5, "2026-02-03 04:05:06", '{"a": [1, 2]}', "ab"),
        ).rowcount
    ),
)
show(
    "executemany",
    lambda: (
        cursor.executemany(
            "insert into sales.orders (region, price) values (%s, %s)", [("a", 1), ("b", None)]
        ).rowcount
    ),
)
show(
    "select",
    lambda: fetched(
        "select region, price, placed, document, bytes from sales.orders where price > %s order by id",
        2,
    ),
)
show("description", lambda: [column[:2] for column in cursor.description])
show("super", lambda: fetched("select document.a[1] from sales.orders where price > 2"))
show(
    "fetch_dataframe",
    lambda: (
        cursor.execute("select region, price from sales.orders order by id"),
        cursor.fetch_dataframe(),
    )[1].to_dict("list"),
)
show(
    "write_dataframe",
    lambda: (
        cursor.write_dataframe(
            pandas.DataFrame({"region": ["c"], "price": [3]})[["region", "price"]], "sales.copy"
        )
        if fetched("select 1")
        and cursor.execute("create table sales.copy (region varchar(20), price integer)")
        else None,
        fetched("select region, price from sales.copy"),
    )[1],
)


def bulk() -> object:
    """Insert a CSV file with several rows per statement."""
    file = pathlib.Path(sys.argv[1]) / "rows.csv"
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows([["region", "price"], ["x", "7"], ["y", "8"], ["z", "9"]])
    cursor.insert_data_bulk(
        filename=str(file),
        table_name="sales.copy",
        parameter_indices=[0, 1],
        column_names=["region", "price"],
        delimiter=",",
        batch_size=2,
    )
    return fetched("select count(*), sum(price) from sales.copy")


show("insert_data_bulk", bulk)
show("call", lambda: cursor.execute("call sales.clean(3)").rowcount)
show("refused", lambda: fetched("create index i on sales.orders (id)"))
session.autocommit = False
show(
    "rollback",
    lambda: (
        fetched("select count(*) from sales.copy"),
        cursor.execute("delete from sales.copy"),
        session.rollback(),
        fetched("select count(*) from sales.copy"),
    )[-1],
)
session.rollback()
redshift_connector.paramstyle = "named"
show(
    "named parameters",
    lambda: (
        session.cursor().execute("select :a::integer + :b::integer", {"a": 1, "b": 2}).fetchone()
    ),
)
session.close()
calls.finish()

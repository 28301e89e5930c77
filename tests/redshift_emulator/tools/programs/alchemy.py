"""Reflects a schema with SQLAlchemy and sqlalchemy-redshift, over TLS with verification."""

import sqlalchemy
from calls import Calls, Target

target, calls = Target(), Calls()
url = sqlalchemy.URL.create(
    "redshift+psycopg2",
    target.user,
    target.password,
    target.host,
    target.port,
    target.database,
)
engine = sqlalchemy.create_engine(
    url, connect_args={"sslmode": "verify-full", "sslrootcert": target.ca_file}
)
with engine.begin() as connection:
    for statement in (
        "create schema shop",
        "create table shop.customers (id bigint identity(1, 1), name varchar(30) not null encode zstd,"
        " primary key (id)) diststyle all",
        "create table shop.orders (id integer, customer bigint references shop.customers (id),"
        "price numeric(12, 2) default 0, placed timestamptz, document super, ok boolean, unique (id))"
        " distkey(customer) sortkey(placed, id)",
        "create view shop.totals as select customer, sum(price) as price from shop.orders group by 1",
        "create view shop.late as select name from shop.customers with no schema binding",
        "comment on table shop.orders is 'what was ordered'",
    ):
        connection.exec_driver_sql(statement)
inspector = sqlalchemy.inspect(engine)
show = calls.show
show("get_schema_names", inspector.get_schema_names)
show("get_table_names", lambda: inspector.get_table_names("shop"))
show("get_view_names", lambda: inspector.get_view_names("shop"))
for table in ("customers", "orders", "totals", "late"):
    show(
        f"get_columns {table}",
        lambda table=table: [
            (column["name"], str(column["type"]), column["nullable"], column["default"])
            for column in inspector.get_columns(table, "shop")
        ],
    )
show("get_pk_constraint", lambda: inspector.get_pk_constraint("customers", "shop"))
show("get_foreign_keys", lambda: inspector.get_foreign_keys("orders", "shop"))
show("get_unique_constraints", lambda: inspector.get_unique_constraints("orders", "shop"))
show("get_indexes", lambda: inspector.get_indexes("orders", "shop"))
show("get_table_options", lambda: inspector.get_table_options("orders", schema="shop"))
show("get_view_definition", lambda: inspector.get_view_definition("totals", "shop"))
show(
    "has_table",
    lambda: (inspector.has_table("orders", "shop"), inspector.has_table("nothing", "shop")),
)


def reflected() -> object:
    """Reflect two tables and create them again in another schema."""
    metadata, copied = sqlalchemy.MetaData(), sqlalchemy.MetaData()
    for name in ("customers", "orders"):
        table = sqlalchemy.Table(name, metadata, schema="shop", autoload_with=engine)
        table.to_metadata(copied, schema="copied")
    with engine.begin() as session:
        session.exec_driver_sql("create schema copied")
        copied.create_all(session, checkfirst=False)
        orders = copied.tables["copied.orders"]
        session.execute(orders.insert(), [{"id": 1, "ok": True}, {"id": 2, "ok": False}])
        columns = sqlalchemy.select(orders.c.id, orders.c.price, orders.c.ok)
        return session.execute(columns.order_by(orders.c.id)).all()


show("Table and create_all", reflected)
# SQLAlchemy 2 reads pg_class.relpersistence, a column that Redshift does not have.
show("MetaData.reflect", lambda: sqlalchemy.MetaData().reflect(engine, schema="shop"))
calls.finish()

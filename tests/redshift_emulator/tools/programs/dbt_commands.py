"""Runs dbt's commands on a project. Argument: the folder of the project, in which it also works."""

import json
import os
import pathlib
import sys
import warnings

import redshift_connector
from calls import Calls, Target
from dbt.cli.main import dbtRunner

warnings.simplefilter("ignore")
target, calls, runner = Target(), Calls(), dbtRunner()


def run(*command: str) -> str:
    """Run one command of dbt; return the states of its nodes, or what failed."""
    done = runner.invoke([*command, "--quiet", "--profiles-dir", "."])
    if done.exception:
        return f"{type(done.exception).__name__}: {done.exception}"
    results = list(getattr(done.result, "results", None) or [])
    failed = [
        f"{each.node.name}: {each.message}"
        for each in results
        if str(each.status) not in ("success", "pass")
    ]
    return "; ".join(failed) or ("ok" if done.success else "failed")


def rows(sql: str) -> list[list[object]]:
    """Run a statement on a connection of its own."""
    session = redshift_connector.connect(**target.login, ssl=False)
    session.autocommit = True
    with session, session.cursor() as cursor:
        cursor.execute(sql)
        return [list(row) for row in cursor.fetchall()] if cursor.description else []


def catalog() -> dict[str, list[str]]:
    """Return the columns of each table that `dbt docs generate` found."""
    nodes = json.loads(pathlib.Path("target/catalog.json").read_text())["nodes"]
    return {
        name.split(".")[2]: [
            f"{column['name']} {column['type']}" for column in node["columns"].values()
        ]
        for name, node in sorted(nodes.items())
    }


def main() -> None:
    """Run the commands. dbt imports this file again in its worker processes."""
    os.chdir(sys.argv[1])
    pathlib.Path("profiles.yml").write_text(
        json.dumps(
            {
                "shop": {
                    "target": "dev",
                    "outputs": {
                        "dev": {
                            "type": "redshift",
                            "host": target.host,
                            "port": target.port,
                            "user": target.user,
                            "password": target.password,
                            "dbname": target.database,
                            "schema": "shop",
                            "sslmode": "disable",
                            "threads": 2,
                        }
                    },
                }
            }
        )
    )
    show = calls.show
    rows("create user dbt_reader password 'Reader123'")
    show("build", lambda: run("build"))
    show("change", lambda: run("run-operation", "change"))
    show("build again", lambda: run("build", "--exclude", "payments"))
    show("docs", lambda: run("docs", "generate"))
    show("catalog", catalog)
    show("merged", lambda: rows("select id, amount, again from shop.by_merge order by 1"))
    show("deleted", lambda: rows("select id, amount, again from shop.by_delete order by 1"))
    show(
        "history",
        lambda: rows(
            "select id, dbt_valid_to is null from shop.payments_history order by 1, dbt_valid_from"
        ),
    )
    show("comment", lambda: rows("select remarks from svv_all_tables where table_name = 'totals'"))
    calls.finish()


if __name__ == "__main__":
    main()

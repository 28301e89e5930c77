"""The pictures of the page in README and the tutorial: `python -m tests.docs.screenshots` writes docs/images.

It starts a local cloud of its own, uploads the examples, and takes the pictures in a headless Chromium.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from etl_cli.client import Client
from local_cloud.cloud import LocalCloud
from tests.browser import Page, chromium, find_chromium
from tests.e2e.conftest import Lake, columns

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
EXAMPLES = ROOT / "examples"


def main() -> None:
    program = find_chromium()
    if program is None:
        raise SystemExit("no Chromium on the PATH")
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="etl-shots-") as folder,
        LocalCloud.start(Path(folder, "cloud")) as cloud,
        chromium(program, Path(folder, "profile")) as page,
    ):
        client = Client.of(cloud.outputs)
        lake = Lake(cloud, client)
        upload_examples(lake)
        take_pictures(page, lake)
        client.close()


def upload_examples(lake: Lake) -> None:
    users = EXAMPLES / "user_data"
    lake.drop("dev/schema/user_data/schema.json", (users / "schema.json").read_bytes())
    lake.drop(
        "dev/schema/sales.orders/orders.json", columns(("id", "INTEGER"), ("city", "VARCHAR(40)"))
    )
    for number in range(1, 9):
        rows = "".join(f"{row},Wien\n" for row in range(40 * number))
        lake.drop(f"dev/append/sales.orders/orders_{number}.csv", f"id,city\n{rows}", "orders")
    for name in ("users.csv", "misspelled_header.csv", "bad_value.csv"):
        lake.drop(f"dev/append/user_data/{name}", (users / name).read_bytes())


def take_pictures(page: Page, lake: Lake) -> None:
    page.resize(1100, 980)
    page.open(f"{lake.client.api.url_of('/')}#key={lake.client.outputs.api_key}")
    page.wait("document.querySelectorAll('main section').length >= 4")
    page.screenshot(IMAGES / "page.png")
    [refused] = lake.client.log_entries("user_data", limit=1)
    page.js(f"void (location.hash = '#/upload/{refused['upload_id']}')")
    page.wait("document.querySelector('.error')")
    page.resize(1100, 720)
    page.screenshot(IMAGES / "upload.png")


if __name__ == "__main__":
    main()

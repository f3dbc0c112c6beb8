"""The report in a real browser: it opens without errors or requests, shows every picture, and enlarges them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.style import save
from analysis.report.page import report_page
from tests.unit.test_report import DESIGN, study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
    "--window-size=390,844",
    "--dump-dom",
)
# Runs after the page's own script, and leaves what it saw in the document, which the browser then prints.
PROBE = """<script>
addEventListener("load", async () => {
  const decoded = await Promise.all([...document.querySelectorAll("figure img")].map(
    image => image.decode().then(() => image.naturalWidth > 0, () => false)));
  const dialog = document.querySelector("dialog"), button = document.querySelector(".zoom");
  button?.click();
  const enlarged = Boolean(dialog?.open) && dialog.querySelector("img").src === button.querySelector("img").src;
  dialog?.click();
  const requests = performance.getEntriesByType("resource").map(entry => entry.name).filter(name => !name.startsWith("data:"));
  const root = document.documentElement, overflow = root.scrollWidth - root.clientWidth;
  document.body.dataset.seen = JSON.stringify({decoded, enlarged, closed: !dialog?.open, requests, overflow});
});
</script>"""


@pytest.fixture(autouse=True)
def chromium() -> None:
    """Without a browser nothing is tested: on one's own machine that is said, in a check of the whole it is a failure."""
    if CHROMIUM is None:
        judge = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        judge("no chromium found: install it, as in apt install chromium")


def open_page(html: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What the probe saw in the page, and the messages of the browser's console."""
    page = folder / "report.html"
    page.write_text(html.replace("</body>", PROBE + "</body>"))
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    seen = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert seen, f"the page did not load: {done.stderr[-2000:]}"
    return json.loads(unescape(seen[1])), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("engine", ["lammps", "langevin"])
def test_report_opens_clean_and_alone(engine: str, tmp_path: Path) -> None:
    """No console message, no request, every picture decoded, enlarging works, and a narrow window scrolls no way but down."""
    for name in ("heat_rates", "unknown_to_captions"):
        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([1, 2], [3, 4])
        save(figure, pd.DataFrame({"x": [1, 2]}), tmp_path / name)
    html = report_page(**study(60, engine), figures=sorted(tmp_path.glob("*.png")), design=DESIGN)
    seen, console = open_page(html, tmp_path)
    assert console == []
    assert seen == {"decoded": [True, True], "enlarged": True, "closed": True, "requests": [], "overflow": 0}


def test_probe_finds_what_it_looks_for(tmp_path: Path) -> None:
    """A page with a picture that is none, a request and an error is caught at each."""
    html = (
        "<!DOCTYPE html><body><figure><img src='data:image/png;base64,AAAA'></figure><div style='width:3000px'>wide</div>"
        "<script src='http://localhost:9/absent.js'></script><script>console.error('spoilt')</script></body>"
    )
    seen, console = open_page(html, tmp_path)
    assert seen["decoded"] == [False]
    assert not seen["enlarged"]
    assert seen["requests"] == ["http://localhost:9/absent.js"]
    assert seen["overflow"] > 2000
    assert any("spoilt" in line for line in console)

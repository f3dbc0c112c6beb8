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
from analysis.report.explorer import ALL_AXES
from analysis.report.page import report_page
from analysis.report.words import measured
from tests.unit.pages import DESIGN, study

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
    "--virtual-time-budget=3000000",
    "--window-size=390,844",
    "--dump-dom",
)
ATTEMPTS = 3
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
  const explored = document.getElementById("explorer") ? await explore().catch(String) : null;
  document.body.dataset.seen = JSON.stringify({decoded, enlarged, closed: !dialog?.open, requests, overflow, explored});
});
// Uses the controls of the interactive figure as a reader does, and notes what is then drawn and written.
async function explore() {
  const block = document.getElementById("explorer"), form = block.querySelector("form");
  const frame = () => new Promise(requestAnimationFrame);
  while (block.hidden || !globalThis.Bokeh?.documents[0]?.is_idle) await frame();
  const model = name => Bokeh.documents[0].get_model_by_name(name);
  const row = theory => document.querySelector(`#explorer-values [data-theory=${theory}]`);
  const cells = theory => [...row(theory).querySelectorAll("td")].map(cell => cell.textContent);
  const drawn = () => [model("line_theory_cold").visible, model("band_theory_hot").visible, !row("theory").hidden];
  const change = (control, value) => {
    control.value = value;
    for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind, {bubbles: true}));
  };
  const checked = drawn();
  form.querySelector("[value=theory]").click();
  const unchecked = drawn();
  change(form.stop, 0);
  const first = {cursor: model("cursor_hot").location, ratio: form.ratio.value, cells: cells("theory")};
  change(form.axes, form.axes.options[1].value);
  const along = {names: model("measured_cold").data.name, cells: cells("theory"), label: model("axis_hot").axis_label};
  change(form.axes, form.axes.options[0].value);
  await frame();
  const view = Bokeh.index.find_one_by_id(model("points_cold").id), area = view.parent.canvas_view.events_el;
  area.scrollIntoView();
  const {x, y} = area.getBoundingClientRect(), [sx, sy] = [view.glyph.sx[0], view.glyph.sy[0]];
  const at = {clientX: x + sx, clientY: y + sy, bubbles: true, composed: true};
  Object.assign(at, {pointerType: "mouse", isPrimary: true, pointerId: 1});
  area.dispatchEvent(new PointerEvent("pointermove", at));
  await frame();
  await frame();
  const within = root => [...root.querySelectorAll("*")].flatMap(
    node => node.shadowRoot ? [node.shadowRoot.textContent, ...within(node.shadowRoot)] : []);
  const hovered = within(document).find(text => text.includes("measured")) ?? "";
  return {checked, unchecked, first, along, hovered};
}
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
    # The browser's clock counts frames and not seconds: on a busy machine it can run out while other threads draw and decode.
    for _ in range(ATTEMPTS):
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
        if seen := re.search(r'data-seen="([^"]*)"', done.stdout):
            break
    assert seen, f"the page did not load: {done.stderr[-2000:]}"
    # A layout that takes two frames, as on a busy machine, is no fault.
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "ResizeObserver loop" not in line]
    return json.loads(unescape(seen[1])), console


@pytest.mark.parametrize("engine", ["lammps", "langevin"])
def test_report_opens_clean_and_alone(engine: str, tmp_path: Path) -> None:
    """The page opens without a console message or a request, and answers to a reader's clicks.

    Every picture is decoded, enlarging works, and a narrow window scrolls no way but down. The interactive figure answers to
    check box, slider, choice of axes and pointer with the numbers of the analysis.
    """
    for name in ("heat_rates", "unknown_to_captions"):
        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([1, 2], [3, 4])
        save(figure, pd.DataFrame({"x": [1, 2]}), tmp_path / name)
    of_study = study(60, engine)
    html = report_page(**of_study, figures=sorted(tmp_path.glob("*.png")), design=DESIGN)
    seen, console = open_page(html, tmp_path)
    assert console == []
    explored = seen.pop("explored")
    assert seen == {"decoded": [True, True], "enlarged": True, "closed": True, "requests": [], "overflow": 0}
    figure = of_study["interactive"]
    content = figure.content
    assert len(figure.library) + len(json.dumps(content)) < 2_000_000
    white = content["axes"][ALL_AXES]["theories"]["theory"]["told"]
    first = {"cursor": content["ratios"][0], "ratio": content["stops"][0]}
    assert explored["checked"] == [True, True, True]
    assert explored["unchecked"] == [False, False, False]
    assert explored["first"] == first | {"cells": [white[name][0] for name in ("cold", "hot", "power")]}
    (along,) = (choice for name, choice in content["axes"].items() if name != ALL_AXES)
    assert explored["along"]["names"] == along["measured"]["cold"]["name"]
    assert explored["along"]["label"] == "work on the particle (eV/ns per axis)"
    # The pointer rests on the lowest point.
    heat = of_study["comparison"].points[0].heat[0]
    assert f"measured: {measured(heat.value, heat.se)} eV/ns" in explored["hovered"]


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

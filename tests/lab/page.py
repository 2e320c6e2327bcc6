#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""page.py KVMIG [SHOTS]: `kvmig lab report --html` in headless Chromium, opened from its file.

Pictures are drawn, filters work with mouse and keyboard, texts of a host stay texts, nothing is asked
of any network, nothing complains; on a phone and a desk, in light and dark, and printed. With a
folder SHOTS, screenshots are left there.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import browser
import jsonschema
import page_run

SCHEMA = Path(__file__).resolve().parents[2] / "lab/report/run.schema.json"
# How much of each canvas is covered by lines and dots: opaque, and neither grey nor black.
PAINTED = """[...document.querySelectorAll("details.scenario canvas")].map(canvas => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let painted = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.slice(i, i + 4);
    painted += a > 230 && Math.max(r, g, b) - Math.min(r, g, b) > 60;
  }
  return painted / (canvas.width * canvas.height);
})"""
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
SHOWN = """[...document.querySelectorAll("details.scenario")].filter(each => each.checkVisibility())
  .map(each => each.id.replace("scenario-", ""))"""


def skip(why):
    if os.environ.get("CI"):
        sys.exit(f"{why}, and in CI it must be there")
    print(f"SKIPPED: {why}")
    sys.exit(0)


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what}: {seen!r}, not {wanted!r}")


def drawn(tab, where):
    """Every picture of every scenario."""
    tab.evaluate("document.querySelectorAll('details.scenario').forEach(each => { each.open = true; })")
    tab.evaluate(SETTLED)
    pictures = tab.evaluate("document.querySelectorAll('details.scenario .picture').length")
    painted = tab.evaluate(PAINTED)
    expect(f"{where}: canvases", len(painted), pictures)
    if pictures < 25:
        sys.exit(f"{where}: {pictures} pictures only")
    for number, part in enumerate(painted):
        if not 0.002 < part < 0.5:
            sys.exit(f"{where}: picture {number}: {part:.2%} of it drawn")
    expect(f"{where}: wider than the window", tab.evaluate(
        "Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)"), 0)


def filters(tab, run):
    every = [each["id"] for each in run["scenarios"]]
    failed = [each["id"] for each in run["scenarios"] if each["outcome"] == "failed"]
    expect("all shown", tab.evaluate(SHOWN), every)
    # By keyboard: from the first box on.
    tab.evaluate("document.querySelector('input[value=passed]').focus()")
    tab.key(" ", "Space", 32)
    tab.key("Tab", "Tab", 9)
    expect("Tab goes to", tab.evaluate("document.activeElement.value"), "failed")
    tab.key("Tab", "Tab", 9)
    tab.key(" ", "Space", 32)
    expect("failed alone", tab.evaluate(SHOWN), failed)
    expect("rows", tab.evaluate("[...document.querySelectorAll('#scenarios ~ .scroll tbody tr')]"
                                ".filter(each => each.checkVisibility()).length"), len(failed))
    expect("told", tab.evaluate("document.querySelector('output').textContent"),
           f"{len(failed)} of {len(every)} scenarios")
    for name in ("passed", "skipped"):
        tab.evaluate(f"document.querySelector('input[value={name}]').click()")
    # By a text of a cause that only the diagnosis names.
    type_in = """(text => { const field = document.querySelector("#find"); field.value = text;
                 field.dispatchEvent(new Event("input", {bubbles: true})); })"""
    for text, wanted in (("knv-net-001", []), ("kvm-net-001 firewall", ["fail-no-route"]), ("", every)):
        tab.evaluate(f"{type_in}({json.dumps(text)})")
        expect(f"found by '{text}'", tab.evaluate(SHOWN), wanted)


def compared(tab):
    boxes = "[...document.querySelectorAll('#migrations ~ .scroll input')]"
    picture = "document.querySelectorAll('#migrations ~ [aria-live] canvas').length"
    expect("nothing chosen", tab.evaluate(picture), 0)
    tab.evaluate(f"{boxes}.slice(1, 3).forEach(each => each.click())")
    tab.evaluate(SETTLED)
    expect("two chosen", tab.evaluate(picture), 1)
    expect("side by side", tab.evaluate(
        "[...document.querySelectorAll('#migrations ~ [aria-live] > .scroll th')].map(each => each.textContent)"),
        ["figure", "there", "back"])


def told_in_words(tab):
    """What a picture shows is in a table too, and a hostile text is just a text."""
    words = tab.evaluate("document.querySelector('main').textContent")
    for wanted in (page_run.HOSTILE, "from kvm01 to kvm02 in 88 s", "downtime_net", "KVM-NET-001",
                   "Foreseen by the check: KVM-NET-001: port 49152 is rejected " + page_run.HOSTILE,
                   "firewall-cmd --permanent --add-port=49152-49215/tcp", "Over Mbit/s", "copying_disks",
                   "Not moved (failed): from kvm01 to kvm02 in 9 s", "the stream broke", "reconciling_back",
                   "stood still", "Saved, MiB, over the CPU time of ksmd"):
        if wanted not in words:
            sys.exit(f"the page does not say {wanted!r}")
    expect("ways of merging in its first picture", tab.evaluate(
        "[...document.querySelectorAll('#scenario-bench-ksm .picture')][0]"
        ".querySelectorAll('.u-legend .u-series').length"), 1 + 4)
    expect("markup of a host", tab.evaluate("document.querySelectorAll('img, main script, main b b').length"), 0)
    expect("title", tab.evaluate("document.title"), "kvmig lab: 6 passed, 1 failed, 1 skipped")
    expect("pictures without a name", tab.evaluate(
        "[...document.querySelectorAll('.picture')].filter(each => !each.ariaLabel || each.role !== 'img').length"), 0)
    tab.evaluate("document.querySelectorAll('details.figures').forEach(each => { each.open = true; })")
    tab.evaluate(SETTLED)
    expect("pictures without a table", tab.evaluate(
        "[...document.querySelectorAll('.picture')].filter(each => !each.parentElement.querySelector('details tbody td')).length"), 0)
    headings = tab.evaluate("[...document.querySelectorAll('h1, h2, h3, h4, h5')].map(each => +each.tagName[1])")
    expect("headings skip a level", [b for a, b in zip(headings, headings[1:]) if b > a + 1], [])


def printed(tab):
    """All is open on paper, in light colours, and closed again afterwards."""
    tab.evaluate("document.querySelectorAll('details.scenario').forEach(each => { each.open = false; })")
    tab.evaluate("addEventListener('beforeprint', () => { window.onPaper = {"
                 "open: document.querySelectorAll('details.scenario[open]').length,"
                 "back: getComputedStyle(document.body).backgroundColor,"
                 "right: Math.max(...[...document.querySelectorAll('table, .picture')].map(each => each.getBoundingClientRect().right)),"
             f"painted: {PAINTED}.filter(part => part > 0.002).length}}; }})")
    pdf = tab.pdf()
    expect("PDF", pdf[:5], b"%PDF-")
    paper = tab.evaluate("window.onPaper")
    expect("open on paper", paper["open"], 8)
    expect("paper", paper["back"], "rgb(255, 255, 255)")
    if paper["right"] > 680:
        sys.exit(f"on paper: {paper['right']} px wide, and 680 fit")
    if paper["painted"] < 25:
        sys.exit(f"on paper: {paper['painted']} pictures")
    expect("open afterwards", tab.evaluate("document.querySelectorAll('details.scenario[open]').length"), 0)


def main(kvmig, shots=None):
    program = browser.find()
    if not program:
        skip("there is no Chromium")
    run = page_run.whole_run()
    jsonschema.validate(run, json.loads(SCHEMA.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        run_file, page = Path(folder) / "run.json", Path(folder) / "page.html"
        run_file.write_text(json.dumps(run), encoding="utf-8")
        done = subprocess.run([kvmig, "lab", "report", run_file, "--html", page], check=False,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode == 5 and "npm" in done.stderr:
            skip("the program was built without npm")
        expect(f"exit status ({done.stderr})", done.returncode, 0)
        with browser.Browser(program) as tab:
            for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
                tab.size(width, 900)
                tab.colours(scheme)
                tab.open(page.as_uri())
                expect("failed ones are open", tab.evaluate("document.querySelectorAll('details.scenario[open]').length"), 1)
                drawn(tab, f"{scheme}, {width} wide")
                dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
                expect("dark", dark, scheme == "dark")
                if shots:
                    tab.screenshot(Path(shots) / f"{scheme}-{width}.png")
            filters(tab, run)
            compared(tab)
            told_in_words(tab)
            printed(tab)
            expect("complaints", tab.complaints, [])
            expect("requests", sorted(set(tab.requests)), [page.as_uri()])
    print(f"as its readers have it, in {program}")


main(*sys.argv[1:])

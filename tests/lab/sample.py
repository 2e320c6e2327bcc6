#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sample.py KVMIG [RUN.json]: the committed page of real runs, lab/report/sample.html.

Its run is of this schema, the program still makes a page of it, and the committed one draws its
pictures in headless Chromium without a complaint or a request. With RUN.json the page is made anew
of that run before, and the screenshot that the README shows with it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import browser
import jsonschema

REPORT = Path(__file__).resolve().parents[2] / "lab/report"
PAGE, SHOT = REPORT / "sample.html", REPORT / "sample.png"
MOST_BYTES = {PAGE: 1 << 20, SHOT: 200 << 10}
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
# A migration over time, at the top of the window; all are drawn.
SHOW = """(() => {
  for (const each of document.querySelectorAll("details.scenario")) {
    each.fill();
    each.open = each.id === "scenario-live-block";
  }
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
    document.querySelector("details.scenario[open] section.stretch:has(.strip)").scrollIntoView();
    done(true);
  })));
})()"""


def skip(why):
    if os.environ.get("CI"):
        sys.exit(f"{why}, and in CI it must be there")
    print(f"SKIPPED: {why}")
    sys.exit(0)


def run_in(page):
    """The run that lies in a page."""
    found = re.search(r'<script type="application/json" id="run">(.*?)</script>', page)
    if not found:
        sys.exit(f"{PAGE.name} holds no run")
    return json.loads(found[1])


def page_of(kvmig, run):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.json"
        file.write_text(json.dumps(run), encoding="utf-8")
        done = subprocess.run([kvmig, "lab", "report", file, "--html", "-"], check=False,
                              capture_output=True, text=True)
    if done.returncode == 5 and "npm" in done.stderr:
        skip("the program was built without npm")
    if done.returncode != 0:
        sys.exit(f"exit status {done.returncode}: {done.stderr}")
    return done.stdout


def looked_at(program, shot):
    with browser.Browser(program) as tab:
        tab.size(1000, 1080)
        tab.colours("light")
        tab.open(PAGE.as_uri())
        tab.evaluate(SHOW)
        tab.evaluate(SETTLED)
        drawn = tab.evaluate("document.querySelectorAll('details.scenario canvas').length")
        if drawn < 3:
            sys.exit(f"{drawn} pictures are drawn")
        if tab.complaints:
            sys.exit(f"complaints: {tab.complaints}")
        if set(tab.requests) != {PAGE.as_uri()}:
            sys.exit(f"requests: {sorted(set(tab.requests))}")
        if shot:
            tab.screenshot(SHOT, whole=False)


def main(kvmig, run_file=None):
    if run_file:
        new = page_of(kvmig, json.loads(Path(run_file).read_text(encoding="utf-8")))
        PAGE.write_text(new, encoding="utf-8")
    held = run_in(PAGE.read_text(encoding="utf-8"))
    jsonschema.validate(held, json.loads((REPORT / "run.schema.json").read_text(encoding="utf-8")))
    if not any(key.endswith("migration") for each in held["scenarios"] for key in each["samples"] or {}):
        sys.exit("no migration in it has samples")
    if run_in(page_of(kvmig, held)) != held:
        sys.exit("the program makes another run of it")
    program = browser.find()
    if not program:
        skip("there is no Chromium")
    looked_at(program, shot=bool(run_file))
    for file, most in MOST_BYTES.items():
        if not 0 < file.stat().st_size <= most:
            sys.exit(f"{file.name}: {file.stat().st_size} bytes, and {most} are allowed")
    print(f"{PAGE.name}: {len(held['scenarios'])} scenarios, begun {held['environment']['time']}")


main(*sys.argv[1:])

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""record.py FOLDER...: facts of the lab's hosts, healthy and broken, into recorded/.

FOLDER is where `kvmig lab run` kept its results: run.json, and beside it facts.json of check-facts (healthy) and
of each fail-*. Healthy hosts are kept whole, in recorded/healthy.json; a broken one as what differs from them, a
JSON Patch (RFC 6902; needs python3-jsonpatch). What must be found there, recorded/expected.tsv, comes from the
scenario, whose fault names it, not from the rules. Scenarios that did not pass are left out, and told."""

import json
import sys
from pathlib import Path

import jsonpatch

HEAD = "# scenario\tthe one id that blocks or warns; -: none does, for it cannot be foreseen\n"
place = Path(__file__).with_name("recorded")
healthy = place / "healthy.json"
table = place / "expected.tsv"


def write(file, value):
    file.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read(file):
    return json.loads(file.read_text(encoding="utf-8"))


expected = {}
if table.exists():
    lines = table.read_text(encoding="utf-8").splitlines()
    expected = dict(line.split("\t") for line in lines if not line.startswith("#"))
found = {}
for folder in map(Path, sys.argv[1:]):
    for scenario in read(folder / "run.json")["scenarios"]:
        name = scenario["id"]
        file = folder / name / "facts.json"
        if not file.exists():
            continue
        if scenario["outcome"] != "passed":
            print(f"{folder}: {name} {scenario['outcome']}: left out", file=sys.stderr)
            continue
        found[name] = read(file)
        if name != "check-facts":
            expected[name] = scenario["samples"]["foreseen"]["expected"] or "-"
before = {name: jsonpatch.apply_patch(read(healthy), read(place / f"{name}.json"))
          for name in expected if name not in found}
write(healthy, found.pop("check-facts", None) or read(healthy))
for name, facts in (before | found).items():
    file = place / f"{name}.json"
    # The order of a new patch is not always the same: one that still holds stays as it is.
    if not file.exists() or jsonpatch.apply_patch(read(healthy), read(file)) != facts:
        write(file, jsonpatch.make_patch(read(healthy), facts).patch)
table.write_text(HEAD + "".join(f"{name}\t{what}\n" for name, what in sorted(expected.items())), encoding="utf-8")

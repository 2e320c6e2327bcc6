#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""record.py RUN.json...: what libvirt said in the lab's failures, into recorded.tsv.

RUN.json is the result of `kvmig lab run 'fail-*'`. Each row of recorded.tsv: the cause that is named first,
the scenario, the release of libvirt, and the words of virsh, their ends of line written \\n; where the library alone
tried, the line by which the cause was named. A row of the same scenario and release is replaced; scenarios that
failed are left out, and told."""

import json
import re
import sys
from pathlib import Path

HEAD = """# What `virsh migrate` said on the lab's hosts, recorded by record.py from scenarios that passed: the cause that
# must be named first, the scenario, libvirt's release, the words with \\n for each end of line. Where the library alone
# tried, as in the middle of a migration, the line of what it or a daemon said by which the cause was named.
"""

place = Path(__file__).with_name("recorded.tsv")
rows = {}
if place.exists():
    for line in place.read_bytes().decode().split("\n"):
        if line and not line.startswith("#"):
            cause, scenario, release, words = line.split("\t")
            rows[scenario, release] = (cause, words)
for name in sys.argv[1:]:
    run = json.loads(Path(name).read_text(encoding="utf-8"))
    release = re.search(r"\d+\.\d+\.\d+", run["environment"]["host"]["libvirt"])[0]
    for scenario in run["scenarios"]:
        samples = scenario["samples"]
        by_virsh = "virsh says" in samples
        # What virsh said does not tell where QEMU's logs had to.
        if "looked into logs" in samples or not (by_virsh or "the library says" in samples):
            continue
        if scenario["outcome"] != "passed":
            print(f"{name}: {scenario['id']} {scenario['outcome']}: left out", file=sys.stderr)
            continue
        cause = samples["virsh: diagnosis" if by_virsh else "the library: diagnosis"]["causes"][0]
        words = samples["virsh says"] if by_virsh else cause["evidence"][0]
        words = words.strip().replace("\\", "\\\\").replace("\t", " ").replace("\n", "\\n")
        rows[scenario["id"], release] = (cause["id"], words)
place.write_text(HEAD + "".join(f"{cause}\t{scenario}\t{release}\t{words}\n"
                                for (scenario, release), (cause, words) in sorted(rows.items())),
                 encoding="utf-8")

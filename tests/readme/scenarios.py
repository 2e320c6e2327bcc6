#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scenarios.py KVMIG FILE.md: FILE's tables of scenarios have a row for each that `kvmig lab list`
tells of, in its order, and no other."""

import json
import re
import subprocess
import sys
from pathlib import Path

told = json.loads(subprocess.run([sys.argv[1], "lab", "list", "--json"], stdout=subprocess.PIPE,
                                 check=True).stdout)
there = [each["id"] for each in told["scenarios"]]
tables = Path(sys.argv[2]).read_text(encoding="utf-8").split("\n| scenario |")[1:]
shown = [each for table in tables
         for each in re.findall(r"^\| `([a-z0-9-]+)` \|", table.split("\n\n")[0], re.MULTILINE)]
if shown != there:
    sys.exit(f"{sys.argv[2]} shows {' '.join(shown)}\nkvmig lab list tells {' '.join(there)}")

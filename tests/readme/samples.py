#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""samples.py BUILD: readme.py passes samples/good.md, and fails each samples/bad-*.md with the
LINE: MESSAGE that its first line expects. BUILD is a configured build folder."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(sample, build):
    return subprocess.run([HERE / "readme.py", sample, "--build", build], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        # The program is a stand-in; what is installed comes from the real build.
        build = Path(name)
        (build / "kvmig").symlink_to(HERE / "kvmig-stand-in")
        (build / "cmake_install.cmake").symlink_to(Path(sys.argv[1]).resolve() / "cmake_install.cmake")
        good = run(HERE / "samples/good.md", build)
        if good.returncode != 0 or "7 blocks" not in good.stdout:
            wrong.append(f"good.md: {good.stdout}")
        samples = sorted(HERE.glob("samples/bad-*.md"))
        for sample in samples:
            expected = re.match(r"<!-- expect: (.*) -->", sample.read_text())[1]
            done = run(sample, build)
            if done.returncode != 1 or expected not in done.stdout:
                wrong.append(f"{sample.name}: expected {expected}, status {done.returncode}: {done.stdout}")
    if wrong or len(samples) < 10:
        sys.exit("\n".join(wrong) or "the samples are gone")


if __name__ == "__main__":
    main()

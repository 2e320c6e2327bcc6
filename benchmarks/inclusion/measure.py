#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""measure.py [--rounds N] [--compiler NAME]... [HEADER...]: what it costs to include a header.

Compiles a program that includes one header and does nothing, for each folder's header and everything,
and beside them those of other libraries: all headers once with each compiler, N times over, so that
what else the machine does meets all alike. Prints medians: seconds of processor time, user and system,
and the compiler's peak memory in MiB.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

INCLUDE = Path(__file__).resolve().parents[2] / "include"
OTHERS = ["range/v3/all.hpp", "nlohmann/json.hpp", "catch2/catch.hpp", "catch2/catch_all.hpp"]
MODULES = ["libvirt", "libnfs", "sqlite3", "libxxhash", "fmt", "pugixml"]


def flags():
    told = subprocess.run(["pkg-config", "--cflags", *MODULES], text=True, stdout=subprocess.PIPE, check=True)
    return ["-std=c++20", f"-I{INCLUDE}", *told.stdout.split()]


def there(header):
    return any((folder / header).exists() for folder in [INCLUDE, Path("/usr/include"), Path("/usr/local/include")])


def cost(compiler, arguments, header, folder):
    """Seconds and MiB of one compilation."""
    source = folder / "program.cpp"
    source.write_text((f"#include <{header}>\n" if header else "") + "int main() {}\n")
    command = [compiler, *arguments, "-c", "-o", str(folder / "program.o"), str(source)]
    pid = os.posix_spawnp(compiler, command, os.environ)
    _, status, used = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed: it includes <{header}>")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compiler", action="append")
    parser.add_argument("headers", nargs="*", metavar="HEADER")
    chosen = parser.parse_args()
    if chosen.rounds < 1:
        parser.error("--rounds: at least 1")
    compilers = chosen.compiler or [name for name in ["g++", "clang++"] if shutil.which(name)]
    if missing := [name for name in compilers if not shutil.which(name)]:
        parser.error(f"no such compiler: {', '.join(missing)}")
    folders = sorted(f"kvmig/{path.name}" for path in (INCLUDE / "kvmig").glob("*.hpp"))
    headers = chosen.headers or ["", *folders, *OTHERS]
    if chosen.headers and (unknown := [h for h in headers if not there(h)]):
        parser.error(f"no such header: {', '.join(unknown)}")
    headers = [h for h in headers if not h or there(h)]

    seen = {(compiler, header): [] for compiler in compilers for header in headers}
    arguments = flags()
    with tempfile.TemporaryDirectory() as name:
        for _ in range(chosen.rounds):
            for compiler, header in seen:
                seen[compiler, header].append(cost(compiler, arguments, header, Path(name)))
    print("| header | " + " | ".join(f"{c}, s | {c}, MiB" for c in compilers) + " |")
    print("|---|" + "---:|---:|" * len(compilers))
    for header in headers:
        cells = []
        for compiler in compilers:
            seconds, memory = zip(*seen[compiler, header])
            cells.append(f"{statistics.median(seconds):.2f} | {statistics.median(memory):.0f}")
        print(f"| {f'`{header}`' if header else 'none'} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""benchmarks/nfs/mounted.py KVMIG [--lab NAME] [--rounds N] [--size MIB] [--json FILE]

Copies of a dense image by `kvmig nfs cp`, beside cp from and to the kernel's mount of the same export:
in a host of the lab, whose store is mounted there. The tools take turns in each round, the mount's
cached pages are dropped before each copy, and what was written has reached the server when the clock
is stopped. The local files lie in memory (/dev/shm). Host and server are emulated where the machine
has no hardware virtualization: the ratio is then one of instructions rather than of networks.

The lab is started if need be and left up; nothing else stays behind in it. Prints medians in seconds, and
cp's for kvmig's (above 1: kvmig is faster). Exit status: 0 measured, 1 a copy failed or differs.
"""

import argparse
import io
import json
import re
import statistics
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = "/var/tmp/kvmig-bench-nfs"

# Of these the host has its own, and they fit only one another.
LOADERS = re.compile(r"/(ld-linux|libc\.so|libm\.so|libpthread|libdl|librt)")

# Arguments: its folder, rounds, MiB. Each line it prints: way, tool, seconds of wall, user and system.
IN_HOST = r"""
set -euo pipefail
here=$1 rounds=$2 size=$3
read -r mount source < <(findmnt --noheadings --list --types nfs,nfs4 --output TARGET,SOURCE)
# By its address: what is called nfs, kvmig looks for in a lab of its own.
address=$(getent ahostsv4 "${source%%:*}" | awk 'NR == 1 { print $1 }')
server=nfs://$address${source#*:}
local=/dev/shm/kvmig-bench-nfs
trap 'rm -rf "$local" "$mount"/kvmig-bench.*' EXIT
mkdir -p "$local"
dd if=/dev/urandom of="$local/image" bs=1M count="$size" status=none
cp "$local/image" "$mount/kvmig-bench.image"
sync --file-system "$mount/kvmig-bench.image"
own() { LD_LIBRARY_PATH=$here "$here/kvmig" nfs cp "$1" "$2" >/dev/null; }
up() { cp "$1" "$2"; sync --file-system "$2"; }
TIMEFORMAT='%R %U %S'
take() {  # WAY TOOL TARGET COMMAND...
    local way=$1 tool=$2 target=$3 told
    shift 3
    echo 3 >/proc/sys/vm/drop_caches
    told=$({ time "$@" 2>&3; } 3>&2 2>&1)
    echo "$way $tool $told"
    echo 3 >/proc/sys/vm/drop_caches
    cmp "$local/image" "$target"
    rm "$target"
}
for ((round = 0; round < rounds; round++)); do
    take from kvmig "$local/copy" own "$server/kvmig-bench.image" "$local/copy"
    take from cp "$local/copy" cp "$mount/kvmig-bench.image" "$local/copy"
    take to kvmig "$mount/kvmig-bench.own$round" own "$local/image" "$server/kvmig-bench.own$round"
    take to cp "$mount/kvmig-bench.up$round" up "$local/image" "$mount/kvmig-bench.up$round"
done
"""


def packed(program):
    """The program with the libraries that a host need not have, as a tar archive."""
    told = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", dereference=True) as out:
        out.add(program, "kvmig")
        for path in re.findall(r"=> (/\S+)", told):
            if not LOADERS.search(path):
                out.add(path, Path(path).name)
    return archive.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kvmig", type=Path)
    parser.add_argument("--lab", default="default")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--size", type=int, default=256, help="of the image, in MiB")
    parser.add_argument("--json", type=Path, help="where every sample goes")
    asked = parser.parse_args()
    kvmig = asked.kvmig.resolve()

    def lab(*words, given=b""):
        done = subprocess.run([kvmig, "lab", *words], input=given, stdout=subprocess.PIPE)
        if done.returncode != 0:
            sys.exit(f"kvmig lab {' '.join(words[:2])} ended with {done.returncode}")
        return done.stdout.decode()

    def on_host(*words, given=b""):
        return lab("shell", "kvm01", "--lab", asked.lab, "--", *words, given=given)

    lab("up", "--lab", asked.lab)
    on_host("mkdir", "-p", HERE)
    try:
        on_host("tar", "-x", "-C", HERE, given=packed(kvmig))
        told = on_host("bash", "-s", HERE, str(asked.rounds), str(asked.size),
                       given=IN_HOST.encode())
    finally:
        on_host("rm", "-rf", HERE)

    samples = {}
    for line in told.splitlines():
        way, tool, *seconds = line.split()
        wall, user, system = map(float, seconds)
        samples.setdefault(way, {}).setdefault(tool, []).append(
            {"wall": wall, "cpu": user + system})
    for way, tools in samples.items():
        wall = {tool: statistics.median(one["wall"] for one in all_of)
                for tool, all_of in tools.items()}
        print(f"dense, {asked.size} MiB, {way} the server, in a host of the lab")
        for tool, all_of in tools.items():
            cpu = statistics.median(one["cpu"] for one in all_of) * 1024 / asked.size
            print(f"    {tool:8} {wall[tool]:8.3f} s {wall[tool] / wall['kvmig']:7.2f} of kvmig's "
                  f"{cpu:7.2f} CPU s/GiB")
        ratio = wall["cp"] / wall["kvmig"]
        print(f"    {'reached' if ratio >= 1 else 'MISSED ':8} 1 x cp: {ratio:.2f}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps({"schema": "kvmig.bench-nfs-mounted/1", "size_mib": asked.size,
                                          "rounds": asked.rounds, "samples": samples}, indent=2) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""benchmarks/nfs/compare.py KVMIG DELAY-PROXY [--rounds N] [--only GLOB] [--windows] [--json FILE]

Copies of images by `kvmig nfs cp`, beside nfs-cp and qemu-img convert, from and to a real NFS server
(nfs-ganesha) in a namespace of its own, at a round trip near 0 and of 5 ms. The tools take turns in
each round, so that what disturbs the machine disturbs all of them. All files lie in memory (/dev/shm):
what is compared is the way over the network, not a disk.

Prints medians in seconds, the peers' median for one of kvmig's (above 1: kvmig is faster), CPU seconds
for each GiB of the image and the most memory used, and of each goal whether it was reached. As root; packages: ci/packages, section test.
Exit status: 0 measured, 1 a copy failed or came out wrong, 2 wrong usage.
"""

import argparse
import contextlib
import ctypes
import fnmatch
import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SERVER, DELAYED = "192.0.2.1", "192.0.2.2"
MIB = 1 << 20
WATCHDOG = 600  # seconds for one copy
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def with_parent():
    """A child ends with this script."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def until(condition, what):
    limit = time.monotonic() + 60
    while subprocess.run(condition, shell=True, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL).returncode != 0:
        if time.monotonic() > limit:
            sys.exit(f"{what} did not start within a minute")
        select.select([], [], [], 0.02)


@contextlib.contextmanager
def server(folder, proxy):
    """nfs-ganesha on SERVER, and the same 5 ms away on DELAYED; this process is in its namespace."""
    clone_newns, clone_newnet, ms_rec, ms_private = 0x20000, 0x40000000, 0x4000, 1 << 18
    if LIBC.unshare(clone_newns | clone_newnet) != 0:
        sys.exit("a namespace for the server needs root")
    LIBC.mount(b"none", b"/", None, ms_rec | ms_private, None)
    for place in ("/run", "/var/lib/nfs"):
        os.makedirs(place, exist_ok=True)
        if LIBC.mount(b"tmpfs", place.encode(), b"tmpfs", 0, b"mode=755") != 0:
            sys.exit(f"{place} could not be mounted over")
    for place in ("/run/rpcbind", "/run/ganesha", "/var/lib/nfs/ganesha"):
        os.mkdir(place)
    for words in ("link set lo up", "link add nfs0 type bridge", f"address add {SERVER}/24 dev nfs0",
                  f"address add {DELAYED}/24 dev nfs0", "link set nfs0 up"):
        subprocess.run(["ip", *words.split()], check=True)
    conf = folder / "ganesha.conf"
    export = folder / "export"
    export.mkdir()
    conf.write_text(
        "NFS_CORE_PARAM { Enable_NLM=false; Enable_RQUOTA=false; Protocols=3; NFS_Port=2049; "
        f"MNT_Port=20048; Bind_addr={SERVER}; }}\n"
        f"EXPORT {{ Export_Id=1; Path={export}; Pseudo=/export; Access_Type=RW; "
        "Squash=No_Root_Squash; SecType=sys; FSAL { Name=VFS; } }\nLOG { Default_Log_Level=CRIT; }\n")
    # It changes its user, and with that forgets to end with its parent.
    started = [subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--", "sh", "-c",
                                 "rpcbind -w -f & wait"], preexec_fn=with_parent)]
    try:
        until("rpcinfo -p 127.0.0.1", "rpcbind")
        started.append(subprocess.Popen(
            ["ganesha.nfsd", "-F", "-f", str(conf), "-L", str(folder / "log"), "-p",
             "/run/ganesha.pid"], preexec_fn=with_parent))
        until(f"rpcinfo -t {SERVER} 100003 3 && rpcinfo -t {SERVER} 100005 3", "nfs-ganesha")
        started.append(subprocess.Popen([proxy, DELAYED, SERVER, "2049", "20048", "2.5"],
                                        preexec_fn=with_parent, stdout=subprocess.PIPE, text=True))
        if started[-1].stdout.readline() != "ready\n":
            sys.exit("the delaying proxy did not start")
        yield export
    finally:
        for one in reversed(started):
            one.kill()
            one.wait()


def timed(words):
    """Wall and CPU seconds, and the most memory in MiB; ends the script when the command fails."""
    begun = time.monotonic()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    # A server that ended is waited for by some of the tools for ever.
    watchdog = threading.Timer(WATCHDOG, child.kill)
    watchdog.start()
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begun
    watchdog.cancel()
    if child.returncode != 0:
        sys.exit(f"{' '.join(words)} ended with {child.returncode}:\n{said}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024}


class Tools:
    """How each tool copies; an address of NFS is told as (HOST, PATH)."""

    def __init__(self, kvmig):
        self.kvmig = kvmig

    @staticmethod
    def where(end):
        return f"nfs://{end[0]}{end[1]}" if isinstance(end, tuple) else str(end)

    def by_kvmig(self, source, target, _):
        return [self.kvmig, "nfs", "cp", self.where(source), self.where(target)]

    def by_nfs_cp(self, source, target, _):
        return ["nfs-cp", self.where(source), self.where(target)]

    def by_qemu_img(self, source, target, image_format):
        return ["qemu-img", "convert", "-f", image_format, "-O", image_format, self.where(source),
                self.where(target)]

    def by_qemu_img_many(self, source, target, image_format):
        words = self.by_qemu_img(source, target, image_format)
        return [*words[:2], "-W", "-m", "16", *words[2:]]

    def windows(self):
        """kvmig alone, with so many requests under way; 0: after the round trip."""
        return {f"window {size}": lambda source, target, _, size=size: [
                    self.kvmig, "nfs", "cp", "--window", str(size), self.where(source),
                    self.where(target)]
                for size in (0, 1, 2, 4, 8, 16, 24)}

    def all(self):
        return {"kvmig": self.by_kvmig, "nfs-cp": self.by_nfs_cp, "qemu-img": self.by_qemu_img,
                "qemu-img -W -m 16": self.by_qemu_img_many}


def make_images(folder, export):
    """The images, equal here and on the server: what is told of each is its size in GiB."""
    dense = folder / "dense"
    with dense.open("wb") as out:
        for _ in range(1024):
            out.write(os.urandom(MIB))
    sparse = folder / "sparse"
    with sparse.open("wb") as out:
        for i in range(64):
            out.seek(i * 64 * MIB + 3 * MIB)
            out.write(os.urandom(4 * MIB))
        out.truncate(4096 * MIB)
    qcow2 = folder / "qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", qcow2, "20G"], check=True)
    writes = []
    for i in range(128):
        writes += ["-c", f"write -q -P {i + 1} {i * 160}M 4M"]
    subprocess.run(["qemu-io", *writes, qcow2], check=True)
    for name in ("dense", "sparse", "qcow2"):
        subprocess.run(["cp", "--sparse=always", folder / name, export / name], check=True)
    return {"dense": 1, "sparse": 4, "qcow2": 0.5}


def right(source, target, image_format):
    if image_format == "raw":
        return subprocess.run(["cmp", "-s", source, target]).returncode == 0
    return subprocess.run(["qemu-img", "compare", "-q", source, target]).returncode == 0


MOST_MEMORY = 64  # MiB, whatever the size
GRAIN = 1 / 16    # MiB; how finely holes are kept


def goals(case, samples, blocks, of_dense):
    """What is asked of kvmig in a case: (text, whether it was reached). `blocks`: MiB that the source
    takes; `of_dense`: kvmig's median seconds for the dense image on the same way, if measured."""
    wall = {tool: statistics.median(one["wall"] for one in all_of) for tool, all_of in samples.items()}
    own = wall.pop("kvmig")
    memory = max(one["memory"] for one in samples["kvmig"])
    told = [(f"at most {MOST_MEMORY} MiB of memory: {memory:.1f}", memory <= MOST_MEMORY)]

    def faster(than, times):
        ratio = wall[than] / own
        told.append((f"{times:g} x {than}: {ratio:.2f}", ratio >= times))

    if case["image"] == "dense":
        faster(min(wall, key=wall.get), 1)
        if case["host"] == DELAYED:
            faster("nfs-cp", 5)
    elif case["image"] == "sparse":
        faster("qemu-img", 2.5)
        faster("nfs-cp", 3)
        copied = samples["kvmig"][0]["blocks"]
        # At each end of a piece of data a grain may be filled up.
        most = blocks + 2 * 64 * GRAIN
        told.append((f"as sparse as the source, {blocks} MiB: {copied}", copied <= most))
    elif of_dense is not None:
        part = own / of_dense
        told.append((f"half the data of the dense image, at most 0.65 of its time: {part:.2f}",
                     part <= 0.65))
    return told


def measure(case, tools, folder, export, rounds):
    name, down, host = case["image"], case["down"], case["host"]
    image_format = "qcow2" if name == "qcow2" else "raw"
    source_end = (host, f"{export}/{name}") if down else folder / name
    samples = {tool: [] for tool in tools}
    for number in range(rounds):
        for index, (tool, command) in enumerate(tools.items()):
            # A name of its own each time: ganesha remembers one that was removed behind its back.
            target = (folder if down else export) / f"target-{case['number']}-{number}-{index}"
            target_end = target if down else (host, str(target))
            samples[tool].append(timed(command(source_end, target_end, image_format)))
            if number == 0:
                if not right(folder / name, target, image_format):
                    sys.exit(f"{case['name']}: {tool} made a copy that differs")
                samples[tool][0]["blocks"] = target.stat().st_blocks * 512 // MIB
            # ganesha keeps files open: of one that is only removed the memory would stay taken.
            os.truncate(target, 0)
            target.unlink()
    return samples


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kvmig")
    parser.add_argument("proxy")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="*", help="cases, as a glob")
    parser.add_argument("--windows", action="store_true",
                        help="kvmig alone, with windows of several sizes")
    parser.add_argument("--json", help="where every sample goes")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kvmig-bench-", dir="/dev/shm"))
    cases = [{"name": f"{image}, {'from' if down else 'to'} the server, {trip}", "image": image,
              "down": down, "host": host}
             for image in ("dense", "sparse", "qcow2")
             for down in (True, False)
             for host, trip in ((SERVER, "near 0 ms"), (DELAYED, "5 ms"))]
    result = {"schema": "kvmig.bench-nfs/1", "rounds": asked.rounds, "cases": []}
    try:
        with server(folder, asked.proxy) as export:
            sizes = make_images(folder, export)
            of = Tools(os.path.abspath(asked.kvmig))
            tools = of.windows() if asked.windows else of.all()
            first = next(iter(tools))
            of_dense = {}
            for number, case in enumerate(cases):
                case["number"] = number
                if not fnmatch.fnmatch(case["name"], asked.only):
                    continue
                samples = measure(case, tools, folder, export, asked.rounds)
                own = statistics.median(one["wall"] for one in samples[first])
                print(f"{case['name']}")
                for tool, all_of in samples.items():
                    wall = statistics.median(one["wall"] for one in all_of)
                    cpu = statistics.median(one["cpu"] for one in all_of) / sizes[case["image"]]
                    memory = max(one["memory"] for one in all_of)
                    print(f"    {tool:18} {wall:8.3f} s {wall / own:7.2f} of {first}'s {cpu:7.2f} "
                          f"CPU s/GiB {memory:7.1f} MiB memory {all_of[0]['blocks']:6} MiB on disk",
                          flush=True)
                told = []
                if not asked.windows:
                    way = (case["down"], case["host"])
                    if case["image"] == "dense":
                        of_dense[way] = own
                    taken = (folder / case["image"]).stat().st_blocks * 512 // MIB
                    told = goals(case, samples, taken, of_dense.get(way))
                for text, reached in told:
                    print(f"    {'reached' if reached else 'MISSED ':8} {text}", flush=True)
                result["cases"].append({"name": case["name"], "samples": samples, "goals": [
                    {"goal": text, "reached": reached} for text, reached in told]})
    finally:
        shutil.rmtree(folder)
    if asked.json:
        Path(asked.json).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare.py KVMIG [--lab NAME] [--rounds N] [--keep FOLDER]: `lab compare` on real runs.

In turn a run as it is, another, and one in which the lab's machines stand still for 30 ms of each 130,
so that all takes 30 % longer: the first two sides must not be called different, and the third must be
called slower. Prints a line for each case: `ok CASE` or `FAIL CASE: why`. Needs root, and an hour.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from faults import Failure, Program, expect, processes

SCENARIO = "live-shared"
RUNS, STANDS = 0.1, 0.03  # seconds


class Slowed:
    """Slows the lab's machines down while it is entered."""

    def __init__(self, kvmig):
        self.kvmig, self.ended = kvmig, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def work(self):
        root, machines, looked = self.kvmig.status()["directory"], [], 0.0
        while not self.ended.wait(RUNS):
            if time.monotonic() - looked > 5:  # a reset starts them anew
                machines, looked = processes(root, "machine/"), time.monotonic()
            self.send(machines, signal.SIGSTOP)
            time.sleep(STANDS)
            self.send(machines, signal.SIGCONT)

    @staticmethod
    def send(machines, number):
        for pid in machines:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def compared(kvmig, base, new):
    code, out, err = kvmig("lab", "compare", "--in-turn", "--base", *base, "--new", *new, "--json")
    if code not in (0, 1):
        raise Failure(f"exit status {code}: {err.strip()}")
    verdicts = {}
    for each in json.loads(out)["figures"]:
        verdicts[each["figure"]] = each["verdict"]
        print(f"   {each['figure']}: {each['verdict']}, {each['ratio']:.2f}", file=sys.stderr)
    return code, verdicts


def runs_of_the_same_are_not_called_different(kvmig, sides):
    code, verdicts = compared(kvmig, sides["base"], sides["same"])
    different = [name for name, verdict in verdicts.items() if verdict in ("slower", "faster")]
    if code != 0 or different:
        raise Failure(f"exit status {code}; {', '.join(different)}")


def a_slow_down_of_30_percent_is_found(kvmig, sides):
    code, verdicts = compared(kvmig, sides["base"], sides["slowed"])
    walls = {name: verdict for name, verdict in verdicts.items() if name.endswith("wall time")}
    if code != 1 or "slower" not in walls.values() or not set(walls.values()) <= {"slower", "within noise"}:
        raise Failure(f"exit status {code}; {walls}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kvmig")
    parser.add_argument("--lab", default="compare")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    kvmig = Program(given.kvmig, given.lab)
    expect(kvmig.in_lab("up"), 0)
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        sides = {"base": [], "same": [], "slowed": []}
        for number in range(given.rounds):
            for side, files in sides.items():
                files.append(str(folder / f"{side}-{number}.json"))
                run = ("run", SCENARIO, "--json", files[-1])
                if side == "slowed":
                    with Slowed(kvmig):
                        expect(kvmig.in_lab(*run), 0)
                else:
                    expect(kvmig.in_lab(*run), 0)
        for case in (runs_of_the_same_are_not_called_different, a_slow_down_of_30_percent_is_found):
            name = case.__name__.replace("_", "-")
            try:
                case(kvmig, sides)
                print(f"ok {name}", flush=True)
            except (Failure, OSError, ValueError, KeyError, subprocess.SubprocessError) as problem:
                failed += 1
                print(f"FAIL {name}: {problem}".replace("\n", " | "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

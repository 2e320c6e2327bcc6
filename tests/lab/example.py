#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""example.py KVMIG EXAMPLE [--lab NAME]: tests/examples/migrate.cpp between the lab's hosts.

Called off by Ctrl-C, then let go on to its end. Prints a line for each case: `ok CASE` or
`FAIL CASE: why`. Needs root.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from faults import Failure, Program, expect
from inventory import Hosts

UNLIMITED = 2**43 - 1  # what libvirt takes at most
FAILURE = "fail-no-route"  # what leaves a guest on kvm01 when it is mended


class Example:
    def __init__(self, path, hosts):
        self.hosts = hosts
        self.argv = [*hosts.there, str(Path(path).resolve()), "vm1",
                     "qemu+ssh://root@kvm01.kvmig.test/system", "qemu+ssh://root@kvm02.kvmig.test/system"]

    def start(self):
        return subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def limit_speed(self, most):
        """In MiB/s, of migrations that name no speed of their own."""
        self.hosts.ask("kvm01", "virsh", "migrate-setspeed", "vm1", str(most))

    def runs_at(self):
        """The hosts on which the guest is active."""
        return [host for host in ("kvm01", "kvm02")
                if "vm1" in self.hosts.ask(host, "virsh", "list", "--name").split()]


def ended(run):
    out, err = run.communicate(timeout=900)
    return run.returncode, out, err


def called_off_the_guest_stays(example):
    example.limit_speed(1)  # else it may have moved before it can be called off
    run = example.start()
    for line in run.stderr:
        if "%" in line:
            break
    run.send_signal(signal.SIGINT)
    expect(ended(run), 1, "cancelled")
    if example.runs_at() != ["kvm01"]:
        raise Failure(f"the guest is at {example.runs_at()}")


def let_go_on_it_arrives(example):
    example.limit_speed(UNLIMITED)
    expect(ended(example.start()), 0, "100 %", "kvm02")
    if example.runs_at() != ["kvm02"]:
        raise Failure(f"the guest is at {example.runs_at()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kvmig")
    parser.add_argument("example")
    parser.add_argument("--lab", default="example")
    given = parser.parse_args()
    kvmig = Program(given.kvmig, given.lab)
    for command in (["up"], ["break", FAILURE], ["mend", FAILURE]):
        expect(kvmig.in_lab(*command), 0)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        example = Example(given.example, Hosts(kvmig, folder))
        for case in (called_off_the_guest_stays, let_go_on_it_arrives):
            name = case.__name__.replace("_", "-")
            try:
                case(example)
                print(f"ok {name}", flush=True)
            except (Failure, OSError, ValueError, subprocess.SubprocessError) as problem:
                failed += 1
                print(f"FAIL {name}: {problem}".replace("\n", " | "), flush=True)
    expect(kvmig.in_lab("reset"), 0)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

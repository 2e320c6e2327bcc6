#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""inventory.py KVMIG [--lab NAME] [SCENARIO...]: the lab's own hosts, given to the program as hosts of
somebody else's by an inventory.

A guest and a volume that are not the lab's stand on them meanwhile, and must not be touched. Prints
a line for each case: `ok CASE` or `FAIL CASE: why`. Needs root.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from faults import Failure, Program, expect, processes

INVENTORY = """[[host]]
uri = "qemu+ssh://root@kvm01.kvmig.test/system"
peer_uri = "qemu+ssh://root@kvm01/system"

[[host]]
uri = "qemu+ssh://root@kvm02.kvmig.test/system"
migration_address = "192.0.2.12"

[store]
pool = "images"
local_pool = "local"

[guest]
bridge = "br0"
address = "192.0.2.150/24"
"""

BYSTANDER = """<domain type='kvm'><name>bystander</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><memballoon model='none'/></devices></domain>"""

STRANGER = "<domain type='kvm'><name>kvmig-lab-00000000-vm1</name><memory>65536</memory><os><type>hvm</type></os></domain>"


class Hosts:
    """Both hosts, and the program as it is called from a machine of their network."""

    def __init__(self, kvmig, folder):
        self.kvmig, self.file = kvmig, Path(folder, "hosts.toml")
        self.json = Path(folder, "run.json")
        holder = processes(kvmig.status()["directory"], "network")
        if not holder:
            raise Failure("the lab is not up")
        self.there = ["nsenter", f"--target={holder[0]}", "--net", "--mount",
                      f"--wd={Path.cwd()}"]

    def __call__(self, *arguments, text=INVENTORY):
        self.file.write_text(text)
        return self.kvmig("lab", *arguments, prefix=self.there)

    def run(self, *scenarios, text=INVENTORY):
        return self("run", "--inventory", str(self.file), "--json", str(self.json), *scenarios,
                    text=text)

    def begin(self, scenario):
        self.file.write_text(INVENTORY)
        return subprocess.Popen(
            [*self.there, self.kvmig.path, "lab", "run", "--inventory", str(self.file), scenario],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def ask(self, host, *argv):
        code, out, err = self.kvmig("lab", "shell", "--lab", self.kvmig.lab, host, "--", *argv)
        if code != 0:
            raise Failure(f"{host}: {' '.join(argv)}: {err.strip()}")
        return out

    def belongings(self):
        """Domains with their state, and volumes, of both hosts."""
        seen = []
        for host in ("kvm01", "kvm02"):
            for pool in ("images", "local"):
                self.ask(host, "virsh", "pool-refresh", pool)
                seen += [f"{host} {pool} {line.split()[0]}" for line in self.ask(
                    host, "virsh", "vol-list", pool).splitlines()[2:] if line.strip()]
            seen += [f"{host} {' '.join(line.split()[1:])}" for line in self.ask(
                host, "virsh", "list", "--all").splitlines()[2:] if line.strip()]
        return sorted(seen)


def add_bystanders(hosts):
    hosts.ask("kvm01", "sh", "-c", f"echo \"{BYSTANDER}\" >/tmp/bystander.xml && "
              "virsh define /tmp/bystander.xml && virsh start bystander && "
              "virsh vol-create-as images bystander.raw 1M && virsh vol-create-as local vm1.qcow2 1M")
    return hosts.ask("kvm01", "cat", "/run/libvirt/qemu/bystander.pid")


def what_is_in_the_way_is_told_at_once(hosts, _):
    before = hosts.belongings()
    for was, then, *words in (
            ("kvm02.kvmig.test", "kvm03.kvmig.test", "cannot connect", "kvm03"),
            ("pool = \"images\"", "pool = \"imagery\"", "imagery", "pool-define-as"),
            ("br0", "br7", "no bridge 'br7'"),
            ("192.0.2.150", "192.0.2.10", "answers a ping", "an `address` that nobody has"),
            ("192.0.2.150/24", "192.0.2.230/28", "not in the guest's network", "probe")):
        expect(hosts("inventory", str(hosts.file), text=INVENTORY.replace(was, then)), 5, *words)
    both = INVENTORY.replace("br0", "br7").replace("192.0.2.150", "192.0.2.10")
    expect(hosts.run("live-shared", text=both), 5, "3 things are in the way; nothing was done",
           "br7", "answers a ping", "kvm01", "kvm02")
    expect(hosts("inventory", str(hosts.file)), 0, "nothing stands in the way", "live-shared")
    if hosts.belongings() != before:
        raise Failure(f"something was changed: {before} {hosts.belongings()}")


def another_lab_is_left_alone(hosts, _):
    hosts.ask("kvm02", "sh", "-c", f"echo \"{STRANGER}\" >/tmp/stranger.xml && "
              "virsh define /tmp/stranger.xml")
    before = hosts.belongings()
    expect(hosts.run("live-shared"), 5, "another lab has things there", "kvmig-lab-00000000-vm1")
    if hosts.belongings() != before:
        raise Failure("another lab's things were touched")
    hosts.ask("kvm02", "virsh", "undefine", "kvmig-lab-00000000-vm1")


def a_killed_run_is_tidied_up_by_the_next(hosts, scenarios):
    pid = add_bystanders(hosts)
    before = hosts.belongings()
    run = hosts.begin("live-shared")
    told = []
    for line in run.stderr:
        told.append(line.strip())
        if ": memory " in line and "%" in line:
            break
    else:
        raise Failure("it ended without a migration: " + " | ".join(told)[-400:])
    run.kill()
    run.wait()
    left = set(hosts.belongings()) - set(before)
    if not any("kvmig-lab-" in each and "vm1" in each for each in left):
        raise Failure(f"the killed run has left nothing to be tidied up: {left}")
    if not all("kvmig-lab-" in each for each in left):
        raise Failure(f"something of another name was made: {left}")

    expect(hosts.run(*scenarios, "fail-fqdn"), 0, f"{len(scenarios)} passed, 0 failed, 1 skipped",
           "an earlier run has left things there",
           "it runs on the lab's own machines only: it breaks a host")
    if hosts.belongings() != before:
        raise Failure(f"the hosts are not as before: {before} {hosts.belongings()}")
    if hosts.ask("kvm01", "cat", "/run/libvirt/qemu/bystander.pid") != pid:
        raise Failure("the other guest was ended")
    environment = json.loads(hosts.json.read_text())["environment"]
    if [each["name"].split(".")[0] for each in environment["real_hosts"]] != ["kvm01", "kvm02"]:
        raise Failure(f"the environment does not tell of the hosts: {environment}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kvmig")
    parser.add_argument("scenarios", nargs="*", default=["live-shared"])
    parser.add_argument("--lab", default="inventory")
    given = parser.parse_args()
    kvmig = Program(given.kvmig, given.lab)
    for command in ("up", "reset"):
        expect(kvmig.in_lab(command), 0)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        hosts = Hosts(kvmig, folder)
        for case in (what_is_in_the_way_is_told_at_once, another_lab_is_left_alone,
                     a_killed_run_is_tidied_up_by_the_next):
            name = case.__name__.replace("_", "-")
            try:
                case(hosts, given.scenarios)
                print(f"ok {name}", flush=True)
            except (Failure, OSError, ValueError, KeyError, subprocess.SubprocessError) as problem:
                failed += 1
                print(f"FAIL {name}: {problem}".replace("\n", " | "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

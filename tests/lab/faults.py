#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""faults.py KVMIG [--lab NAME] [CASE...]: bad input, and faults, shown to the real program.

Each case asks the program for something that cannot be, or takes something away under it, and
expects an error that names the thing and what to do, the exit status that scripts rely on, and a
lab that works afterwards. Prints a line for each: `ok CASE` or `FAIL CASE: why`. Needs root.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = []


def case(function):
    CASES.append(function)
    return function


class Failure(Exception):
    pass


class Program:
    def __init__(self, path, lab):
        self.path, self.lab = str(Path(path).resolve()), lab

    def start(self, *arguments, **how):
        return subprocess.Popen([self.path, *arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)

    def __call__(self, *arguments, prefix=(), env=None, timeout=900):
        done = subprocess.run([*prefix, self.path, *arguments], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=timeout, check=False,
                              env={**os.environ, **(env or {})})
        return done.returncode, done.stdout, done.stderr

    def in_lab(self, *arguments, **how):
        return self("lab", *arguments, "--lab", self.lab, **how)

    def status(self):
        return json.loads(self.in_lab("status", "--json")[1])


def expect_no_lab(name):
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    if (state / "kvmig/lab" / name).exists():
        raise Failure(f"a folder for the lab '{name}' was left")


def expect(result, status, *words):
    code, out, err = result
    if code != status:
        raise Failure(f"exit status {code}, not {status}: {(err or out).strip()[-600:]}")
    for word in words:
        if word not in out + err:
            raise Failure(f"does not say '{word}': {err.strip()[-600:]}")


def processes(lab_root, role):
    """Processes of a lab by the mark in their environment."""
    mark = f"KVMIG_LAB_PROCESS={lab_root}:{role}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and any(
                    one.startswith(mark) for one in (entry / "environ").read_bytes().split(b"\0")):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def wait_for(what, condition, seconds=600):
    """Watches a condition that nobody announces."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"waited in vain for {what}")
        select_pause()


def select_pause():
    import select
    select.select([], [], [], 0.05)


def traces():
    """Network devices and named namespaces of this machine, outside any lab."""
    return (subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout,
            subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout)


# Bad input

def tools_folder(folder, *names):
    """A PATH that holds only these tools."""
    for name in names:
        for place in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
            if Path(place, name).exists():
                os.symlink(Path(place, name), Path(folder, name))
                break
    return folder


ALL_TOOLS = ("qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "ip", "ssh", "ssh-keygen",
             "busybox", "tar", "setsid", "unshare")


@case
def no_privileges(kvmig):
    """Another user than root, without newuidmap to make a user namespace with."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as tools:
        for folder in (home, tools):
            os.chmod(folder, 0o777)
        program = Path(home) / "program"
        program.write_bytes(Path(kvmig.path).read_bytes())
        program.chmod(0o755)
        expect(Program(program, "x").in_lab(
            "up", prefix=["/usr/bin/unshare", "--user", "--map-user=65534", "--map-group=65534"],
            env={"HOME": home, "XDG_STATE_HOME": home, "XDG_CACHE_HOME": home,
                 "PATH": tools_folder(tools, *ALL_TOOLS)}), 5, "run as root", "uidmap")


@case
def no_tun(kvmig):
    hide = "mount -t tmpfs none /dev/net && exec \"$@\""
    expect(kvmig("lab", "up", "--lab", "no-tun",
                 prefix=["unshare", "--mount", "sh", "-c", hide, "sh"]), 5, "/dev/net/tun", "modprobe")
    expect_no_lab("no-tun")


@case
def package_missing(kvmig):
    with tempfile.TemporaryDirectory() as tools:
        expect(kvmig("lab", "up", "--lab", "no-tools",
                     env={"PATH": tools_folder(tools, "ip", "ssh", "tar", "setsid", "unshare", "mke2fs")}),
               5, "not installed", "qemu-system-x86_64", "apt-get install", "mmdebstrap")


@case
def little_memory_and_disk_are_named_together(kvmig):
    with tempfile.TemporaryDirectory() as state:
        small = "mount -t tmpfs -o size=1m none \"$0\" && exec \"$@\""
        expect(kvmig("lab", "up", "--lab", "small",
                     prefix=["unshare", "--mount", "sh", "-c", small, state],
                     env={"XDG_CACHE_HOME": state, "XDG_STATE_HOME": state}), 5,
               "disk for the cache", "disk for the lab")


@case
def disk_full_while_building(kvmig):
    """The space is there at the look beforehand, and gone when the image is made."""
    with tempfile.TemporaryDirectory() as cache:
        script = ("mount -t tmpfs -o size=3200m none \"$0\" && mkdir \"$0\"/kvmig && "
                  "(until [ -e \"$0\"/kvmig/image-bookworm.lock ]; do :; done; "
                  "fallocate -l 2800m \"$0\"/filler) & "
                  "\"$@\"; status=$?; ls -A \"$0\"/kvmig >&2; exit $status")
        result = kvmig("lab", "up", "--lab", "full",
                       prefix=["unshare", "--mount", "bash", "-c", script, cache],
                       env={"XDG_CACHE_HOME": cache})
        expect(result, 1, "MiB are left where the cache is", "free some")
        if ".image-" in result[2].splitlines()[-1]:
            raise Failure("a half-made image was left: " + result[2].splitlines()[-1])
        expect(kvmig("lab", "down", "--purge", "--lab", "full"), 0)


@case
def names_that_are_none(kvmig):
    expect(kvmig.in_lab("shell", "kvm09"), 2, "kvm09", "{nfs,kvm01,kvm02}")
    expect(kvmig("lab", "up", "--lab", "../x"), 2, "../x")
    expect(kvmig.in_lab("run", "live-nothing"), 2, "live-nothing", "live-shared")
    expect(kvmig("lab", "up", "--lab", "none", "--release", "sarge"), 2, "sarge", "bookworm, trixie")
    expect(kvmig("lab", "up", "--lab", "none", "--accel", "xen"), 2, "xen", "auto, kvm or tcg")
    expect_no_lab("none")
    expect(kvmig("lab", "shell", "kvm01", "--lab", "never-made"), 1, "never-made", "lab up")


@case
def uri_that_cannot_be_parsed(kvmig):
    expect(kvmig("migrate", "vm1", "--from", "test:///default", "--to",
                 "qemu+ssh://192.0.2.11:/system"), 2, "qemu+ssh://192.0.2.11:/system")


@case
def same_host_and_domain_unknown(kvmig):
    expect(kvmig("migrate", "test", "--from", "test:///default", "--to", "test:///default"), 2,
           "same")
    expect(kvmig("migrate", "nobody", "--from", "test:///default", "--to", "test:///default"), 1,
           "nobody")


# Faults, in the lab

@case
def up_is_idempotent_and_leaves_no_trace(kvmig):
    before = traces()
    expect(kvmig.in_lab("up"), 0)
    first = {machine["name"]: machine["pid"] for machine in kvmig.status()["machines"]}
    expect(kvmig.in_lab("up"), 0)
    if first != {machine["name"]: machine["pid"] for machine in kvmig.status()["machines"]}:
        raise Failure("a second `up` started other machines")
    if traces() != before:
        raise Failure("the machine's own network has changed")


@case
def two_at_once_wait_and_say_for_whom(kvmig):
    first = kvmig.start("lab", "reset", "--lab", kvmig.lab)
    wait_for("the first to hold the lab", lambda: kvmig.status()["in_use_by"] or first.poll() is not None)
    second = kvmig.in_lab("up")
    if first.wait() != 0:
        raise Failure("the first failed: " + first.stderr.read())
    expect(second, 0, "is in use: kvmig lab reset")


@case
def killed_in_up_and_interrupted_in_up(kvmig):
    root = kvmig.status()["directory"]
    for number in (signal.SIGKILL, signal.SIGINT):
        expect(kvmig.in_lab("down"), 0)
        up = kvmig.start("lab", "up", "--lab", kvmig.lab)
        wait_for("a machine", lambda: processes(root, "machine/") or up.poll() is not None)
        up.send_signal(number)
        status = up.wait()
        if number == signal.SIGINT and status not in (0, 4):
            raise Failure(f"interrupted, exit status {status}: {up.stderr.read()}")
    expect(kvmig.in_lab("down"), 0)
    left = processes(root, "")
    if left:
        raise Failure(f"`down` left processes {left}")
    expect(kvmig.in_lab("up"), 0)


def start_migrating(kvmig):
    """A run whose migration has begun, and does not end soon: however fast the machine, it is in
    pre-copy yet when it is disturbed."""
    run = kvmig.start("lab", "run", "live-downtime", "--lab", kvmig.lab)
    told = []
    # Its own progress says so first: whoever asks the host by SSH may come too late.
    for line in run.stderr:
        told.append(line.strip())
        if ": memory " in line and "%" in line:
            return run
    raise Failure("it ended without a migration: " + " | ".join(told)[-400:])


@case
def killed_during_a_migration(kvmig):
    run = start_migrating(kvmig)
    run.kill()
    run.wait()
    expect(kvmig.in_lab("down"), 0)
    if processes(kvmig.status()["directory"], ""):
        raise Failure("`down` left processes")
    expect(kvmig.in_lab("up"), 0)


@case
def a_host_that_dies_is_told_and_the_lab_heals(kvmig):
    root = kvmig.status()["directory"]
    run = start_migrating(kvmig)
    for pid in processes(root, "machine/kvm02"):
        os.kill(pid, signal.SIGKILL)
    out, err = run.communicate(timeout=900)
    expect((run.returncode, out, err), 1, "kvm02", "0 passed, 1 failed")
    if kvmig.status()["state"] != "up":
        raise Failure("the lab is not up again")
    expect(kvmig.in_lab("run", "live-shared"), 0, "1 passed, 0 failed")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kvmig")
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--lab", default="faults")
    given = parser.parse_args()
    kvmig = Program(given.kvmig, given.lab)
    failed = 0
    known = {function.__name__.replace("_", "-"): function for function in CASES}
    unknown = [name for name in given.cases if name not in known]
    if unknown:
        parser.error(f"no case is called {', '.join(unknown)}; there are {', '.join(known)}")
    for name, function in known.items():
        if given.cases and name not in given.cases:
            continue
        try:
            function(kvmig)
            print(f"ok {name}", flush=True)
        except (Failure, OSError, ValueError, subprocess.SubprocessError) as problem:
            failed += 1
            print(f"FAIL {name}: {problem}".replace("\n", " | "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

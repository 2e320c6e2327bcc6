#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""manual.py KVMIG BUILD: what is told of the command line elsewhere says what `--help` says.

The man page is read by mandoc, the completions are tried in bash, zsh and fish, as a user types
them; all four are installed where man and the shells look. With Debian's mandoc, zsh and fish.
"""

import os
import pty
import re
import select
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KVMIG, BUILD = (Path(each).resolve() for each in sys.argv[1:])
os.environ.pop("KVMIG_LAB", None)
problems = []


def equal(what, seen, expected):
    if seen != expected:
        problems.append(f"{what}: {seen!r}, not {expected!r}")


def told(*arguments):
    return subprocess.run([KVMIG, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def read_help(path=()):
    """{words of a command: its (options, commands)}, as `--help` tells them."""
    section, options, commands = None, [], []
    for line in told(*path, "--help").splitlines():
        if re.match(r"[A-Z]\w+:$", line):
            section = line
        elif section == "Options:" and line.startswith("  -"):
            options += re.findall(r"(?<![\w-])--?\w[\w-]*", line[2:].split("  ")[0].split(" ")[0])
        elif section == "Subcommands:" and re.match(r"  \w", line):
            commands.append(line.split()[0])
    out = {path: (options, commands)}
    for each in commands:
        out.update(read_help((*path, each)))
    return out


def check_page(helped):
    page = told("manual")
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, text=True,
                          stdout=subprocess.PIPE, check=False).stdout.splitlines()
    # A page with the day of its making would not be made the same twice.
    equal("mandoc", [line for line in lint if "missing date" not in line], [])
    text = subprocess.run(["mandoc", "-T", "ascii"], input=page, text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    text = re.sub(".\b", "", text)
    for path, (options, _) in helped.items():
        name = " ".join(("kvmig", *path))
        begin = f"\n   {name}\n" if path else "\nOPTIONS\n"
        if begin not in text:
            problems.append(f"the man page has no part for {name}")
            continue
        part = re.split(r"\n(?=   kvmig|[A-Z])", text.split(begin, 1)[1])[0]
        for option in options:
            if option not in ("-h", "--help") or not path:
                if not re.search(rf"(?<![\w-]){option}(?![\w-])", part):
                    problems.append(f"the man page's {name} says nothing of {option}")


class Shell:
    """A shell at a terminal. In the folder that it is in, `kvmig` prints what it was given."""

    def __init__(self, argv, folder, prepare, key):
        self.key, self.seen = key, ""
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(folder / "work")
            os.environ.update(PATH=f"{folder}/bin:{os.environ['PATH']}", TERM="dumb", PS1="",
                              HOME=str(folder), KVMIG_REAL=str(KVMIG))
            os.execvp(argv[0], argv)
        self.type(f"{prepare}; kvmig is ready\n")
        self.answer()

    def type(self, text):
        os.write(self.terminal, text.encode())

    def answer(self):
        """The arguments with which `kvmig` was run next."""
        until = time.monotonic() + 60
        while not (found := re.search(r"TYPED(.*?)END", self.seen, re.S)):
            if not select.select([self.terminal], [], [], max(0, until - time.monotonic()))[0]:
                sys.exit(f"{self.key!r}: no answer: {self.seen!r}")
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        self.seen = self.seen[found.end():]
        return re.findall(r"<(.*?)>", found[1])

    def complete(self, line):
        """What the last word of `line` can become: the shell puts it all into the line."""
        before = line.split(" ")[:-1]
        self.type(f"kvmig {line}{self.key}\n")
        answer = self.answer()
        equal(f"the words before those of {line!r}", answer[:len(before)], before)
        return answer[len(before):]


class Fish:
    def __init__(self, folder):
        self.folder = folder

    def complete(self, line):
        script = f"kvmig completion fish | source; complete -C {shlex.quote('kvmig ' + line)}"
        said = subprocess.run(["fish", "--no-config", "-c", script], check=True, text=True,
                              cwd=self.folder / "work", stdout=subprocess.PIPE,
                              env={**os.environ, "PATH": f"{KVMIG.parent}:{os.environ['PATH']}",
                                   "HOME": str(self.folder)}).stdout
        return [each.split("\t")[0] for each in said.splitlines()]


def check_shell(name, shell, helped):
    def offers(line, expected):
        seen = [word.rstrip("=/") for word in shell.complete(line)]
        equal(f"{name}: kvmig {line}<Tab>", sorted(set(seen)), sorted(set(expected)))

    for path, (options, commands) in helped.items():
        line = " ".join((*path, ""))
        long = {each for each in options if each.startswith("--")}
        if path[:1] == ("tune",):
            long |= {"--dry-run", "--json", "--revert", "--root"}  # before the topic and after it
        offers(line + "--", long)
        if commands:
            offers(line, commands)
    offers("migrate --mode ", ["live", "block", "incremental", "cold", "auto"])
    offers("migrate --mode au", ["auto"])
    offers("migrate --mode=bl", ["--mode=block"])
    offers("migrate --timeout ", [])
    offers("migrate vm1 --xml ", ["one.xml", "two.xml", "folder"])
    offers("tune ksm --root ", ["folder"])
    offers("lab report o", ["one.xml"])
    offers("tune profile virtual-h", ["virtual-host"])
    offers("tune ksm --dry", ["--dry-run"])
    offers("lab shell k", ["kvm01", "kvm02"])
    ids = [line.split()[0] for line in told("explain", "--list").splitlines()]
    offers("explain KVM-NET-00", [each for each in ids if each.startswith("KVM-NET-00")])
    offers("check --ignore KVM-CPU-0", [each for each in ids if each.startswith("KVM-CPU-0")])
    scenarios = [line.split()[0] for line in told("lab", "list").splitlines()]
    offers("lab run live-s", [each for each in scenarios if each.startswith("live-s")])


def check_installed():
    with tempfile.TemporaryDirectory() as prefix:
        subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix, "--component", "program"],
                       check=True, stdout=subprocess.DEVNULL)
        for file, arguments in {
                "share/man/man1/kvmig.1": ["manual"],
                "share/bash-completion/completions/kvmig": ["completion", "bash"],
                "share/zsh/vendor-completions/_kvmig": ["completion", "zsh"],
                "share/fish/vendor_completions.d/kvmig.fish": ["completion", "fish"]}.items():
            path = Path(prefix) / file
            if not path.is_file():
                problems.append(f"{file} is not installed")
            else:
                equal(file, path.read_text(encoding="utf-8") == told(*arguments), True)


def main():
    helped = read_help()
    if len(helped) < 25:
        sys.exit(f"--help was misread: {helped}")
    check_page(helped)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bin").mkdir()
        (folder / "work/folder").mkdir(parents=True)
        (folder / "work/one.xml").touch()
        (folder / "work/two.xml").touch()
        stand_in = folder / "bin/kvmig"
        stand_in.write_text("""#!/bin/sh
[ -t 1 ] || exec "$KVMIG_REAL" "$@" # called to complete
printf TYPED
printf '<%s>' "$@"
printf END
""", encoding="utf-8")
        stand_in.chmod(0o755)
        check_shell("fish", Fish(folder), helped)
        # Each has a way to put all that fits into the line: Alt-* in bash, a widget in zsh.
        check_shell("bash", Shell(["bash", "--norc", "--noprofile", "-i"], folder,
                                  "source <(kvmig completion bash)", "\x1b*"), helped)
        check_shell("zsh", Shell(
            ["zsh", "-f", "-i"], folder,
            "autoload -Uz compinit && compinit -D -u && source <(kvmig completion zsh); "
            "all() { _main_complete; compstate[insert]=all; }; zle -C all complete-word all; "
            "bindkey '^T' all", "\x14"), helped)
    check_installed()
    sys.exit("\n".join(problems) or 0)


main()

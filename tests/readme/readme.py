#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readme.py FILE.md --build DIR [--lab]: runs every command and snippet of a Markdown file.

Each fenced block has a comment before it that says how it is tested:

  <!-- test: compile NAME.cpp -->    cpp: compiled and linked against kvmig::kvmig, installed
  <!-- test: run NAME.cpp -->        cpp: and run; exit status 0
  <!-- test: configure -->           cmake: as the CMakeLists.txt of a project that holds every
                                     NAME.cpp of the file, and the checkout as the folder kvmig
  <!-- test: run -->                 sh: run in the checkout, kvmig in PATH; exit status 0
  <!-- test: ci -->                  sh: ci/run, which runs this test; only its options are checked
  <!-- test: output-of COMMAND -->   text: what COMMAND prints on stdout; any number stands for any
                                     other, `...` for any text, or for any lines where it is alone
  <!-- test: picture -->             text: not a command

With `lab` before the verb (or alone, for `lab run`) it needs the lab, and is run by --lab, which
runs nothing else. In the text, code that begins with kvmig, lab/run or ci/run must name subcommands
and options that --help tells of.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
VERBS = {"cpp": {"compile", "run"}, "cmake": {"configure"}, "sh": {"run", "ci"},
         "text": {"output-of", "picture"}}


class Block:
    def __init__(self, line, language, lab, verb, argument):
        self.line, self.language, self.lab = line, language, lab
        self.verb, self.argument, self.text = verb, argument, ""


class Failure(Exception):
    """Text about a line: shown as FILE:LINE: text."""

    def __init__(self, line, text):
        super().__init__(text)
        self.line = line


def parse(text):
    """The fenced blocks of a Markdown file, and its lines outside them."""
    blocks, prose, note, fence = [], [], None, None
    for number, line in enumerate(text.splitlines(), 1):
        if fence:
            if line.strip() == "```":
                fence = None
            else:
                blocks[-1].text += line + "\n"
        elif found := re.match(r"```\s*(\w*)", line):
            fence, language = number, found[1] or "text"
            if language not in VERBS:
                raise Failure(number, f"no test for a block of '{language}'; use {', '.join(VERBS)}")
            if not note:
                raise Failure(number, "this block is not tested; put <!-- test: ... --> before it")
            lab, verb, argument = note
            if verb not in VERBS[language]:
                raise Failure(number, f"no test '{verb}' for {language}; use {', '.join(VERBS[language])}")
            if (language == "cpp" or verb == "output-of") and not argument:
                raise Failure(number, f"'{verb}' needs to be told of what")
            blocks.append(Block(number, language, lab, verb, argument))
            note = None
        else:
            prose.append((number, line))
            if found := re.fullmatch(r"<!-- test:\s*(lab\b)?\s*(\S*)\s*(.*?)\s*-->", line.strip()):
                note = (bool(found[1]), found[2] or "run", found[3])
            elif line.strip():
                note = None
    if fence:
        raise Failure(fence, "this block has no end")
    return blocks, prose


def execute(line, command, **options):
    """Stdout of a command; a failure tells all it said."""
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, **options)
    if done.returncode != 0:
        raise Failure(line, f"status {done.returncode} from {command}\n{done.stdout}{done.stderr}")
    return done.stdout


def pattern_of(shown):
    """A regular expression for what a shown output stands for."""
    parts = []
    for line in shown.splitlines():
        if line.strip() in {"...", "…"}:
            parts.append(r"(?:.*\n)*?")
        else:
            text = re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*").replace("…", ".*")
            text = re.sub(r"\d+(?:(?:\\[.]|[,:])\d+)*", lambda _: r"\d+(?:[.,:]\d+)*", text)
            parts.append(text.replace(r"\ ", " ") + r"\n")
    return re.compile("".join(parts))


def matches(shown, printed):
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    return pattern_of(shown).fullmatch("".join(line + "\n" for line in lines)) is not None


class Tester:
    def __init__(self, build):
        self.build = build
        self.env = {**os.environ, "PATH": f"{build}:{os.environ['PATH']}"}
        self.printed = {}

    def shell(self, line, command):
        if command not in self.printed:
            self.printed[command] = execute(line, ["bash", "-euo", "pipefail", "-c", command],
                                            cwd=SOURCE, env=self.env)
        return self.printed[command]

    def help(self, line, command):
        return execute(line, [*command, "--help"], cwd=SOURCE, env=self.env)

    def words(self, line, code):
        """Checks that `kvmig SUB... --option`, `lab/run --option` is one that --help tells of."""
        command, *rest = code.split()
        path = [command]
        told = self.help(line, path)
        for word in rest:
            listed = re.search(r"^Subcommands:\n((?:  .*\n?)+)", told, re.MULTILINE)
            if not listed or not re.fullmatch("[a-z][a-z-]*", word):
                break
            if word not in re.findall(r"^  (\S+)", listed[1], re.MULTILINE):
                raise Failure(line, f"`{code}`: {' '.join(path)} --help tells of no '{word}'")
            path.append(word)
            told = self.help(line, path)
        for option in re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", code.split(" -- ")[0]):
            if not re.search(re.escape(option) + r"(?![\w-])", told):
                raise Failure(line, f"`{code}`: {' '.join(path)} --help tells of no '{option}'")

    def programs(self, blocks, folder):
        """Builds every C++ block, and every CMake block with them."""
        cpp = [b for b in blocks if b.language == "cpp"]
        if not cpp:
            return
        execute(cpp[0].line, ["cmake", "--install", self.build, "--prefix", folder / "prefix",
                              "--component", "library"])
        lines = ["cmake_minimum_required(VERSION 3.25)", "project(readme LANGUAGES CXX)",
                 "find_package(kvmig REQUIRED)"]
        for block in cpp:
            name = Path(block.argument).stem
            lines += [f"add_executable({name} {block.argument})",
                      f"target_link_libraries({name} PRIVATE kvmig::kvmig)"]
        self.project(cpp[0].line, folder / "cpp", cpp, "\n".join(lines) + "\n")
        for block in blocks:
            if block.language == "cmake":
                self.project(block.line, folder / f"cmake-{block.line}", cpp, block.text)

    def project(self, line, folder, cpp, cmake):
        folder.mkdir()
        (folder / "kvmig").symlink_to(SOURCE)
        (folder / "CMakeLists.txt").write_text(cmake)
        for block in cpp:
            # Compilers then name the place in the Markdown file.
            (folder / block.argument).write_text(f'#line {block.line + 1} "{self.file}"\n{block.text}')
        execute(line, ["cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build",
                       f"-DCMAKE_PREFIX_PATH={folder.parent / 'prefix'}"])
        execute(line, ["cmake", "--build", folder / "build"])

    def test(self, file, lab):
        self.file = file
        blocks, prose = parse(file.read_text())
        chosen = [b for b in blocks if b.lab == lab]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if not lab:  # what is kept of the migrations of whoever runs this stays as it is
                self.env["XDG_STATE_HOME"] = str(folder / "state")
            if not lab or any(b.language == "cpp" for b in chosen):
                self.programs(blocks, folder)
            for block in chosen:
                self.one(block, folder)
        if not lab:
            for number, line in prose:
                seen = re.sub("<!--.*?-->", "", line)
                for code in re.findall(r"`((?:kvmig|lab/run|ci/run)(?: [^`]*)?)`", seen):
                    self.words(number, code)
        return len(chosen)

    def one(self, block, folder):
        if block.language == "cpp" and block.verb == "run":
            execute(block.line, [folder / "cpp/build" / Path(block.argument).stem])
        elif block.language == "sh" and block.verb == "run":
            self.shell(block.line, block.text.strip())
        elif block.verb == "ci":
            for offset, line in enumerate(block.text.splitlines(), 1):
                if not re.match(r"ci/run( --[a-z]+)*$", line):
                    raise Failure(block.line + offset, "only ci/run and its options can be tested by 'ci'")
                self.words(block.line + offset, line)
        elif block.verb == "output-of":
            printed = self.shell(block.line, block.argument)
            if not matches(block.text, printed):
                raise Failure(block.line, f"{block.argument} printed otherwise:\n{printed}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--build", type=Path, default=SOURCE / "build/release")
    parser.add_argument("--lab", action="store_true")
    arguments = parser.parse_args()
    try:
        count = Tester(arguments.build.resolve()).test(arguments.file.resolve(), arguments.lab)
    except Failure as failure:
        sys.exit(f"{arguments.file}:{failure.line}: {failure}")
    print(f"{arguments.file}: {count} blocks")


if __name__ == "__main__":
    main()

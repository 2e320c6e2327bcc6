#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""planted.py RULE: plants each way to break RULE into a small clean tree, one at a time, and expects
ci/lint to name the rule at that line. `clean` expects the tree without a plant to pass every rule;
`complete` expects a plant for every rule; `headers` does the same for headers that do not compile
alone. CXX is the compiler."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SPDX = "// SPDX-License-Identifier: MIT\n"

TREE = {
    "include/kvmig/kvmig.hpp": SPDX + "#pragma once\n\n#include <kvmig/core.hpp>\n"
                                      "#include <kvmig/model.hpp>\n#include <kvmig/xml.hpp>\n",
    "include/kvmig/core.hpp": SPDX + "#pragma once\n\n#include <kvmig/core/size.hpp>\n"
                                     "#include <kvmig/core/version.hpp>\n",
    "include/kvmig/core/size.hpp": SPDX + "#pragma once\n\nnamespace kvmig {\n\n"
                                          "inline int size() { return 3; }\n\n} // namespace kvmig\n",
    "include/kvmig/model.hpp": SPDX + "#pragma once\n\n#include <kvmig/model/domain.hpp>\n",
    "include/kvmig/model/domain.hpp": SPDX + "#pragma once\n\n#include <kvmig/core/size.hpp>\n",
    "include/kvmig/xml.hpp": SPDX + "#pragma once\n\n#include <kvmig/model/domain.hpp>\n",
    "lab/CMakeLists.txt": "# SPDX-License-Identifier: MIT\nadd_library(kvmig_lab STATIC tool.cpp)\n"
                          "target_include_directories(kvmig_lab PUBLIC ..)\n"
                          "target_link_libraries(kvmig_lab PUBLIC kvmig_options kvmig::kvmig)\n",
    "lab/tool.hpp": SPDX + "#pragma once\n\nint tool();\n",
    "lab/tool.cpp": SPDX + "#include <lab/tool.hpp>\n\n#include <kvmig/core/size.hpp>\n\n"
                           "int tool() { return kvmig::size(); }\n",
    "ci/tool": "#!/usr/bin/env bash\n# SPDX-License-Identifier: MIT\nset -euo pipefail\necho ready\n",
}

SIZE, DOMAIN, TOOL = "include/kvmig/core/size.hpp", "include/kvmig/model/domain.hpp", "lab/tool.cpp"

# For each rule, the plants: a file, the line that is put in, its number, and the place that is
# named when it is another one.
# Those that would be found in this file are written in two parts.
PLANTS = {
    "layer": [(SIZE, "#include <kvmig/model/domain.hpp>", 3),
              (SIZE, "#include <kvmig/kvmig.hpp>", 3),
              (SIZE, "#include <lab/tool.hpp>", 3),
              ("include/kvmig/xml.hpp", "#include <kvmig/tuning/ksm.hpp>", 4),
              ("include/kvmig/libvirt/domain.hpp", "#include <kvmig/host/command.hpp>", 2),
              ("include/kvmig/ports.hpp", "#include <kvmig/run/migrate.hpp>", 2),
              ("include/kvmig/odds/ends.hpp", SPDX.strip(), 1)],
    "c-api": [(SIZE, "#include <libvirt/libvirt.h>", 3),
              ("include/kvmig/nfs/pool.hpp", "#include <libvirt/virterror.h>", 2),
              (TOOL, "#include <nfsc/libnfs.h>", 4)],
    "pure": [(SIZE, "#include <fstream>", 3), (DOMAIN, "#include <thread>", 4),
             ("include/kvmig/xml.hpp", "#include <sys/socket.h>", 3),
             (SIZE, "inline auto now() { return std::chrono::steady_clock::now(); }", 6),
             (SIZE, "inline auto now() { return time(nullptr); }", 6)],
    "range-all": [(TOOL, "#include <range/v3/all.hpp>", 3),
                  (SIZE, "#include <range/v3/view/all.hpp>", 3)],
    "quoted-include": [(TOOL, '#include "tool.hpp"', 3)],
    "umbrella": [("include/kvmig/core/lonely.hpp", SPDX.strip(), 1),
                 ("include/kvmig/run.hpp", SPDX.strip(), 1, "include/kvmig/kvmig.hpp:1")],
    "spdx": [("lab/bare.hpp", "#pragma once", 1), ("ci/bare", "#!/bin/sh", 1)],
    "leftover": [(SIZE, "// TO" "DO: more", 3), ("ci/tool", "# FIX" "ME", 3)],
    "deprecated": [(SIZE, "[[deprecated]] inline int old() { return 3; }", 6),
                   (SIZE, "inline int old() __attribute__((deprecated(\"size\")));", 6)],
    "sleep": [(TOOL, "void nap() { std::this_thread::sleep" "_for(1s); }", 6),
              (TOOL, "void nap() { usl" "eep(10); }", 6), ("ci/tool", "sl" "eep 5", 4)],
    "machine": [(SIZE, "// see /wo" "rk/notes", 3), ("ci/tool", "ls /ro" "ot/x", 4),
                ("README.md", "from http://deb.deb" "ian.org/", 1)],
    "shell-call": [(TOOL, "void call(const char *text) { system(text); }", 6),
                   (TOOL, 'void *call() { return ::popen("ls", "r"); }', 6)],
    "long-file": [(SIZE, "\n" * 450, 3, SIZE + ":451")],
    "clang-format": [(SIZE, "int  wide ( ) ;", 6)],
    "shellcheck": [("ci/tool", "rm $1", 4)],
    "clang-tidy": [(SIZE, "inline int Loud() { return 4; }", 6),
                   ("lab/tool.hpp", "inline int Loud() { return 4; }", 3),
                   (TOOL, "int Loud() { return 4; }", 6)],
}

# Headers that stop the build of all_verify_interface_header_sets.
HEADERS = [(SIZE, "inline std::string name() { return {}; }", 6),
           (SIZE, "inline int part(double whole) { return (int)whole; }", 6)]


def make_tree(root):
    for name in ["CMakeLists.txt", ".clang-format", ".clang-tidy", "ci/cmake",
                 "include/kvmig/core/version.hpp"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (SOURCE / name).is_dir() else shutil.copy
        copy(SOURCE / name, root / name)
    for name, text in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def plant(root, file, text, line):
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text().splitlines() if path.exists() else [""] * (line - 1)
    path.write_text("\n".join([*lines[:line - 1], text, *lines[line - 1:]]) + "\n")


def lint(root, *rules):
    return subprocess.run([SOURCE / "ci/lint", "--root", root, *rules], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def verify_headers(root):
    build = root / "build/headers"
    subprocess.run(["cmake", "-S", root, "-B", build, "-G", "Ninja", "-DKVMIG_BUILD_LAB=OFF",
                    "-DKVMIG_BUILD_TESTS=OFF"], check=True, stdout=subprocess.DEVNULL)
    return subprocess.run(["ninja", "-k0", "-C", build, "all_verify_interface_header_sets"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def expect(holds, message, done):
    if not holds:
        sys.exit(f"{message}\n{done.stdout}")


def with_plant(file, text, line, check):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_tree(root)
        if file:
            plant(root, file, text, line)
        return check(root)


def main():
    what = sys.argv[1]
    if what == "complete":
        listed = subprocess.run([SOURCE / "ci/lint", "--list"], text=True, stdout=subprocess.PIPE, check=True)
        rules = {line.split()[0] for line in listed.stdout.splitlines()}
        expect(rules == set(PLANTS), f"not planted, or no rule: {rules ^ set(PLANTS)}", listed)
    elif what == "clean":
        done = with_plant(None, None, None, lint)
        expect(done.returncode == 0 and done.stdout.count("ok ") == len(PLANTS), "a clean tree fails", done)
    elif what == "headers":
        done = with_plant(None, None, None, verify_headers)
        expect(done.returncode == 0, "clean headers fail", done)
        for file, text, line in HEADERS:
            done = with_plant(file, text, line, verify_headers)
            expect(done.returncode != 0 and f"{file}:{line}:" in done.stdout, f"not found: {text}", done)
    else:
        for file, text, line, *elsewhere in PLANTS[what]:
            done = with_plant(file, text, line, lambda root: lint(root, what))
            place = elsewhere[0] if elsewhere else f"{file}:{line}"
            expect(done.returncode == 1 and f"{place}: [{what}] " in done.stdout
                   and done.stdout.endswith(f"FAIL {what}\n"), f"not found: {text!r} in {place}", done)


if __name__ == "__main__":
    os.environ.setdefault("CXX", "c++")
    main()

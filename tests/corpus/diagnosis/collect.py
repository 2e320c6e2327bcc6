#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Collects the messages that libvirt and QEMU can report, with file and line, from unpacked sources.

Usage: collect.py SOURCE_TREE [FOLDER...]

Prints one line a call of a reporting function: place, function, first argument, text with its printf
conversions. It finds the calls by their names and balances parentheses; it is no C parser: a text chosen by
a condition comes out as its alternatives joined. Get the trees with `apt-get source libvirt qemu`.
"""
import os
import re
import sys

REPORTS = re.compile(
    r"\b(virReportError|virReportSystemError|virReportInvalid\w+|virReportUnsupportedError|"
    r"virReportEnumRangeError|virReportRestrictedError|VIR_WARN|VIR_ERROR|"
    r"error_setg(?:_errno|_file_open)?|error_report(?:_once)?|warn_report(?:_once)?|error_prepend|"
    r"error_append_hint|warn_reportf_err|error_reportf_err|info_report)\s*\("
)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def calls(text):
    """Yields function, line and argument text of every call of a reporting function."""
    for match in REPORTS.finditer(text):
        at, depth, quoted = match.end(), 1, False
        while at < len(text) and depth:
            char = text[at]
            if quoted:
                if char == "\\":
                    at += 1
                elif char == '"':
                    quoted = False
            elif char == '"':
                quoted = True
            elif char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
            at += 1
        yield match.group(1), text.count("\n", 0, match.start()) + 1, text[match.end() : at - 1]


def main(root, folders):
    for folder in folders or ["."]:
        for place, _, files in sorted(os.walk(os.path.join(root, folder))):
            if "/.pc" in place or "/tests" in place:
                continue
            for name in sorted(files):
                if not name.endswith(".c"):
                    continue
                path = os.path.join(place, name)
                with open(path, errors="replace") as source:
                    text = source.read()
                text = re.sub(
                    r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S
                )
                for function, line, arguments in calls(text):
                    words = "".join(STRING.findall(arguments))
                    if not words:
                        continue
                    first = re.match(r"\s*(&?[\w>.-]+)", arguments)
                    where = os.path.relpath(path, root)
                    print(f"{where}:{line}", function, first.group(1) if first else "", words, sep="\t")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""report.py KVMIG RUN.json...: `kvmig lab report` as its readers read it, who are not of this project.

The runs themselves, and what `kvmig lab merge` makes of the shards among them, are held against
their schema. With Debian's python3-jsonschema, -junitparser and -prometheus-client; and promtool,
where it is installed.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import junitparser
import page_run
from prometheus_client.openmetrics.parser import text_string_to_metric_families

kvmig, *run_files = sys.argv[1:]
schema = json.loads((Path(__file__).resolve().parents[2] / "lab/report/run.schema.json")
                    .read_text(encoding="utf-8"))


def equal(what, seen, expected):
    if seen != expected:
        sys.exit(f"{what}: {seen!r}, not {expected!r}")


def key_of(sample):
    return sample.labels["scenario"], sample.labels.get("repetition", "")


def check_trace(text, run):
    """Chrome's Trace Event Format, as ui.perfetto.dev takes it: known kinds with what each needs,
    names for every process and thread, in order of time, and slices that lie in or behind each other."""
    trace = json.loads(text)
    events = trace["traceEvents"]
    needed = {"M": {"args"}, "X": {"ts", "dur"}, "i": {"ts", "s"}, "C": {"ts", "args"}}
    for event in events:
        missing = ({"name", "ph", "pid", "tid"} | needed.get(event["ph"], {"a kind that is known"})) - set(event)
        equal(f"{event}: missing", missing, set())
        if not isinstance(event["name"], str) or not event["name"]:
            sys.exit(f"{event}: no name")
    named = {(event["name"], event["pid"], event["tid"]) for event in events if event["ph"] == "M"}
    drawn = [event for event in events if event["ph"] != "M"]
    for event in drawn:
        if ("process_name", event["pid"], 0) not in named:
            sys.exit(f"{event}: its process has no name")
        if event["ph"] != "C" and ("thread_name", event["pid"], event["tid"]) not in named:
            sys.exit(f"{event}: its thread has no name")
    times = [event["ts"] for event in drawn]
    equal("in order of time", times, sorted(times))
    open_until = {}
    for event in drawn:
        if event["ph"] == "C":
            equal(f"{event}: a number", [type(each) in (int, float) for each in event["args"].values()], [True])
        if event["ph"] != "X":
            continue
        if event["dur"] <= 0:
            sys.exit(f"{event}: takes no time")
        ends = open_until.setdefault((event["pid"], event["tid"]), [])
        while ends and ends[-1] <= event["ts"] + 1e-3:
            ends.pop()
        if ends and event["ts"] + event["dur"] > ends[-1] + 1e-3:
            sys.exit(f"{event}: ends after the one that it lies in")
        ends.append(event["ts"] + event["dur"])
    migrations = [key for scenario in run["scenarios"] for key in (scenario["samples"] or {})
                  if key.endswith("migration")]
    told = [event["name"] for event in drawn if event["ph"] == "X" and event["name"].endswith("migration")]
    equal("migrations in the trace", sorted(told), sorted(migrations))


def check(run_file):
    run = json.loads(Path(run_file).read_text(encoding="utf-8"))

    def told(form):
        return subprocess.run([kvmig, "lab", "report", run_file, form, "-"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    jsonschema.validate(run, schema)
    for broken in ({**run, "schema": "kvmig.run/2"}, {**run, "more": 1},
                   {**run, "shard": {"index": 0, "count": 1}}):
        try:
            jsonschema.validate(broken, schema)
        except jsonschema.ValidationError:
            continue
        sys.exit("the schema takes what is no run")

    # Entries of one id are repetitions, told apart by their number.
    ids = [scenario["id"] for scenario in run["scenarios"]]
    keys = [(name, str(ids[:place + 1].count(name)) if ids.count(name) > 1 else "")
            for place, name in enumerate(ids)]

    suites = junitparser.JUnitXml.fromstring(told("--junit").encode())
    (suite,) = suites
    outcomes = [scenario["outcome"] for scenario in run["scenarios"]]
    equal("names", len({case.name for case in suite}), len(ids))
    equal("tests", suite.tests, len(outcomes))
    equal("failures", suite.failures, outcomes.count("failed"))
    equal("skipped", suite.skipped, outcomes.count("skipped"))
    for case, scenario, key in zip(suite, run["scenarios"], keys, strict=True):
        equal("name", case.name, scenario["id"] + (f" [{key[1]}]" if key[1] else ""))
        equal("time", case.time, scenario["seconds"])
        kinds = {"passed": [], "failed": [junitparser.Failure], "skipped": [junitparser.Skipped]}
        equal(case.name, [type(each) for each in case.result], kinds[scenario["outcome"]])
        for each in case.result:
            equal("message", each.message, scenario["reason"])

    check_trace(told("--trace"), run)

    text = told("--openmetrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for family in families.values():
        equal(f"{family.name}: type", family.type, "gauge")
    for family in families.values():
        labels = [sorted(sample.labels.items()) for sample in family.samples]
        equal(f"{family.name}: told twice", [one for one in labels if labels.count(one) > 1], [])
    passed = {key_of(sample): sample.value for sample in families["kvmig_scenario_passed"].samples}
    equal("passed", passed, {key: float(scenario["outcome"] == "passed")
                             for key, scenario in zip(keys, run["scenarios"])
                             if scenario["outcome"] != "skipped"})
    factors = {"ms": ("seconds", 0.001), "s": ("seconds", 1), "bytes": ("bytes", 1),
               "bytes/s": ("bytes_per_second", 1), "ratio": ("ratio", 1), "count": ("items", 1)}
    seen = {(name, key_of(sample), sample.labels["figure"]): sample.value
            for name, family in families.items() if name.startswith("kvmig_figure_")
            for sample in family.samples}
    expected = {}
    for key, scenario in zip(keys, run["scenarios"]):
        for figure in scenario["figures"]:
            suffix, factor = factors.get(figure["unit"], ("other", 1))
            if figure["value"] is not None:
                expected[f"kvmig_figure_{suffix}", key, figure["name"]] = \
                    figure["value"] * factor
    equal("figures", sorted(seen), sorted(expected))
    for key, value in expected.items():
        if abs(seen[key] - value) > 1e-9 * abs(value):
            sys.exit(f"{key}: {seen[key]}, not {value}")
    # Debian has it in the package prometheus alone, with a server and 92 MiB: not among ci/packages.
    # The parser above is of the same project.
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True)

    # In a table's row every bar is escaped, or ends a cell.
    for line in told("--markdown").splitlines():
        if line.startswith("| ") and line.replace("\\|", "").count("|") not in (4, 5):
            sys.exit(f"a row that was broken out of: {line}")
        if "<script" in line:
            sys.exit(f"HTML of a host: {line}")


jsonschema.Draft202012Validator.check_schema(schema)
for each in run_files:
    check(each)
with tempfile.TemporaryDirectory() as folder:
    drawn = Path(folder) / "run.json"
    drawn.write_text(json.dumps(page_run.whole_run()), encoding="utf-8")
    check(drawn)
shards = [each for each in run_files if "shard" in json.loads(Path(each).read_text(encoding="utf-8"))]
with tempfile.TemporaryDirectory() as folder:
    merged = f"{folder}/merged.json"
    subprocess.run([kvmig, "lab", "merge", *shards, "--json", merged], check=True,
                   stdout=subprocess.DEVNULL)
    check(merged)
print("as its readers expect")

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples.py KVMIG: the pipelines of ci/examples, each job in a folder of its own, with what it is
handed of other jobs. Every shell step is run, by the shell and the options that the CI system has.

Stand-ins, for there is no lab here and no time to build: `cmake` puts the stand-in of kvmig in its
place; that has the real kvmig refuse `lab run` for the lab's name alone, when it has taken all
else, and makes up a run of the shard; whatever else is asked, the real kvmig does. `apt-get`
installs nothing: ci/install finds all there.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import yaml

SOURCE = Path(__file__).resolve().parents[2]
KVMIG = Path(sys.argv.pop(1)).resolve()

CMAKE = """#!/usr/bin/env bash
set -eu
[[ " $* " == *" --preset release "* ]] && grep -q '"name": "release"' CMakePresets.json
mkdir -p build/release
cp "$STAND_IN" build/release/kvmig
touch build/release/kvmig-guest-agent
"""

STAND_IN = r"""#!/usr/bin/env python3
import json, os, subprocess, sys
kvmig, arguments = os.environ["REAL_KVMIG"], sys.argv[1:]
if arguments[:2] != ["lab", "run"]:
    os.execv(kvmig, [kvmig, *arguments])
said = subprocess.run([kvmig, *arguments], env={**os.environ, "KVMIG_LAB": "No Lab"}, text=True,
                      stderr=subprocess.PIPE, check=False).stderr
assert "'No Lab'" in said, said
agent = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "kvmig-guest-agent")
assert os.path.exists(agent), "the guest's agent did not come along"
index, count = map(int, arguments[arguments.index("--shard") + 1].split("/"))
listed = json.loads(subprocess.run([kvmig, "lab", "list", "--json"], stdout=subprocess.PIPE,
                                   check=True).stdout)["scenarios"]
with open(os.environ["RECORDED"], encoding="utf-8") as file:
    run = json.load(file)
passed = run["scenarios"][0]
run["shard"] = {"index": index, "count": count}
run["scenarios"] = [{**passed, "id": each["id"]} for each in listed[index - 1::count]]
if index == 2:
    run["scenarios"][0].update(outcome="failed", reason="the disk differs")
with open(arguments[arguments.index("--json") + 1], "w", encoding="utf-8") as file:
    json.dump(run, file)
sys.exit(index == 2)
"""


class Job:
    """Its steps: a shell text; a name and patterns of files to keep; or a pattern of names and
    where to put what was kept."""

    def __init__(self, name, environment, steps):
        self.name, self.environment, self.steps = name, environment, steps


def filled_in(value, matrix, total):
    """GitHub's expressions, of which the examples use two."""
    known = {"matrix.shard": matrix, "strategy.job-total": total}
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: str(known[found[1]]), str(value))


def github(pipeline):
    for name, job in pipeline["jobs"].items():
        shards = job.get("strategy", {}).get("matrix", {}).get("shard", [None])
        for shard in shards:
            steps, environment = [], {}
            for step in job["steps"]:
                given = {key: filled_in(value, shard, len(shards))
                         for key, value in {**step.get("with", {}), **step.get("env", {})}.items()}
                action = step.get("uses", "").split("@")[0]
                if "run" in step:
                    assert "${{" not in step["run"], "an expression in a shell step; use env"
                    environment.update(given)
                    steps.append(("run", "bash -e", step["run"]))
                elif action == "actions/upload-artifact":
                    steps.append(("keep", given["name"], given["path"].split()))
                elif action == "actions/download-artifact":
                    steps.append(("fetch", given.get("name", given.get("pattern")), given["path"]))
                else:
                    assert action == "actions/checkout", step
            yield Job(name, environment, steps)


def gitlab(pipeline):
    jobs = [name for stage in pipeline["stages"] for name, job in pipeline.items()
            if isinstance(job, dict) and job.get("stage") == stage]
    for name in jobs:
        job = pipeline[name]
        total = job.get("parallel", 1)
        kept = job["artifacts"]["paths"] + list(job["artifacts"].get("reports", {}).values())
        for index in range(1, total + 1):
            yield Job(name, {"CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(total)},
                      [("fetch", "*", "."), ("run", "bash -eo pipefail", "\n".join(job["script"])),
                       ("keep", f"{name} {index}", kept)])


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name, text in (("bin/cmake", CMAKE), ("bin/apt-get", "#!/bin/sh\nexit 1\n"),
                           ("kvmig", STAND_IN)):
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).write_text(text)
            (self.root / name).chmod(0o755)

    def keep(self, workspace, name, patterns):
        for pattern in patterns:
            for file in workspace.glob(pattern):
                # Artifacts lose their folder on GitHub, and keep it on GitLab.
                place = file.name if self.flat else file.relative_to(workspace)
                target = self.root / "kept" / name / place
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copytree(file, target) if file.is_dir() else shutil.copy(file, target)
                if self.flat:
                    target.chmod(0o644)  # and their mode

    def fetch(self, workspace, pattern, place):
        for kept in sorted((self.root / "kept").glob("*")):
            if fnmatch.fnmatch(kept.name, pattern):
                shutil.copytree(kept, workspace / place, dirs_exist_ok=True)

    def run_job(self, number, job):
        """The folder of the job, and the status of its first step that failed."""
        workspace = self.root / f"job-{number}"
        workspace.mkdir()
        (workspace / "ci").symlink_to(SOURCE / "ci")
        (workspace / "CMakePresets.json").symlink_to(SOURCE / "CMakePresets.json")
        environment = {**os.environ, **job.environment, "REAL_KVMIG": str(KVMIG),
                       "STAND_IN": str(self.root / "kvmig"), "HOME": str(workspace),
                       "PATH": f"{self.root}/bin:{os.environ['PATH']}",
                       "RECORDED": str(SOURCE / "tests/corpus/run/shard-1.json"),
                       "GITHUB_STEP_SUMMARY": str(workspace / "step-summary")}
        status, self.said = 0, ""
        for kind, what, how in job.steps:
            if kind == "keep":
                self.keep(workspace, what, how)
            elif kind == "fetch":
                self.fetch(workspace, what, how)
            elif status == 0:
                done = subprocess.run([*what.split(), "-c", how], cwd=workspace, text=True,
                                      env=environment, stdin=subprocess.DEVNULL, check=False,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                status = done.returncode
                self.said = done.stdout
        return workspace, status

    def check(self, file, read, flat):
        self.flat = flat
        pipeline = yaml.safe_load((SOURCE / "ci/examples" / file).read_text(encoding="utf-8"))
        for number, job in enumerate(read(pipeline)):
            workspace, status = self.run_job(number, job)
            # The first job builds; of the shards it is the second whose run has a failure.
            failed = (job.name, number) == ("lab", 2)
            self.assertEqual(status, int(failed), f"{job.name}, {number}: {self.said}")
        self.assertEqual(job.name, "report")
        listed = json.loads(subprocess.run([KVMIG, "lab", "list", "--json"], check=True,
                                           stdout=subprocess.PIPE).stdout)["scenarios"]
        merged = json.loads((workspace / "run.json").read_text(encoding="utf-8"))
        self.assertEqual([each["id"] for each in merged["scenarios"]],
                         [each["id"] for each in listed])
        cases = list(ElementTree.parse(workspace / "junit.xml").iter("testcase"))
        self.assertEqual(len(cases), len(listed))
        self.assertEqual(sum(case.find("failure") is not None for case in cases), 1)
        summary = (workspace / "summary.md").read_text(encoding="utf-8")
        self.assertIn(f"{len(listed) - 1} passed, 1 failed, 0 skipped", summary)
        return workspace, summary

    def test_github(self):
        workspace, summary = self.check("github-actions.yml", github, flat=True)
        self.assertEqual((workspace / "step-summary").read_text(encoding="utf-8"), summary)
        self.assertTrue((self.root / "kept/report/junit.xml").exists())

    def test_gitlab(self):
        self.check("gitlab-ci.yml", gitlab, flat=False)
        self.assertTrue((self.root / "kept/report 1/junit.xml").exists())


if __name__ == "__main__":
    unittest.main()

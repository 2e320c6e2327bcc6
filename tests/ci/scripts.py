#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The scripts of ci/ and lab/run, in a copy of their folders where the programs they call are
stand-ins, put first in PATH."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]

CTEST = r"""#!/usr/bin/env bash
# Writes JUnit as ctest does: all pass, but for what the preset is told to do.
while [[ $1 != --output-junit ]]; do [[ $1 != --preset ]] || preset=$2; shift; done
[[ $preset != tsan ]] || exit 8 # no results at all
cat >"$2" <<END
<testsuite><testcase name="core: a" status="run"/><testcase name="core: b" status="run"/>
<testcase name="core: c" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
<system-out>SKIPPED: no such device</system-out></testcase></testsuite>
END
[[ $preset != asan ]] || sed -i 's/name="core: b" status="run"/name="core: b" status="fail"/' "$2"
[[ $preset != asan ]]
"""

README = r"""#!/usr/bin/env bash
mkdir -p build/results
echo '{"schema": "kvmig.run/1", "scenarios": [
  {"id": "live-shared", "outcome": "passed", "reason": "", "failed_before": ["the guest is silent"]},
  {"id": "live-block", "outcome": "failed", "reason": "memory differs", "failed_before": []},
  {"id": "live-tls", "outcome": "skipped", "reason": "no certificates", "failed_before": []}]}' >build/results/run.json
exit 1
"""


class Scripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in ["ci/run", "ci/tally", "ci/install", "ci/packages", "ci/reference",
                     "ci/Doxyfile", "lab/run"]:
            (self.root / name).parent.mkdir(exist_ok=True)
            shutil.copy(SOURCE / name, self.root / name)

    def program(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.startswith("#!") else f"#!/usr/bin/env bash\n{text}\n")
        path.chmod(0o755)

    def call(self, *command, path=None):
        path = path or f"{self.root}/bin:{os.environ['PATH']}"
        return subprocess.run([self.root / command[0], *command[1:]], text=True, cwd=self.root,
                              env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def stand_in_for_ci(self):
        self.program("ci/install", "exit 0")
        self.program("ci/lint", '[[ $1 != --list ]] || { echo "layer x" && echo "clang-tidy y" && exit; }\n'
                                'echo "ok layer" && echo "a:1: [clang-tidy] b" && echo "FAIL clang-tidy" && exit 1')
        self.program("bin/cmake", "exit 0")
        self.program("bin/ctest", CTEST)
        self.program("build/release/kvmig", 'echo "kvmig $*" >>down')
        self.program("tests/lab/example.py", 'echo "ok arrives" && echo "FAIL stays" && exit 1')
        self.program("tests/lab/inventory.py", 'echo "ok killed" && echo "FAIL left alone" && exit 1')
        self.program("tests/lab/faults.py", 'echo "ok no tun" && echo "FAIL disk full" && exit 1')
        self.program("tests/lab/compare.py", 'echo "ok found"')
        self.program("tests/readme/readme.py", README)


class Run(Scripts):
    def test_sums_every_stage_and_goes_on_after_a_broken_one(self):
        self.stand_in_for_ci()
        self.program("bin/cmake", '[[ "$*" != "--build --preset clang --target"* ]]')
        done = self.call("ci/run", "--all")
        cases = (self.root / "build/ci/cases").read_text().splitlines()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual([c for c in cases if c.startswith("failed")], [
            "failed: lint: clang-tidy", "failed: clang: each header compiles alone",
            "failed: asan: core: b", "failed: tsan: status 8", "failed: lab: README.md",
            "failed: lab: live-block: memory differs", "failed: lab: example: stays",
            "failed: lab: inventory: left alone",
            "failed: lab: faults: disk full"])
        self.assertEqual([c for c in cases if c.startswith("skipped")], [
            "skipped: release: core: c: SKIPPED: no such device",
            "skipped: asan: core: c: SKIPPED: no such device",
            "skipped: lab: live-tls: no certificates"])
        # install, layer, release: configure, build, 2 cases, headers; clang: configure;
        # asan: configure, build, 1 case; tsan: configure, build; live-shared, the example, by inventory,
        # a fault, compared, down.
        self.assertEqual(done.stdout.splitlines()[-1], "19 passed, 9 failed, 3 skipped")
        self.assertIn("passed: lab: live-shared: at an earlier attempt: the guest is silent\n",
                      done.stdout)
        self.assertIn("kvmig lab down", (self.root / "down").read_text())
        self.assertNotIn("fail-ssh-key", (self.root / "down").read_text())

    def test_leaves_out_what_only_all_runs_and_says_so(self):
        self.stand_in_for_ci()
        self.program("bin/cmake", 'echo "$*" >>cmake; exit 0')
        done = self.call("ci/run")
        for stage in ["scenarios", "inventory", "faults", "compare"]:
            self.assertIn(f"skipped: lab: {stage}: only with --all", done.stdout)
        self.assertNotIn("disk full", done.stdout)
        self.assertIn("lab run fail-ssh-key", (self.root / "down").read_text())
        self.assertIn("-DKVMIG_TEST_FOLDERS=pure", (self.root / "cmake").read_text())
        self.assertIn("kvmig lab down", (self.root / "down").read_text())

    def test_quick_says_what_it_left_out(self):
        self.stand_in_for_ci()
        self.program("ci/lint", '[[ $1 != --list ]] || { echo "layer x" && echo "clang-tidy y" && exit; }\n'
                                '[[ $* == layer ]] && echo "ok layer"')
        done = self.call("ci/run", "--quick")
        self.assertEqual(done.returncode, 0, done.stdout)
        for stage in ["lint: clang-tidy", "clang", "asan", "tsan", "lab"]:
            self.assertIn(f"skipped: {stage}: left out by --quick", done.stdout)
        self.assertEqual(done.stdout.splitlines()[-1], "7 passed, 0 failed, 6 skipped")
        self.assertFalse((self.root / "down").exists())

    def test_ends_with_counts_when_nothing_can_be_installed(self):
        self.stand_in_for_ci()
        self.program("ci/install", "exit 5")
        done = self.call("ci/run")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 1 failed, 0 skipped")

    def test_refuses_an_unknown_option(self):
        self.assertEqual(self.call("ci/run", "--fast").returncode, 2)


class Install(Scripts):
    def setUp(self):
        super().setUp()
        for name in ["bash", "env", "dirname", "awk", "cat"]:
            self.program(f"bin/{name}", "")
            (self.root / "bin" / name).unlink()
            (self.root / "bin" / name).symlink_to(shutil.which(name))

    def test_names_what_is_needed_where_there_is_no_apt(self):
        done = self.call("ci/install", "build", path=f"{self.root}/bin")
        self.assertEqual(done.returncode, 5, done.stdout)
        for word in ["libvirt-dev", "ninja-build", "--no-install"]:
            self.assertIn(word, done.stdout)
        self.assertNotIn("qemu-system-x86", done.stdout)

    def test_installs_only_what_is_missing_and_says_it(self):
        self.program("bin/dpkg-query", '[[ ${!#} == libnfs-dev ]] || echo -n installed')
        self.program("bin/apt-get", 'echo "apt-get $*" >>calls')
        self.program("bin/sudo", 'shift $(($1 == -n)); "$@"')
        done = self.call("ci/install", "build", "lab", path=f"{self.root}/bin")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("Installing with apt-get: libnfs-dev\n", done.stdout)
        self.assertTrue((self.root / "calls").read_text().endswith(" -y libnfs-dev\n"))

    def test_is_silent_when_all_is_there(self):
        self.program("bin/dpkg-query", "echo -n installed")
        self.program("bin/apt-get", 'echo "apt-get $*" >>calls')
        done = self.call("ci/install", "build", path=f"{self.root}/bin")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertFalse((self.root / "calls").exists())

    def test_takes_a_command_from_elsewhere_for_a_package_with_a_star(self):
        self.program("bin/dpkg-query", '[[ ${!#} == npm || ${!#} == chromium ]] || echo -n installed')
        self.program("bin/apt-get", 'echo "apt-get $*" >>calls')
        self.program("bin/sudo", 'shift $(($1 == -n)); "$@"')
        self.program("bin/npm", "")
        done = self.call("ci/install", "test", path=f"{self.root}/bin")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("Installing with apt-get: chromium\n", done.stdout)

    def test_refuses_an_unknown_section(self):
        done = self.call("ci/install", "nosuch")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nosuch", done.stdout)


class LabRun(Scripts):
    def setUp(self):
        super().setUp()
        self.program("ci/install", 'echo "install $*" >>calls')
        self.program("bin/cmake", 'echo "cmake $*" >>calls')
        self.program("build/release/kvmig", r"""echo "kvmig $*" >>calls
            [[ $2 == run ]] || exit 0
            while [[ $1 != --json ]]; do shift; done
            echo '{}' >"$2"; [[ $2 != *fails* ]]""")

    def calls(self):
        return (self.root / "calls").read_text().splitlines()

    def test_installs_builds_and_runs_the_headline_scenarios(self):
        done = self.call("lab/run")
        self.assertEqual(done.returncode, 0, done.stdout)
        json_file = self.root / "build/results/run.json"
        self.assertEqual(self.calls()[0], "install build lab")
        self.assertEqual(self.calls()[-2:], ["kvmig lab up", f"kvmig lab run --headline --retry 1 --json {json_file}"])
        self.assertIn(f"Results: {json_file}", done.stdout)

    def test_hands_its_arguments_on(self):
        done = self.call("lab/run", "--lab", "b", "--release", "trixie", "--accel", "tcg", "--all",
                         "--no-install", "--retry", "0", "--json", "there/fails.json")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertNotIn("install build lab", self.calls())
        self.assertEqual(self.calls()[-2:], ["kvmig lab up --lab b --release trixie --accel tcg",
                                             "kvmig lab run * --lab b --retry 0 --json there/fails.json"])
        self.assertIn("Results: there/fails.json", done.stdout)

    def test_keeps_a_build_folder_that_is_there(self):
        self.call("lab/run")
        configures = sum("--preset release" in call for call in self.calls())
        (self.root / "build/release/build.ninja").touch()
        self.call("lab/run")
        self.assertEqual((configures, sum("--preset release" in call for call in self.calls())), (1, 1))

    def test_stops_when_the_machine_lacks_something(self):
        self.program("build/release/kvmig", "exit 5")
        self.assertEqual(self.call("lab/run").returncode, 5)

    def test_refuses_what_it_does_not_know(self):
        for arguments in [["--fast"], ["--lab"]]:
            self.assertEqual(self.call("lab/run", *arguments).returncode, 2)


class Reference(Scripts):
    def make(self, header):
        (self.root / "include").mkdir(exist_ok=True)
        (self.root / "include/a.hpp").write_text(
            f"// SPDX-License-Identifier: MIT\n/// A file.\n#pragma once\n{header}")
        (self.root / "README.md").write_text("# the project\n\n`text` is here\n")
        self.program("kvmig", r"""[[ $1 == explain ]] && printf '# Causes\\n' && exit
            printf '# States\\n\\n```dot\\ndigraph x { here -> there; }\\n```\\n'""")
        done = self.call("ci/reference", "kvmig", "out")
        return done.returncode, done.stdout

    def test_is_made_of_headers_readme_and_what_the_program_tells(self):
        status, said = self.make("""/// The only one.
namespace a {
/// How far a thing is.
struct place {
    int height; ///< in metres
    /// In metres too.
    int width;
    /// Whether they are one.
    friend bool operator==(const place &, const place &) = default;
};
namespace detail {
void concealed();
}
}
""")
        self.assertEqual(status, 0, said)
        html = self.root / "out/html"
        self.assertIn("the project", (html / "index.html").read_text())
        pages = "".join(each.read_text() for each in html.glob("md_*.html"))
        for word in ["Causes", "States", ".svg"]:
            self.assertIn(word, pages)
        place = (html / "structa_1_1place.html").read_text()
        # A comment behind a member is not taken for that of the next.
        self.assertIn(">in metres <br", place)
        self.assertIn(">In metres too. <br", place)
        told = "".join(each.read_text() for each in html.glob("*.html") if "_source" not in each.name)
        self.assertNotIn("concealed", told)
        self.assertNotIn("operator", told)

    def test_names_all_that_has_no_docstring(self):
        status, said = self.make("""/// The only one.
namespace a {
class thing {
public:
    void act();
    int held;
    static constexpr int least = 1;
private:
    int hidden;
};
/// With one member that is told, and one that is not.
struct place {
    int height; ///< in metres
    int depth;
};
int look();
inline constexpr int most = 3;
enum class colour { red };
using number = int;
}
""")
        self.assertEqual(status, 1, said)
        for name in ["a::thing", "act()", "held", "least", "depth", "look()", "most", "colour",
                     "number"]:
            self.assertRegex(said, rf"\b{re.escape(name)}.* is not documented")
        for name in ["height", "hidden"]:
            self.assertNotIn(name, said)

    def test_a_data_member_without_a_docstring_is_enough_to_fail(self):
        status, said = self.make("""/// The only one.
namespace a {
/// How far a thing is.
struct place {
    int height; ///< in metres
    int depth;
};
}
""")
        self.assertEqual(status, 1, said)
        self.assertIn("Member depth (variable) of struct a::place is not documented", said)
        self.assertEqual(said.count("is not documented"), 1, said)

    def test_takes_no_broken_markup(self):
        status, said = self.make("/// See @ref nowhere.\nvoid look();\n")
        self.assertEqual(status, 1, said)
        self.assertIn("nowhere", said)


class Tally(Scripts):
    def tally(self, name, text):
        (self.root / name).write_text(text)
        done = self.call("ci/tally", "stage", name)
        return done.returncode, done.stdout.splitlines()

    def test_a_program_that_is_not_there_failed(self):
        self.assertEqual(self.tally("a.xml", """<testsuite>
            <testcase name="a" status="notrun"><skipped message="Unable to find executable"/></testcase>
            <testcase name="b" status="disabled"/></testsuite>"""),
                         (0, ["failed: stage: a: Unable to find executable", "skipped: stage: b: disabled"]))

    def test_refuses_results_that_it_does_not_know(self):
        scenario = {"id": "a", "outcome": "fine"}
        for run in [{"schema": "kvmig.run/2", "scenarios": []},
                    {"schema": "kvmig.run/1", "scenarios": [scenario]}]:
            self.assertNotEqual(self.tally("a.json", json.dumps(run))[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""run.py --update: what it writes is what a run compares with, and nothing else changes."""
import pathlib, subprocess, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run


class Update(unittest.TestCase):
    maxDiff = None

    def updated(self, text, stdout="", stderr="", runtime="user"):
        with tempfile.TemporaryDirectory(dir=run.here) as folder:
            path = pathlib.Path(folder) / "x.stp"
            path.write_text(text)
            result = subprocess.CompletedProcess([], 0, stdout.encode(), stderr.encode())
            run.update(run.Test(path), result, runtime)
            self.assertEqual(run.check(run.Test(path), runtime, result), [])
            once = path.read_text()
            run.update(run.Test(path), result, runtime)
            self.assertEqual(path.read_text(), once)
            return once

    def test_sections_stay_where_they_are(self):
        for between in "", "\n", "probe begin { exit() }\n":
            text = f"# SPDX\n#! options: -w\n#! stdout\n#! old\n#! older\n{between}#! stderr\n#! old error\n"
            self.assertEqual(self.updated(text, "a\n\nb\n", "c\n"), f"# SPDX\n#! options: -w\n#! stdout\n#! a\n#! \n#! b\n{between}#! stderr\n#! c\n")
            self.assertEqual(self.updated(text, "", "c\n"), f"# SPDX\n#! options: -w\n{between}#! stderr\n#! c\n")
            self.assertEqual(self.updated(text), f"# SPDX\n#! options: -w\n{between}".rstrip("\n") + "\n" * (1 + (between == "\n")))

    def test_new_sections_come_last(self):
        self.assertEqual(self.updated("# SPDX\nprobe begin { }\n", "a", "b\n"), "# SPDX\nprobe begin { }\n#! stdout\n#! a\\ no newline\n#! stderr\n#! b\n")
        self.assertEqual(self.updated("# SPDX\nprobe begin { }\n#! stderr\n#! b\n", "a\n", "b\n"), "# SPDX\nprobe begin { }\n#! stderr\n#! b\n#! stdout\n#! a\n")

    def test_patterns_stay(self):
        text = "#! stdout~\n#! a+\n#! stderr\n#! old\nprobe begin { }\n"
        self.assertEqual(self.updated(text, "aaa\n", "new\n"), "#! stdout~\n#! a+\n#! stderr\n#! new\nprobe begin { }\n")

    def test_each_runtime_has_its_own(self):
        text = "#! stdout\n#! both\n#! stdout:kernel\n#! old\nprobe begin { }\n#! stderr\n#! same\n"
        self.assertEqual(self.updated(text, "new\n", "same\n", "kernel"), text.replace("old", "new"))
        self.assertEqual(self.updated(text, "new\n", "same\n", "user"), text.replace("both", "new"))
        self.assertEqual(self.updated(text, "", "same\n", "kernel"), text.replace("#! old\n", ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)

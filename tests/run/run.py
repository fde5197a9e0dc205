#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the scripts below tests/run/ and compares what they print, in full.

  run.py --stap STAP --runtime user|kernel|interpret [--update] [NAME ...]

With --runtime=interpret, the tests of the user runtime run in the reference interpreter of the IR (stap-ir-dump --run beside STAP), before the passes and after
them. Tests that embedded C keeps from it are named with the function at fault, and counted.
With --runtime=kernel, one guest serves all (tap-vm serve); a run whose dmesg shows BUG, WARNING, Oops, RCU or lockdep lines fails in `stap --vm`.
A test is one .stp file. Lines that start with `#!` are directives (and comments to stap); tests/README.md lists them.
--update writes what was printed into the file, to be read before it is committed.
"""
import argparse, os, pathlib, re, shlex, subprocess, sys, time

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here / "lib"))
from guest import Guest, kernels


SECTION = re.compile(r"(stdout|stderr)(~)?(:(user|kernel))?")


class Test:
    def __init__(self, path):
        self.path = path
        self.name = str(path.relative_to(here))[:-4]
        self.fields = {"runtime": "user kernel", "options": "", "args": "", "exit": "0", "timeout": "60", "interpret": "", "modules": "", "environment": ""}
        self.expected = {}
        section = None
        for line in path.read_text().splitlines():
            if not line.startswith("#!"):
                section = None
                continue
            body = line[2:]
            word = body.strip()
            if SECTION.fullmatch(word):
                section = word
                self.expected[section] = []
            elif section is not None:
                self.expected[section].append(body[1:] if body.startswith(" ") else body)
            elif m := re.fullmatch(r"\s*(\w+):\s*(.*)", body):
                if m[1] not in self.fields:
                    sys.exit(f"{path}: unknown directive `{m[1]}`")
                self.fields[m[1]] = m[2]
            else:
                sys.exit(f"{path}: cannot read directive `{line}`")

    def runs_on(self, runtime):
        if runtime == "interpret":
            return "user" in self.fields["runtime"].split() and not self.fields["interpret"].startswith("no ")
        return runtime in self.fields["runtime"].split()


def line_of(stap, vm, where):
    """The line of `MODULE:FUNCTION+N`, N behind that where the debug symbols of the guest's kernel say that the function begins."""
    module, name, distance = re.fullmatch(r"(\w+):(\w+)\+(\d+)", where).groups()
    point = ("kernel" if module == "kernel" else f'module("{module}")') + f'.function("{name}")'
    release = ["-r", vm.partition("=")[2] or next(iter(kernels()))]
    listed = subprocess.run([stap, *release, "-l", point], capture_output=True, text=True).stdout
    found = re.search(r':(\d+)"\)', listed)
    return str((int(found[1]) if found else 0) + int(distance))


def expand(text, programs, stap, vm):
    text = re.sub(r"@LINE ([^@]*)@", lambda m: line_of(stap, vm, m[1]), text)
    return text.replace("@BIN@", str(programs)).replace("@CORPUS@", str(here.parent / "corpus")).replace("@HERE@", str(here))


def command(test, stap, runtime, programs, vm="--vm"):
    words = [os.path.join(os.path.dirname(os.path.abspath(stap)), "stap-ir-dump"), "--run"] if runtime == "interpret" else [stap]
    words += [vm] if runtime == "kernel" else ["--runtime=user"]
    words += shlex.split(expand(test.fields["options"], programs, stap, vm))
    if "@SCRIPT@" in words:
        words[words.index("@SCRIPT@")] = str(test.path)
    elif not any(w in ("-e",) or w.endswith(".stp") for w in words):
        words.append(str(test.path))
    return words + shlex.split(expand(test.fields["args"], programs, stap, vm))


def pattern_of(line):
    """(regular expression of a line, fewest, most): `...` alone is any number of lines; the prefixes `* `, `+ ` and `? ` repeat their line."""
    if line == "...":
        return re.compile(".*"), 0, None
    repeat = {"* ": (0, None), "+ ": (1, None), "? ": (0, 1)}.get(line[:2])
    return (re.compile(line[2:]), *repeat) if repeat else (re.compile(line), 1, 1)


def matches(expected, actual, is_regex):
    if not is_regex:
        return expected == actual
    # Line by line: `reached` are the numbers of printed lines that the patterns so far can account for.
    reached = {0}
    for line in expected:
        pattern, fewest, most = pattern_of(line)
        following = set()
        for start in reached:
            end, taken = start, 0
            while True:
                if taken >= fewest:
                    following.add(end)
                if end == len(actual) or taken == most or not pattern.fullmatch(actual[end]):
                    break
                end, taken = end + 1, taken + 1
        reached = following
    return len(actual) in reached


def split_output(data):
    text = data.decode("utf-8", "replace")
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    elif lines:
        lines[-1] += "\\ no newline"
    return lines


def section_for(test, stream, runtime):
    """The section of a test that says what it prints there on that runtime, its own before that for both; None: there is none."""
    wanted = None
    for key in test.expected:
        m = SECTION.fullmatch(key)
        if m[1] == stream and (m[4] is None or m[4] == ("user" if runtime == "interpret" else runtime)) and (wanted is None or m[4]):
            wanted = key
    return wanted


def check(test, runtime, result):
    problems = []
    if test.fields["exit"] != "any" and result.returncode != int(test.fields["exit"]):
        problems.append(f"exit status {result.returncode}, expected {test.fields['exit']}")
    for stream, data in (("stdout", result.stdout), ("stderr", result.stderr)):
        actual = split_output(data)
        wanted = ([], False)
        if key := section_for(test, stream, runtime):
            wanted = (test.expected[key], "~" in key)
        if not matches(wanted[0], actual, wanted[1]):
            problems.append(f"{stream} differs\n  expected{' (pattern)' if wanted[1] else ''}:\n" + "".join(f"    {l}\n" for l in wanted[0][:60]) +
                            "  printed:\n" + "".join(f"    {l}\n" for l in actual[:60]))
    return problems


NOT_INTERPRETED = re.compile(rb"^stap-ir-dump: not interpreted: (embedded C: .*)$", re.M)


def interpreted(test, result, lowered):
    """(problems of a test in the interpreter, why it is none of its tests)."""
    embedded = NOT_INTERPRETED.search(result.stderr) or NOT_INTERPRETED.search(lowered.stderr)
    if embedded:
        return [], embedded[1].decode()
    return check(test, "interpret", result) + ["before the passes: " + problem for problem in check(test, "interpret", lowered)], None


def update(test, result, runtime):
    """Writes what was printed into the sections that check() compared it with; patterns stay. What has no section gets one at the end."""
    new = {}
    for stream, data in (("stdout", result.stdout), ("stderr", result.stderr)):
        key = section_for(test, stream, runtime) or stream
        if "~" not in key:
            new[key] = split_output(data)
    out, section, written = [], None, set()
    for line in test.path.read_text().splitlines():
        word = line[2:].strip()
        if not line.startswith("#!"):
            section = None
        elif SECTION.fullmatch(word):
            section = word
            if section in new:
                # One for both runtimes is left out when there is nothing to say; one for this runtime says that there is nothing.
                printed = new[section]
                if section not in written:
                    out += [line] * bool(printed or ":" in section) + [f"#! {l}" for l in printed]
                written.add(section)
        if section not in new:
            out.append(line)
    for section, printed in new.items():
        if section in written:
            continue
        if printed:
            out += [f"#! {section}"] + [f"#! {l}" for l in printed]
    test.path.write_text("\n".join(out) + "\n")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--stap", required=True, type=os.path.abspath)
    options.add_argument("--runtime", required=True, choices=["user", "kernel", "interpret"])
    options.add_argument("--programs", default="", type=os.path.abspath)
    options.add_argument("--release", help="kernel of the guest (stap's own choice)")
    options.add_argument("--update", action="store_true")
    options.add_argument("names", nargs="*")
    args = options.parse_args()
    vm = f"--vm={args.release}" if args.release else "--vm"
    tests = [t for t in (Test(p) for p in sorted(here.rglob("*.stp"))) if t.runs_on(args.runtime)]
    if args.names:
        tests = [t for t in tests if any(n in t.name for n in args.names)]
    # Who has a guest already (tests/tapset-coverage --mutate) lends it.
    guest = Guest(os.path.dirname(os.path.abspath(args.stap)), args.release) if args.runtime == "kernel" and "TAPJIT_VM_SOCKET" not in os.environ else None
    # What is made once for a kernel, and says so on standard error when it lasts, is made before the first test.
    first = [vm, "-e", 'probe kernel.function("vfs_read") {}'] if args.runtime == "kernel" else ["--runtime=user", "-e", "probe begin {}"]
    if args.runtime != "interpret":
        subprocess.run([args.stap, "-p4", *first], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    failed = skipped = 0
    try:
        for test in tests:
            words = command(test, args.stap, args.runtime, args.programs, vm)
            started = time.monotonic()
            for module in filter(None, test.fields["modules"].split(";")):
                (guest or Guest.lent(os.path.dirname(args.stap))).load(module.split())
            try:
                environment = dict(os.environ, **dict(word.split("=", 1) for word in shlex.split(test.fields["environment"])))
                run = lambda words: subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=float(test.fields["timeout"]), cwd=here)
                result = run(words)
                if args.runtime == "interpret":
                    problems, reason = interpreted(test, result, run(words[:1] + ["--passes=none"] + words[1:]))
                    if reason:
                        skipped += 1
                        print(f"skip {test.name}: {reason}", flush=True)
                        continue
                else:
                    problems = check(test, args.runtime, result)
                if args.update and args.runtime != "interpret":
                    update(test, result, args.runtime)
            except subprocess.TimeoutExpired as e:
                problems = [f"still running after {e.timeout:.0f} s; printed so far: {(e.stdout or b'')[-500:]!r} {(e.stderr or b'')[-500:]!r}"]
                if guest:
                    problems.append("the guest's console ends:\n" + guest.console_tail())
            print(f"{'FAIL' if problems else 'ok  '} {test.name} ({time.monotonic() - started:.2f} s)", flush=True)
            for problem in problems:
                failed_text = problem.rstrip("\n").replace("\n", "\n     ")
                print(f"     {failed_text}\n     command: {shlex.join(words)}", flush=True)
            failed += bool(problems)
    finally:
        if guest:
            guest.close()
    print(f"{len(tests) - failed - skipped} passed, {failed} failed" + (f", {skipped} not interpreted" if skipped else ""))
    sys.exit(1 if failed or not tests else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of stap and stap-ir-dump: options, what each pass prints, and what bad input gives and leaves behind. No guest.

  cli.py --stap STAP [unittest arguments]

Each test has a cache, a TMPDIR and a working directory of its own; after each, TMPDIR must be empty and the cache must hold no unfinished entry."""
import argparse, json, os, pathlib, re, resource, shlex, signal, subprocess, sys, tempfile, unittest

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here / "lib"))
from guest import kernels

HELLO = 'probe begin { println("hello") exit() }'
NUMBERS = r"using \d+virt/\d+res/\d+shr/\d+data kb, in \d+usr/\d+sys/\d+real ms\."
TIMES = r"in \d+usr/\d+sys/\d+real ms\."
release = next(iter(kernels()), "")
needs_kernel = unittest.skipUnless(release, "no kernel with headers is installed")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = folder.name
        for name in ("tmp", "cwd"):
            os.mkdir(f"{self.top}/{name}")
        self.cwd, self.tmp = f"{self.top}/cwd", f"{self.top}/tmp"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("SYSTEMTAP_", "TAPJIT_"))}
        # The cache of the whole run: what a kernel needs is made once. Tests of what is left compare listings of it.
        self.environment |= {"TMPDIR": self.tmp, "XDG_CACHE_HOME": cache.name, "HOME": self.top, "LC_ALL": "C.UTF-8"}

    def tearDown(self):
        self.assertEqual(os.listdir(self.tmp), [], "something stayed in TMPDIR")
        self.assertEqual([p for p in self.cached() if ".tmp" in p or ".ko." in p], [], "an unfinished cache entry")

    def cached(self):
        return sorted(str(p) for p in pathlib.Path(cache.name).rglob("*") if p.is_file() and p.suffix != ".seen")

    def program(self, name, *words, **more):
        environment = self.environment | more.pop("environment", {})
        more.setdefault("input", "")
        more.setdefault("timeout", 120)
        return subprocess.run([f"{bin_dir}/{name}", *words], capture_output=True, text=True, errors="surrogateescape", cwd=self.cwd, env=environment, **more)

    def stap(self, *words, **more):
        return self.program("stap", *words, **more)

    def good(self, *words, out=None, err="", **more):
        """Runs stap; it must end with 0, print exactly `err` on standard error and, when given, exactly `out`."""
        run = self.stap(*words, **more)
        stderr = re.sub(r"^(Preparing|Indexing) .* \(once\) \.\.\.\n", "", run.stderr, flags=re.M)  # shown where it takes more than 2 s
        self.assertEqual((run.returncode, stderr), (0, err), run.stdout)
        if out is not None:
            self.assertEqual(run.stdout, out)
        return run.stdout

    def refused(self, *words, says, hint=None, place=None, errors=1, **more):
        """Runs stap; it must end with 1, print nothing on standard output, report `errors` errors of which the first matches `says`, point at
        `place` (FILE:LINE:COLUMN, with the line and a caret below it), advise what `hint` matches, and leave neither files nor cache entries."""
        before = self.cached()
        run = self.stap(*words, **more)
        self.assertEqual((run.returncode, run.stdout), (1, ""), run.stderr)
        found = re.findall(r"^error: (.*)", run.stderr, re.M)
        self.assertEqual(len(found), errors, run.stderr)
        self.assertRegex(found[0], says)
        if place:
            self.assertIn(f"  --> {place}\n", run.stderr)
            line, column = place.split(":")[-2:]
            after = run.stderr.split(f"  --> {place}\n", 1)[1].splitlines()
            margin = after[0].index("| ") + 2
            self.assertRegex(after[0], rf"^ *{line} \| ")
            self.assertEqual(after[1].index("^"), margin + int(column) - 1, run.stderr)
        else:
            self.assertNotIn("-->", run.stderr)
        if hint:
            self.assertRegex(run.stderr, rf"(?m)^hint: .*(?:{hint})")
        self.assertNotRegex(run.stderr, r"(?i)traceback|assert|abort|segmentation")
        self.assertEqual([p for p in self.cached() if p not in before and "/tapset-index/" not in p and "/debug-index/" not in p], [], "left in the cache")
        self.assertEqual(os.listdir(self.cwd), more.get("files", []) if "files" in more else [f for f in os.listdir(self.cwd) if f.endswith(".stp")])
        return run.stderr

    def write(self, name, text):
        pathlib.Path(self.cwd, name).write_text(text, errors="surrogateescape")
        return name


class BadInput(Case):
    def test_syntax_error(self):
        self.refused("-e", "probe begin { x = ; }", says="expected an expression, found `;`", place="<input>:1:19")

    def test_syntax_error_in_a_file(self):
        self.write("bad.stp", "probe begin\n{\n  foo(\n}\n")
        self.refused("bad.stp", says="expected", place="bad.stp:4:1")

    def test_two_errors_are_both_shown(self):
        text = self.refused("-e", "probe begin { x = ; }\nprobe end { y = ) }", says="found `;`", place="<input>:1:19", errors=2)
        self.assertIn("<input>:2:17", text)
        text = self.refused("-e", "probe begin { one() }\nprobe end { two() }", says="unknown function `one`", place="<input>:1:15", errors=2)
        self.assertIn("unknown function `two`", text)

    def test_unknown_probe_point(self):
        self.refused("-e", "probe begni { exit() }", says="no probe point matches `begni`", place="<input>:1:7", hint="`begin`")
        self.refused("-e", 'probe timer.ms("x") { exit() }', says="no probe point matches", place="<input>:1:7", hint=r"timer\.ms\(number\)")

    def test_probe_point_of_a_later_version(self):
        self.refused("-e", 'probe process("/bin/true").begin { exit() }', says="`process` is not supported yet", place="<input>:1:7")
        self.good("-e", f'probe process("/bin/true").begin ? {{ }} {HELLO}', out="hello\n")

    def test_unknown_function(self):
        self.refused("-e", "probe begin { printn(1) exit() }", says="unknown function `printn`", place="<input>:1:15")

    def test_deep_nesting(self):
        for text in ("x = " + "(" * 100000 + "1" + ")" * 100000, "{" * 100000 + "}" * 100000, "x = a" + "[1" * 100000 + "]" * 100000, "x = " + "- " * 100000 + "1",
                     "if (1) " * 100000 + "exit()", "x = 1" + " + 1" * 100000, "x = " + "1 ? " * 100000 + "1" + " : 1" * 100000, "x = " + "(" * 100000):
            self.write("deep.stp", "probe begin { " + text + " }")
            run = self.stap("-p3", "deep.stp")
            self.assertEqual(run.returncode, 1, run.stderr[:300])
            self.assertRegex(run.stderr, "(?m)^error: nested too deeply\n  --> deep.stp:1:")

    def test_long_chain_of_calls(self):
        length = 20000
        self.write("chain.stp", "".join(f"function f{n}(x) {{ return f{n + 1}(x) + 1 }}\n" for n in range(length)) + f"function f{length}(x) {{ return x }}\nprobe begin {{ println(f0(1)) exit() }}")
        self.assertEqual(self.stap("-p2", "chain.stp").returncode, 0)
        self.assertEqual(self.program("stap-ir-dump", "--run", "-DMAXACTION=100000", "chain.stp").stdout, f"{length + 1}\n")

    def test_bytes_that_are_no_script(self):
        data = bytes((i * 7919 + i // 251) % 256 for i in range(50000))
        pathlib.Path(self.cwd, "noise.stp").write_bytes(data)
        run = subprocess.run([options.stap, "noise.stp"], capture_output=True, cwd=self.cwd, env=self.environment, stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        text = run.stderr.decode("utf-8")  # also what is shown of the line is text
        self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f]")
        self.assertLess(text.count("error: "), 100)

    def test_caret_behind_letters_of_two_bytes(self):
        run = self.stap("-e", 'probe begin { println("é…") x = ; }')
        line, caret = run.stderr.splitlines()[2:4]
        self.assertEqual(line[caret.index("^")], ";", run.stderr)

    def test_unreadable_script(self):
        self.refused("nosuch.stp", says="cannot read the script `nosuch.stp`: No such file")
        self.refused(self.tmp, says="cannot read the script .* directory")

    def test_no_script(self):
        self.refused(says="no script given", hint="--help")
        self.refused("-e", "", says="nothing is left of `<input>`", place="<input>:1:1")

    def test_wrong_options(self):
        for words, says in {("--nonsense",): "--nonsense", ("-Z",): "-Z", ("-e",): "-e", ("-p", "9", "-e", HELLO): "`9` is no pass", ("-p45", "-e", HELLO): "`45` is no pass",
                            ("-e", HELLO, "-e", HELLO): "option -e", ("-x", "1", "-c", "true", "-e", HELLO): "-c and -x", ("-x", "me", "-e", HELLO): "option -x: `me`",
                            ("-T", "soon", "-e", HELLO): "option -T: `soon`", ("-T", "0", "-e", HELLO): "option -T", ("-s", "0", "-e", HELLO): "option -s: `0`",
                            ("-m", "a-b", "-e", HELLO): "option -m: `a-b`", ("--vp", "12x", "-e", HELLO): "option --vp: `12x`", ("--vp", "123456", "-e", HELLO): "option --vp",
                            ("--runtime=bpf", "-e", HELLO): "option --runtime: `bpf`", ("--color=red", "-e", HELLO): "option --color: `red`",
                            ("--suppress-time-limits", "-e", HELLO): "needs -g", ("--vm", "--runtime=user", "-e", HELLO): "--vm and --runtime=user",
                            ("-G", "n", "-e", HELLO): "option -G: `n` is not NAME=VALUE"}.items():
            with self.subTest(words=words):
                self.refused(*words, says=re.escape(says), hint="stap --help")
        self.refused("-l", "begin", "-e", HELLO, says="they take no script", hint="stap --help")
        self.refused("-l", "begin", "--dump-functions", says="only one may be given", hint="stap --help")
        self.refused("--remote", "direct:", "-e", HELLO, says="option --remote is not supported")
        self.refused("-G", "nmae=1", "-e", "global name " + HELLO, says="option -G: the script has no global `nmae`", hint="`name`")

    def test_wrong_defines(self):
        for value in ("1x=2", "=2", "A=b c", "A=$(b)", ""):
            self.refused("-D", value, "-e", HELLO, says="option -D: .* is not NAME or NAME=VALUE", hint="--help")
        for value in ("MAXACTION=many", "MAXACTION=-1", "MAXSTRINGLEN=99999999999999999999", "MAXSTRINGLEN=4294967296", "MAXMAPENTRIES=1e3"):
            self.refused("-D", value, "-e", HELLO, says=f"option -D: `{value}`: this limit is a whole number from 0 to ")

    def test_limits_that_do_not_fit_memory(self):
        run = self.stap("-DMAXMAPENTRIES=2147483647", "-e", 'global a; probe begin { a["x"] = 1; println(a["x"]) exit() }')
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, "^error: not enough memory .*\nhint: lower MAXMAPENTRIES")

    def test_folders_that_cannot_be_used(self):
        self.refused("-o", "/nonexistent/out", "-e", HELLO, says="option -o: cannot open `/nonexistent/out`: No such file")
        self.refused("-I", "/nonexistent", "-e", HELLO, says="tapset directory `/nonexistent`: No such file")
        self.refused("-R", "/nonexistent", "-e", HELLO, says="no runtime in `/nonexistent`")
        self.refused("--tmpdir", "/nonexistent", "-k", "-e", HELLO, says="cannot make a working directory in `/nonexistent`: No such file")
        self.refused("-e", HELLO, says="cannot make the cache directory", hint="--disable-cache", environment={"XDG_CACHE_HOME": "/proc/none"})

    def test_embedded_c_needs_guru_mode(self):
        self.refused("-e", "function f() %{ %} " + HELLO, says="embedded code needs guru mode", place="<input>:1:14", hint="-g")

    def test_string_for_a_number(self):
        """A pointer to the function's own copy of a string is no number; what is made of the string may be."""
        script = 'function f(a) { return %%{ %s %%} } probe oneshot { println(f("x")) }'
        self.refused("-g", "--runtime=user", "-e", script % "STAP_ARG_a", says="embedded C: incompatible pointer to integer conversion", place="<input>:1:25")
        self.good("-g", "--runtime=user", "-e", script % "1, STAP_ARG_a[0] + 1", out="121\n")
        self.refused("-g", "--runtime=user", "-e", script % "nonesuch + STAP_ARG_a[0]", says="embedded C: use of undeclared identifier 'nonesuch'", place="<input>:1:27")

    def test_wrong_embedded_c(self):
        self.refused("-g", "-e", "function f() %{\n  this is no C;\n%} probe begin { f() exit() }", says="embedded C: use of undeclared identifier 'this'", place="<input>:2:3")
        self.refused("-g", "-e", "function f()\n\n%{ /* embedded */\n  this is no C;\n%} probe begin { f() exit() }", says="embedded C: use of undeclared identifier 'this'", place="<input>:4:3")

    def test_warnings(self):
        script = "probe begin { if (x) println(1) exit() }"
        run = self.stap("-e", script)
        self.assertEqual((run.returncode, run.stdout), (0, ""))
        self.assertRegex(run.stderr, r"^WARNING: local `x` is never given a value\n  --> <input>:1:19\n|^warning: local `x` is never given a value\n  --> <input>:1:19\n")
        self.good("-w", "-e", script, out="")
        run = self.stap("-W", "-e", script)
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, "(?m)^error: local `x` is never given a value$")

    def test_kernel_probes_in_the_user_runtime(self):
        self.refused("--runtime=user", "-e", 'probe kernel.function("vfs_read") { exit() }', says="needs the kernel runtime", place="<input>:1:7", hint="--vm")
        self.refused("--runtime=user", "-e", 'probe kernel.trace("sched_switch") { exit() }', says="needs the kernel runtime", place="<input>:1:14", hint="--vm")

    @unittest.skipIf(os.path.exists("/proc/modules"), "this kernel takes modules")
    def test_a_kernel_that_takes_no_modules(self):
        self.refused("--runtime=kernel", "-e", HELLO, says="takes no modules", hint="--vm")
        self.refused("-e", 'probe kernel.function("vfs_read") { exit() }', says="takes no modules", place="<input>:1:7", hint="--vm")

    def test_a_release_that_is_not_installed(self):
        for words in (("-r", "9.9.9", "-p4"), ("-r", "9.9.9"), ("--runtime=kernel", "-r9.9.9", "-p4")):
            self.refused(*words, "-e", HELLO, says="no kernel headers for `9.9.9`", hint="apt install linux-headers-9.9.9" + f".*{release}")
        self.refused("--vm=9.9.9", "-e", HELLO, says="kernel 9.9.9 is not installed", hint=release or "apt install")
        self.refused("-r", "/nonexistent", "-p4", "-e", HELLO, says="`/nonexistent` is no kernel build directory: it does not exist", hint="release")
        self.refused("-r", "./nonexistent", "-p4", "-e", HELLO, says="`/.*/nonexistent` is no kernel build directory: it does not exist", hint="release")
        self.refused("-r", self.tmp, "-p4", "-e", HELLO, says="is no kernel build directory: it has no .config", hint="release")

    @needs_kernel
    def test_a_kernel_that_is_not_the_running_one(self):
        self.refused("-r", release, "-e", HELLO, says="cannot be loaded here", hint=f"-p4.*--vm={release}")
        self.refused("-e", HELLO, environment={"SYSTEMTAP_RELEASE": release}, says="cannot be loaded here", hint=f"-p4.*--vm={release}")
        self.refused("-r", "9.9.9", "-p4", "-e", HELLO, environment={"SYSTEMTAP_RELEASE": release}, says="no kernel headers for `9.9.9`", hint="apt install")

    @needs_kernel
    def test_a_build_directory(self):
        """Debian's headers have all that a build directory needs, but for a vmlinux: that of the release counts then."""
        headers, tree = os.path.realpath(f"/lib/modules/{release}/build"), f"{self.top}/tree"
        os.mkdir(tree)
        for name in os.listdir(headers):
            if name != "vmlinux":
                os.symlink(f"{headers}/{name}", f"{tree}/{name}")
        point = 'probe kernel.function("vfs_read") { println($count) }'
        for words in ("-r", headers), ("-r", f"/lib/modules/{release}/build"), ("-r", tree), ("-r", release):
            self.assertIn(f'kernel.function("vfs_read@fs/read_write.c', self.good(*words, "-p2", "-e", point), words)
        nowhere = {"SYSTEMTAP_DEBUGINFO_PATH": "/nonexistent"}
        by_btf = 'kernel.function("vfs_read") /* pc=vfs_read+0x0 */'
        self.assertIn(by_btf, self.good("-r", tree, "-p2", "-e", point, environment=nowhere))
        os.symlink("/usr/bin/true", f"{tree}/vmlinux")  # has neither symbols nor debuginfo
        self.assertIn(by_btf, self.good("-r", tree, "-p2", "-e", point, environment=nowhere))
        os.unlink(f"{tree}/vmlinux")
        os.symlink(f"/usr/lib/debug/boot/vmlinux-{release}", f"{tree}/vmlinux")
        self.assertIn('kernel.function("vfs_read@fs/read_write.c', self.good("-r", tree, "-p2", "-e", point, environment=nowhere))

    @needs_kernel
    def test_missing_debuginfo(self):
        nowhere = {"SYSTEMTAP_DEBUGINFO_PATH": "/nonexistent"}
        for point, lacks in ('kernel.function("vfs_read@fs/read_write.c")', "source files"), ('kernel.statement("*@fs/read_write.c:450")', "statements"):
            self.refused("-r", release, "-p4", "-e", "probe %s { println($count) }" % point, environment=nowhere, says=f"BTF, which is all that is known of kernel.*has no {lacks}",
                         place="<input>:1:7", hint=f"linux-image-{release}-dbg.*SYSTEMTAP_DEBUGINFO_PATH")
        run = self.stap("-r", release, "-p4", "-e", 'probe kernel.function("vfs_read") { println($count) }', environment=nowhere)
        self.assertEqual(run.returncode, 0, run.stderr)  # which BTF can answer

    @needs_kernel
    def test_missing_source_lines(self):
        """Of what -d names they must be there."""
        nowhere = {"SYSTEMTAP_DEBUGINFO_PATH": "/nonexistent"}
        words = ("-r", release, "-p3", "-e", "probe begin { println(symfileline(1)) exit() }")
        self.refused("-d", "kernel", *words, environment=nowhere, says="debug|lines")
        self.refused("-d", "nonesuch", *words, says="no module `nonesuch`")
        self.assertEqual(self.stap(*words, environment=nowhere).returncode, 0)

    @needs_kernel
    def test_no_build_ids(self):
        """STP_NO_BUILDID_CHECK holds for modules that only source lines are told of, too."""
        words = ("-r", release, "-d", "loop", "-p4", "-m", "tapt_ids", "-e", "probe begin { println(symfileline(1)) exit() }")
        for more, ids in ((), [b"tapjit_kernel=", b"tapjit_module=loop "]), (("-DSTP_NO_BUILDID_CHECK",), []):
            self.good(*more, *words)
            module = pathlib.Path(self.cwd, "tapt_ids.ko").read_bytes()
            self.assertEqual(sorted(re.findall(rb"tapjit_kernel=|tapjit_module=loop ", module)), ids)

    @needs_kernel
    def test_place_of_a_name_that_functions_share(self):
        """Such a place is printed as a distance from a symbol that is one of a kind; all of them are there."""
        symbols = [line.split() for line in open(f"/usr/lib/debug/boot/System.map-{release}")]
        addresses = {name: int(address, 16) for address, _, name in symbols}
        wanted = {int(address, 16) for address, kind, name in symbols if name == "p_stop" and kind in "tT"}
        places = re.findall(r"pc=([\w.]+)([+-]0x[0-9a-f]+) ", self.good("-r", release, "-p2", "-e", 'probe kernel.function("p_stop") { }'))
        self.assertEqual({addresses[symbol] + int(offset, 16) for symbol, offset in places}, wanted)
        self.assertGreater(len(wanted), 1)

    @needs_kernel
    def test_stars_over_components(self):
        for point in 'ke**on("vfs_read")', 'kernel.*on("vfs_read")', 'ke*.fun**n("vfs_read")':
            self.assertIn('kernel.function("vfs_read@fs/read_write.c', self.good("-r", release, "-p2", "-e", f"probe {point} {{ }}"))

    @needs_kernel
    def test_names_that_the_kernel_has_not(self):
        self.refused("-r", release, "-p4", "-e", 'probe kernel.function("vfs_raed") { }', says="no function `vfs_raed`", place="<input>:1:14", hint="`vfs_read`")
        self.refused("-r", release, "-p4", "-e", 'probe kernel.trace("sched_swich") { }', says="no tracepoint `sched_swich`", place="<input>:1:14")
        self.refused("-r", release, "-p4", "-e", 'probe kernel.function("vfs_read") { println($cuont) }', says="no variable `cuont`", place="<input>:1:45", hint=r"`\$count`")


class Listing(Case):
    """-l, -L and --dump-...: layouts are SystemTap's."""

    def lines(self, *words):
        lines = self.good(*words).splitlines()
        self.assertEqual(lines, sorted(set(lines)))
        return lines

    def test_points_that_need_no_kernel(self):
        self.assertLessEqual({"begin", "end", "error", "never"}, set(self.lines("-l", "*")))
        self.good("-L", "begin", out="begin\n")
        self.good("-l", "timer.s(1), end, nothing.there?", out="end\ntimer.s(1)\n")
        self.good("-E", 'probe mine.own = timer.s(1) { a = "x"; b = 1 }', "-L", "mine.*", out="mine.own a:string b:long\n")

    def test_probes_beside_an_alias_are_not_listed(self):
        os.mkdir(f"{self.cwd}/own")
        self.write("own/own.stp", "probe mine.own = timer.s(1) { a = mine_count() } probe timer.s(7) { n++ } global n function mine_count() { return n }")
        for words, listed in (("mine.own", "mine.own"), ("mine.*", "mine.own")):
            self.good("-I", "own", "-l", words, out=f"{listed}\n")
            self.good("-I", "own", "-L", words, out=f"{listed} a:long\n")
        self.good("-I", "own", "-L", "timer.s(7), mine.own", out="mine.own a:long\ntimer.s(7)\n")
        self.good("-I", "own", "-E", "probe timer.s(9) { mine_count() }", "-L", "mine.own", out="mine.own a:long\ntimer.s(9)\n")

    def test_nothing_matches(self):
        self.refused("-l", "nosuch.thing", says="no probe point matches `nosuch.thing`", place="<input>:1:7")
        self.refused("-l", "kernel.function(", says="expected", place="<input>:1:24")

    def test_forms_aliases_and_functions(self):
        forms = self.lines("--dump-probe-types")
        for form in "begin(number)", "timer.ms(number).randomize(number)", "kernel.function(string).return.maxactive(number)", "kernel.statement(number).absolute":
            self.assertIn(form, forms)
        aliases = self.lines("--dump-probe-aliases")
        self.assertTrue(all(re.fullmatch(r"[a-z][\w.]* = .+", alias) for alias in aliases), aliases)
        functions = self.lines("--dump-functions")
        self.assertIn("tid:long () /* unprivileged */", functions)
        self.assertTrue(all(re.match(r"[A-Za-z]\w*:(long|string|unknown) \(", function) for function in functions), functions)

    @needs_kernel
    def test_functions_of_the_kernel(self):
        self.stap("-r", release, "-l", 'kernel.function("vfs_read")')  # makes the index, and says so
        line = r'kernel\.function\("vfs_read@fs/read_write\.c:\d+"\)'
        self.assertRegex(self.good("-r", release, "-l", 'kernel.function("vfs_read")'), rf"^{line}\n$")
        self.assertRegex(self.good("-r", release, "-L", 'kernel.function("vfs_read").return'),
                         rf"^{line}\.return \$return:ssize_t \$file:struct file\* \$buf:char\* \$count:size_t \$pos:loff_t\*\n$")
        everything = self.lines("-r", release, "-l", 'kernel.function("*")')
        self.assertGreater(len(everything), 40000)
        self.assertTrue(all(re.fullmatch(r'kernel\.function\(".+"\)', line) for line in everything))

    @needs_kernel
    def test_statements_and_tracepoints(self):
        self.stap("-r", release, "-l", 'kernel.function("vfs_read")')
        statements = self.lines("-r", release, "-l", 'kernel.statement("vfs_read@fs/read_write.c:*")')
        self.assertGreater(len(statements), 15)
        self.assertRegex(self.good("-r", release, "-L", 'kernel.trace("sched:sched_switch")'),
                         r'^kernel\.trace\("sched:sched_switch"\) \$preempt:bool \$prev:struct task_struct\* \$next:struct task_struct\*')


class Spellings(Case):
    def test_verbosity(self):
        run = self.stap("-v", "-e", HELLO)
        lines = run.stderr.splitlines()
        self.assertEqual((run.returncode, run.stdout, len(lines)), (0, "hello\n", 6), run.stderr)
        for line, wanted in zip(lines, (rf"Pass 1: parsed user script and \d+ library scripts? {NUMBERS}",
                                        rf"Pass 2: analyzed script: 1 probe, 1 function, 0 embeds, 0 globals {NUMBERS}",
                                        rf'Pass 3: translated to C into "\S+_src\.c" {NUMBERS}',
                                        rf'Pass 4: (compiled C into|using cached) "\S+" {TIMES}', r"Pass 5: starting run\.", rf"Pass 5: run completed {TIMES}")):
            self.assertRegex(line, f"^{wanted}$")
        for words in (("-vvv",), ("-v", "-v"), ("--vp", "11111"), ("--vp=11111",), ("-vk",)):
            run = self.stap(*words, "-e", HELLO)
            self.assertEqual((run.returncode, re.findall(r"^Pass (\d)", run.stderr, re.M)), (0, list("123455")))
            self.forget_kept(run.stderr)
        run = self.stap("--vp", "01020", "-e", HELLO)
        self.assertEqual(re.findall(r"^Pass (\d)", run.stderr, re.M), ["2", "4"])

    def forget_kept(self, text):
        for path in re.findall(r'^Keeping temporary directory "(.*)"$', text, re.M):
            self.assertEqual(os.path.dirname(path), self.tmp)
            subprocess.run(["rm", "-r", path], check=True)

    def test_last_pass(self):
        first = self.good("-p1", "-e", HELLO)
        for words in (("-p", "1"), ("-vp1",), ("-wp1",)):
            run = self.stap(*words, "-e", HELLO)
            self.assertEqual((run.returncode, run.stdout), (0, first))
        self.assertIn("probe begin", first)
        self.good("-p5", "-e", HELLO, out="hello\n")

    def test_defines(self):
        script = 'probe begin { for (i = 0; i < 100; i++) n++; println(n) exit() }'
        for words in (("-DMAXACTION=50", "-DMAXACTION_INTERRUPTIBLE=50"), ("-D", "MAXACTION=50", "-D", "MAXACTION_INTERRUPTIBLE=50"), ("-D", "MAXACTION_INTERRUPTIBLE=0x20")):
            run = self.stap(*words, "-e", script)
            self.assertEqual((run.returncode, run.stdout), (1, ""))
            self.assertRegex(run.stderr, "^ERROR: MAXACTION exceeded")
        self.good("-DMAXACTION_INTERRUPTIBLE=1000", "-DSOMETHING", "-DOTHER=-x", "-e", script, out="100\n")

    def test_options_behind_the_script(self):
        self.write("words.stp", 'probe begin { printf("%d %s\\n", $#, @1) exit() }')
        self.good("words.stp", "one", out="1 one\n")
        self.good("words.stp", "-w", "one", "-u", out="1 one\n")
        self.good("words.stp", "--", "-w", "-u", out="2 -w\n", err=self.stap("words.stp", "--", "-w", "-u").stderr)
        self.good("-e", "probe begin { println(@1, $2) exit() }", "one", "--", "-2", out="one-2\n")

    def test_script_from_standard_input(self):
        self.good("-", "seven", input="probe begin { println(@1) exit() }", out="seven\n")
        self.refused("-", input="probe begin {\n", says="expected", place="<stdin>:2:1")

    def test_more_script_text(self):
        self.good("-e", 'probe begin { println("e ", n) exit() }', "-E", "global n = 3", "-E", 'probe end { println("E") }', out="e 3\nE\n")
        self.good("-E", HELLO, out="hello\n")

    def test_globals(self):
        script = 'global n = 1, s = "x", t; probe begin { printf("%d %s %s\\n", n, s, t) exit() }'
        self.good("-G", "n=-5", "-Gs=abc", "-G", "t=1.5", "-e", script, out="-5 abc 1.5\n")
        self.refused("-G", "n=abc", "-e", "global n probe begin { println(n + 1) exit() }", says="`n` is", place="<input>:1:32")

    def test_timeout(self):
        for words in (("-T", "0.05"), ("-T0.05",), ("-T", ".05"), ("-T", "5e-2")):
            self.good(*words, "-e", 'probe end { println("end") }', out="end\n")

    def test_output_file(self):
        self.good("-o", "out.txt", "-e", HELLO, out="")
        self.assertEqual(pathlib.Path(self.cwd, "out.txt").read_text(), "hello\n")
        self.good("-oout-%Y.txt", "-e", HELLO, out="")
        self.assertTrue(re.fullmatch(r"out-\d{4}\.txt out\.txt", " ".join(sorted(os.listdir(self.cwd)))), os.listdir(self.cwd))

    def test_unoptimised(self):
        self.good("-u", "-e", 'function f(x) { return x * 2 } global unused; probe begin { println(f(21)) exit() }', out="42\n")

    def test_help_and_version(self):
        for words in (("--help",), ("-h",)):
            self.assertRegex(self.good(*words), r"^Usage: stap \[options\]")
        for words in (("--version",), ("-V",)):
            self.assertRegex(self.good(*words), r"^tapjit \d+\.\d+")
        self.assertRegex(self.program("stap-ir-dump", "--help").stdout, "^Usage: stap-ir-dump")

    def test_long_options_may_be_short(self):
        self.good("--runtime", "user", "-e", HELLO, out="hello\n")
        self.good("--dyninst", "--disable-cache", "-e", HELLO, out="hello\n")
        self.good("--no-global-var-display", "-e", "global n probe begin { n = 1 exit() }", out="")

    def test_rc_file(self):
        os.mkdir(f"{self.top}/.systemtap")
        pathlib.Path(self.top, ".systemtap/rc").write_text("# words\n-G n=7 # more\n")
        self.good("-e", "global n probe begin { println(n) exit() }", out="7\n")

    def test_clean_cache(self):
        with tempfile.TemporaryDirectory() as folder:
            mine = {"XDG_CACHE_HOME": folder}
            self.good("-e", HELLO, out="hello\n", environment=mine)
            self.assertGreater(sum(len(f) for _, _, f in os.walk(folder)), 0)
            self.good("--clean-cache", out="", environment=mine)
            self.assertEqual(sum(len(f) for _, _, f in os.walk(folder)), 0)


class Runs(Case):
    def test_auto_takes_the_user_runtime(self):
        self.good("-e", 'probe begin { println("%( runtime == "dyninst" %? "user" %: "kernel" %)") } probe timer.ms(10) { exit() }'.replace('"%(', "%(").replace('%)"', "%)"),
                  out="kernel\n" if os.path.exists("/proc/modules") and os.geteuid() == 0 else "user\n")

    def test_command(self):
        self.good("--runtime=user", "-c", "echo from the command; exit 0", "-e", 'probe begin { println(target() > 1) } probe end { println("end") }', out="1\nfrom the command\nend\n")
        run = self.stap("--runtime=user", "-c", "exit 3", "-e", 'probe end { println("end") }')
        self.assertEqual((run.returncode, run.stdout), (1, "end\n"))
        self.assertTrue(run.stderr.startswith("WARNING: Child process exited with status 3\n"), run.stderr)
        run = self.stap("--runtime=user", "-c", "kill -9 $$", "-e", 'probe end { println("end") }')
        self.assertEqual((run.returncode, run.stdout), (1, "end\n"))
        self.assertIn("Child process exited with signal 9", run.stderr)
        self.good("--runtime=user", "-c", "exec sleep 100", "-e", 'probe timer.ms(20) { exit() }', out="")

    def test_target(self):
        self.good("--runtime=user", "-x", str(os.getpid()), "-e", "probe begin { println(target()) exit() }", out=f"{os.getpid()}\n")

    def test_signals_end_the_session(self):
        script = 'probe begin { println("ready") } probe timer.ms(1) { n++ } probe end { println("end") } probe error { println("error") }'
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            run = subprocess.Popen([options.stap, "--runtime=user", "-e", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.cwd, env=self.environment)
            self.assertEqual(run.stdout.readline(), "ready\n")
            run.send_signal(number)
            out, err = run.communicate(timeout=30)
            self.assertEqual((run.returncode, out, err), (0, "end\n", ""))

    def test_interrupt_of_a_job_in_the_background(self):
        """Shells without job control have SIGINT ignored there."""
        ends = '"$0" --runtime=user -e \'probe begin { println("ready") } probe end { println("end") }\' >out & until grep -q ready out 2>/dev/null; do sleep 0.01; done; kill -INT $!; wait $!; cat out'
        run = subprocess.run(["sh", "-c", ends, options.stap], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.cwd, env=self.environment, timeout=60)
        self.assertEqual((run.stdout, run.stderr), ("ready\nend\n", ""))

    def test_an_error_in_a_handler(self):
        run = self.stap("--runtime=user", "-e", 'probe begin { println(1 / $1) } probe end { println("end") } probe error { println("error probe") }', "0")
        self.assertEqual((run.returncode, run.stdout), (1, "error probe\n"))
        self.assertRegex(run.stderr, r"^ERROR: division by 0 near operator '/' at <input>:1:\d+\n.*Pass 5: run failed")

    def test_closed_output(self):
        with open("/dev/full", "w") as full:
            run = subprocess.run([options.stap, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, env=self.environment)
        self.assertEqual(run.returncode, 1)
        self.assertIn("cannot write standard output", run.stderr)

    def test_module_name_leaves_the_module(self):
        self.good("--runtime=user", "-m", "mine", "-e", HELLO, out="hello\n")
        self.assertEqual(os.listdir(self.cwd), ["mine.o"])

    @needs_kernel
    def test_module_name_leaves_the_module_for_the_kernel(self):
        self.good("-r", release, "-p4", "-m", "mine", "-e", HELLO, out="./mine.ko\n")
        self.good("-r", release, "-p4", "-m", "other.ko", "-e", HELLO, out="./other.ko\n")
        self.assertEqual(sorted(os.listdir(self.cwd)), ["mine.ko", "other.ko"])
        for name in ("mine", "other"):
            self.assertIn(f"\0name={name}\0".encode(), pathlib.Path(self.cwd, f"{name}.ko").read_bytes())

    @needs_kernel
    def test_keep(self):
        run = self.stap("-k", "-r", release, "-p4", "-e", HELLO)
        self.assertEqual(run.returncode, 0, run.stderr)
        folder = re.fullmatch(r'Keeping temporary directory "(.*/stap\w{6})"\n', run.stderr)[1]
        self.assertEqual(os.path.dirname(folder), self.tmp)
        self.assertEqual(os.path.dirname(run.stdout.strip()), folder)
        self.assertEqual(sorted(os.path.splitext(f)[1] for f in os.listdir(folder)), [".c", ".ko"])
        subprocess.run(["rm", "-r", folder], check=True)


class Large(Case):
    """Scripts that a program wrote. What is more than in proportion to their size, or as deep as they are long, shows here: each took minutes, or a crash."""

    def within(self, seconds, text, *words, **more):
        path = f"{self.top}/large.stp"
        pathlib.Path(path).write_text(text)
        limit = lambda: (resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)), resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)))
        return self.stap("--runtime=user", "-w", "--disable-cache", *words, path, preexec_fn=limit, **more)

    def test_compiled(self):
        n = 10000
        texts = {
            "calls": "".join(f"function f{i}(x) {{ return f{i + 1}(x) + 1 }}\n" for i in range(n)) + f"function f{n}(x) {{ return x }} probe begin {{ println(f0(1)) }}",
            "points": "global n probe " + ", ".join(f"begin({i})" for i in range(n)) + " { n++ }",
            "aliases": "".join(f"probe a{i} = begin({i}) {{ v = {i} }}\n" for i in range(n)) + "probe " + ", ".join(f"a{i}" for i in range(n)) + " { println(v) }",
            "wildcard": "".join(f"probe fam.a{i} = begin({i}) {{ v = {i} }}\n" for i in range(n)) + "probe fam.* { println(v) }",
            "locals": "function f(x) {\n" + "".join(f"l{i} = x + {i}; if (l{i} > 3) x += l{i // 2}\n" for i in range(n)) + "return x } probe begin { println(f(1)) }",
            "choices": "global a probe begin { x = 0\n" + "".join(f"if (a == {i}) x = {i}\n" for i in range(5 * n)) + "println(x) }",
            "breaks": "global a probe begin { while (1) {\n" + "".join(f"if (a == {i}) break; a += {i}\n" for i in range(n)) + "} }",
            "globals": "".join(f"global g{i}\n" for i in range(n)) + "".join(f"probe begin {{ g{i}++ }}\n" for i in range(n)),
            "statements": "function f(x) {\n" + "".join(f"x = x * 3 + {i}\n" for i in range(5 * n)) + "return x } probe begin { println(f(1)) }",
            "strings": "global a probe begin { println(" + " . ".join(f'"s{i}" . a' for i in range(n)) + ") a = \"\" }"}
        for name, text in texts.items():
            with self.subTest(name=name):
                run = self.within(30, text, "-p3")
                self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_mistakes(self):
        n = 10000
        for name, text in {"points": "".join(f"probe nosuch{i}.x {{ }}\n" for i in range(n)), "functions": "probe begin { " + "".join(f"nosuch{i}()\n" for i in range(n)) + "}",
                           "unset": "probe begin { " + "".join(f"println(u{i})\n" for i in range(n)) + "}", "deep": "probe begin { " + "if (1) { " * (5 * n) + "}" * (5 * n) + "}"}.items():
            with self.subTest(name=name):
                run = self.within(30, text, "-p2")
                self.assertEqual((run.returncode, run.stdout), (1, ""))
                self.assertRegex(run.stderr, "(?m)^error: ")

    def test_results(self):
        """What is found by name, and taken from far above, is the right one."""
        n = 200
        text = "".join(f"function f{i}(x) {{ return f{i + 1}(x) + {i} }}\n" for i in range(n)) + f"function f{n}(x) {{ return x }}\n"
        text += "function g(x) {\n" + "".join(f"l{i} = x + {i}; if (l{i} % 3 == 0) x += l{i // 2}; else if (x % 2) l{i // 3} = {i}\n" for i in range(n)) + "return x }\n"
        text += "function h(x) {\n" + "".join(f"while (1) {{ if (x % {i + 2} == 1) break; x += l{i // 2}; if (x > {i}) break; try {{ l{i} = 1 / (x % 2) }} catch {{ l{i} = {i} }} }}\n"
                                                 for i in range(n)) + "return x }\n"
        text += "".join(f"probe a{i} = begin({i}) {{ v = {i} }}\n" for i in range(n)) + "probe " + ", ".join(f"a{i}" for i in range(n)) + " { print(v, \" \") }\n"
        text += f"probe begin({n}) {{ println(f0(1), \" \", g(1), \" \", h(1)) exit() }}\n"

        l, x = [0] * n, 1
        for i in range(n):
            l[i] = x + i
            if l[i] % 3 == 0:
                x += l[i // 2]
            elif x % 2:
                l[i // 3] = i
        g, l, x = x, [0] * n, 1
        for i in range(n):
            while x % (i + 2) != 1:
                x += l[i // 2]
                if x > i:
                    break
                l[i] = 1 if x % 2 else i
        run = self.within(60, text, "-DMAXACTION=1000000")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(run.stdout, " ".join(map(str, range(n))) + f" {1 + sum(range(n))} {g} {x}\n")


@needs_kernel
class Headers(Case):
    def test_a_header_that_comes_before(self):
        """The types of a header are kept; those of one of its name that comes to stand in a folder before its own are others."""
        folders = [f"{self.top}/{name}" for name in ("first", "second")]
        for folder in folders:
            os.mkdir(folder)
        mine = {"CPATH": ":".join(folders)}
        words = "-r", release, "-p2", "-e", 'probe begin { println(@cast(0, "one", "<tapjit_one.h>")->number) }'
        pathlib.Path(f"{folders[1]}/tapjit_one.h").write_text('#include <tapjit_two.h>\n')
        pathlib.Path(f"{folders[1]}/tapjit_two.h").write_text('struct one { int number; };\n')
        for _ in range(2):
            self.good(*words, environment=mine)
        header = pathlib.Path(f"{folders[0]}/tapjit_two.h")
        header.write_text('struct one { int other; };\n')
        run = self.stap(*words, environment=mine)
        self.assertEqual(run.returncode, 1)
        self.assertIn("number", run.stderr)
        header.unlink()
        self.good(*words, environment=mine)


class Passes(Case):
    scripts = sorted(here.glob("language/*.stp"))

    def words(self, path):
        text = path.read_text()
        arguments = re.search(r"^#! args: *(.*)$", text, re.M)
        options_ = re.search(r"^#! options: *(.*)$", text, re.M)
        given = shlex.split(options_[1].replace("@HERE@", str(here))) if options_ else []
        flags = [word for number, word in enumerate(given) if word in ("-g", "--compatible", "-I") or number and given[number - 1] in ("--compatible", "-I")]
        return flags, shlex.split(arguments[1]) if arguments else []

    def test_pass_1_parses_again_to_the_same(self):
        for path in self.scripts + sorted((here.parent.parent / "tapset/scripts").glob("*.stp")):
            with self.subTest(script=path.name):
                flags, arguments = self.words(path)
                runtime = ["-r", release] if release and path.parent.name == "scripts" else ["--runtime=user"]  # parts of the tapset are for the kernel only
                once = self.stap(*runtime, "-g", *flags, "-p1", str(path), "--", *arguments)
                self.assertEqual(once.returncode, 0, once.stderr)
                self.write("again.stp", once.stdout)
                again = self.stap(*runtime, "-g", *flags, "-p1", "again.stp")
                self.assertEqual((again.returncode, again.stdout), (0, once.stdout), again.stderr)

    def test_pass_2_lists_what_there_is(self):
        script = 'global counts, total, bound = 3 function twice(x) { return x * 2 } probe begin, timer.ms(100) { counts["a", 1] += twice(bound) total <<< 1 println(@count(total)) exit() }'
        text = self.good("--runtime=user", "-p2", "-e", script)
        for line in ("# globals", r"counts:long \[string, long\]", "total:stats", "bound:long", "# functions", r"twice:long \(x:long\)", "# probes", r"begin .*", r"timer\.ms\(100\) .*"):
            self.assertRegex(text, f"(?m)^{line}$")
        verbose = self.stap("--runtime=user", "-v", "-p2", "-e", script)
        for line in ("bound:long = 3", r".*return x \* 2;", r".*counts\[\"a\", 1\] \+= twice\(bound\);"):
            self.assertRegex(verbose.stdout, f"(?m)^{line}$")

    def test_messages_in_colour(self):
        script = 'probe begin { println("a" + 1) }'
        run = self.stap("--runtime=user", "--color", "-p2", "-e", script)
        self.assertIn("\033[01;31merror: \033[0m", run.stderr)
        run = self.stap("--runtime=user", "--color=always", "-p2", "-e", script, environment={"SYSTEMTAP_COLORS": "error=35"})
        self.assertIn("\033[35merror: \033[0m", run.stderr)
        for words, colours in ((("--color=auto",), None), (("--color=never",), None), (("--color",), ""), (("--color",), "nonsense")):
            run = self.stap("--runtime=user", *words, "-p2", "-e", script, environment={} if colours is None else {"SYSTEMTAP_COLORS": colours})
            self.assertNotIn("\033", run.stderr, words)

    def test_pass_3_prints_c(self):
        with open(f"{self.cwd}/out.c", "w") as file:
            subprocess.run([options.stap, "--runtime=user", "-p3", "-e", HELLO], stdout=file, check=True, env=self.environment)
        text = pathlib.Path(self.cwd, "out.c").read_text()
        self.assertIn("#include", text + "#include")
        self.assertIn("hello", text)
        self.assertRegex(text, r"(?m)^static .*probe")

    def test_pass_4_prints_the_path(self):
        path = self.good("--runtime=user", "-p4", "-e", HELLO).strip()
        self.assertTrue(os.path.isfile(path) and path.endswith(".o") and path.startswith(cache.name), path)
        self.assertEqual(os.listdir(self.cwd), [])

    @needs_kernel
    def test_pass_4_prints_the_path_of_a_module(self):
        path = self.good("-r", release, "-p4", "-e", HELLO).strip()
        self.assertTrue(os.path.isfile(path) and path.endswith(".ko"), path)
        self.assertEqual(self.good("-r", release, "-p4", "-e", HELLO).strip(), path)
        self.assertIn(b"vermagic=" + release.encode(), pathlib.Path(path).read_bytes())

    def test_ir_dump(self):
        for path in self.scripts:
            with self.subTest(script=path.name):
                flags, arguments = self.words(path)
                dump = self.program("stap-ir-dump", "--runtime=user", *flags, str(path), *arguments)
                self.assertEqual(dump.returncode, 0, dump.stderr)
                lowered, final = re.fullmatch(r"; --- lowered\n(.*)\n; --- final\n(.*)", dump.stdout, re.S).groups()
                self.assertNotEqual(lowered, final)
                for text in (lowered + "\n", final):
                    self.write("one.ir", text)
                    again = self.program("stap-ir-dump", "--passes=none", "one.ir")
                    self.assertEqual(again.stdout, f"; --- lowered\n{text}; --- final\n{text}", again.stderr)

    def dump(self, *words):
        run = self.program("stap-ir-dump", *words)
        self.assertEqual((run.returncode, run.stderr), (0, ""), words)
        return run.stdout

    COUNTS = ["-e", 'global n, s function twice(x) { return x * 2 } probe timer.ms(10) { n++; s <<< twice(n) } probe timer.s(1) { println(n) exit() } probe end { println(@count(s)) }']

    def test_ir_dump_stages(self):
        lowered = self.dump("--stage=lowered", *self.COUNTS)
        self.assertTrue(lowered.startswith("; --- lowered\nmodule "))
        self.assertNotIn("lock {", lowered)
        self.assertIn("charge", lowered)
        self.assertIn("lock {", self.dump("--stage=lock_placement", *self.COUNTS))
        self.assertIn("lock {", self.dump("--stage=final", *self.COUNTS))
        self.assertIn("#define MAXACTION 1000\n", self.dump("--stage=c", *self.COUNTS))
        self.assertIn("\ndefine ", self.dump("--stage=llvm", "--runtime=user", *self.COUNTS))
        self.assertRegex(self.dump("--stage=asm", "--runtime=user", *self.COUNTS), r"\n\tretq?\n")
        run = self.program("stap-ir-dump", "--stage=nosuch", *self.COUNTS)
        self.assertEqual(run.returncode, 1)
        self.assertIn("no stage is called `nosuch`", run.stderr)
        run = self.program("stap-ir-dump", "--passes=const_fold", "--stage=charges", *self.COUNTS)
        self.assertEqual((run.returncode, run.stderr), (1, "stap-ir-dump: pass `charges` was not run\n"))
        self.write("local.ir", 'module "m"\nfunc &p probe () -> void {\n^0:\n  %x = const.i64 7\n  local.set %x, 0\n  ret\n}\nprobe 0 &p event\n')
        run = self.program("stap-ir-dump", "--passes=charges,lock_placement,frame_layout", "--stage=c", "local.ir")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, "local 0 is left after pass ssa(.|\n)*run pass ssa too")
        run = self.program("stap-ir-dump", "--passes=licm,const_fold,cse", "--time-passes", *self.COUNTS)
        self.assertEqual(re.findall(r"^ *(licm|const_fold|cse) ", run.stdout + run.stderr, re.M), ["licm", "const_fold", "cse"])

    def test_ir_dump_of_one_function(self):
        only = self.dump("--only=timer.s(1)", "--stage=lowered", *self.COUNTS)
        self.assertEqual(len(re.findall("^func ", only, re.M)), 1)
        self.assertIn("exit", only)
        self.assertIn("&twice", self.dump("--only=twice", "--stage=lowered", *self.COUNTS))
        run = self.program("stap-ir-dump", "--only=nosuch", *self.COUNTS)
        self.assertEqual((run.returncode, run.stderr), (1, "stap-ir-dump: no function or probe is called `nosuch`\n"))

    def test_ir_dump_keeps_what_is_named(self):
        self.assertEqual(self.dump("--run=twice,21", *self.COUNTS), "42\n")
        self.assertIn("&twice script (x: i64) -> i64 kept", self.dump("--only=twice", "--stage=final", *self.COUNTS))
        self.assertNotIn("&twice", self.dump("--stage=final", *self.COUNTS))

    def test_ir_dump_reports(self):
        locks = self.dump("--locks", *self.COUNTS)
        self.assertRegex(locks, r"(?m)^probe_0 +event +n +rw +write lock from <input>:1:\d+$")
        self.assertRegex(locks, r"(?m)^probe_2 +session +s +r +runs alone$")
        self.assertRegex(self.dump("--cost", *self.COUNTS), r"(?m)^probe_0 +event +.*\b[1-9]\d*")
        times = self.dump("--time-passes", *self.COUNTS)
        passes = [line.split()[0] for line in self.dump("--list").splitlines()]
        self.assertEqual([line.split()[0] for line in times.splitlines()], ["pass", *passes, "all"])
        self.assertRegex(self.dump("--safety", "--runtime=user", *self.COUNTS), r"safety: \d+ functions, [1-9]\d* proofs, 0 findings")
        refused = self.dump("--safety", "--runtime=user", "-g", "-e", "function spin() %{ for (;;) asm volatile(\"\"); %} probe begin { spin() }")
        self.assertRegex(refused, "[1-9]\\d* findings")

    def test_ir_dump_json(self):
        data = json.loads(self.dump("--json", "--stage=final", "--locks", "--cost", "--safety", "--time-passes", "--runtime=user", *self.COUNTS))
        self.assertEqual(list(data), ["stages", "locks", "cost", "time_passes", "safety"])
        module = data["stages"][0]["module"]
        self.assertEqual([g["name"] for g in module["globals"]], ["n", "s"])
        handler = next(f for f in module["functions"] if f["name"] == "probe_0")
        ops = [i["op"] for b in handler["blocks"] for i in b["instructions"]]
        self.assertIn("lock", ops)
        self.assertIn("gload", ops)
        self.assertEqual(handler["blocks"][0]["predecessors"], [])
        self.assertEqual(data["safety"]["findings"], [])
        self.assertEqual([s["point"] for s in module["probes"][0]["sites"]], ["timer.ms(10)"])

    def test_ir_dump_draws(self):
        self.dump("--cfg=out.dot", *self.COUNTS)
        with open(self.cwd + "/out.dot") as file:
            self.assertRegex(file.read(), r"(?s)^digraph ir \{.*f0b0 \[label=.*\}\n$")
        self.dump("--cfg=out.svg", "--only=twice", "-u", *self.COUNTS)
        with open(self.cwd + "/out.svg") as file:
            self.assertIn("</svg>", file.read())
        run = self.program("stap-ir-dump", "--cfg=out.png", *self.COUNTS)
        self.assertIn("--cfg writes .svg or .dot, not `out.png`", run.stderr)

    def test_ir_dump_help_has_an_example_of_each_option(self):
        lines = self.program("stap-ir-dump", "--help").stdout.splitlines()
        for number, line in enumerate(lines):
            if option := re.match(r"  (--[a-z-]+)", line):
                if option[1] != "--verify-ir":
                    following = next((l for l in lines[number + 1:] if re.match(r" {22}stap-ir-dump|  --", l)), "")
                    self.assertIn(option[1], following)

    def test_ir_dump_of_bad_input(self):
        run = self.program("stap-ir-dump", "-e", "probe begin { x = }")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("<input>:1:19", run.stderr)
        self.write("bad.ir", 'module "m"\nfunc &f script () -> void {\n^0:\n  frobnicate %1\n}\n')
        run = self.program("stap-ir-dump", "bad.ir")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, r"bad\.ir:\d+")
        self.assertIn("no pass is called `nosuch`", self.program("stap-ir-dump", "--passes=nosuch", "-e", HELLO).stderr)


parser = argparse.ArgumentParser()
parser.add_argument("--stap", required=True)
options, rest = parser.parse_known_args()
options.stap = os.path.abspath(options.stap)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, too; stap leaves it as it is
bin_dir = os.path.dirname(options.stap)
cache = tempfile.TemporaryDirectory()
if release:  # what a kernel's first run makes is there before listings are compared
    subprocess.run([options.stap, "-r", release, "-p4", "-e", HELLO], env=os.environ | {"XDG_CACHE_HOME": cache.name}, capture_output=True, check=True)
subprocess.run([options.stap, "--runtime=user", "-p4", "-e", HELLO], env=os.environ | {"XDG_CACHE_HOME": cache.name}, capture_output=True, check=True)
unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

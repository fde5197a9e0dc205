#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What one script file cannot say: output counted in the hundred thousands, programs killed, two sessions at once, modules of another kernel.

  sessions.py --stap STAP --programs DIR [unittest arguments]

One guest serves all; each test ends with a look for modules that stayed and kernel messages that should not be."""
import argparse, os, pathlib, re, signal, struct, subprocess, sys, tempfile, threading, time, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/lib")
from guest import Guest

PROBLEM = re.compile(r"BUG|WARNING|Oops|INFO: (task|rcu)|rcu.*stall|lockdep|possible recursive|general protection|Call Trace")


def stap(*words, **more):
    more.setdefault("timeout", 120)
    return subprocess.run([options.stap, "--vm", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)


def start_stap(*words):
    return subprocess.Popen([options.stap, "--vm", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Sessions(unittest.TestCase):
    def setUp(self):
        self.messages_before = len(guest.kernel_messages())

    def tearDown(self):
        self.assertEqual(guest.modules(), [], "a module stayed loaded")
        news = guest.kernel_messages()[self.messages_before:]
        self.assertEqual([l for l in news.splitlines() if PROBLEM.search(l)], [], "the kernel reported a problem")

    def test_400000_lines_from_begin_all_arrive(self):
        run = stap("-DMAXACTION_INTERRUPTIBLE=10000000", "-e", 'probe begin { for (i = 0; i < 400000; i++) printf("%d\\n", i); exit() }')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stderr, "")
        self.assertEqual(run.stdout, "".join(f"{i}\n" for i in range(400000)))

    def test_200000_hits_arrive_or_are_reported_lost(self):
        hits = 200000
        script = 'global n; probe kernel.function("__x64_sys_getppid") { printf("%079d\\n", n++) } probe end { printf("hits %d\\n", n) }'
        run = stap("-DMAXSKIPPED=10000000", "-e", script, "-c", f"{options.programs}/known_calls {hits}", timeout=300)
        lines = run.stdout.splitlines()
        numbered = [int(l) for l in lines if re.fullmatch(r"\d{79}", l)]
        counted = int(re.search(r"hits (\d+)", run.stdout)[1])
        lost = sum(int(m) for m in re.findall(r"There were (\d+) transport failures", run.stderr))
        skipped = sum(int(m) for m in re.findall(r"skipped probes: (\d+)", run.stderr))
        self.assertEqual(len(lines), len(numbered) + 1)
        self.assertEqual(numbered, sorted(set(numbered)), "out of order or twice")
        self.assertEqual(counted + skipped, hits, run.stderr)
        self.assertEqual(len(numbered) + lost, counted, run.stderr)

    def test_a_small_ring_loses_and_says_so(self):
        hits = 50000
        script = 'global n; probe kernel.function("__x64_sys_getppid") { printf("%079d\\n", n++) } probe end { printf("hits %d\\n", n) }'
        run = stap("-DMAXSKIPPED=10000000", "-DSTP_BUFFER_KB=8", "-e", script, "-c", f"{options.programs}/known_calls {hits}", timeout=300)
        numbered = re.findall(r"^\d{79}$", run.stdout, re.M)
        counted = int(re.search(r"hits (\d+)", run.stdout)[1])
        lost = sum(int(m) for m in re.findall(r"There were (\d+) transport failures", run.stderr))
        self.assertGreater(lost, 0, "an 8 KB ring should have been full at times")
        self.assertEqual(len(numbered) + lost, counted, run.stderr)

    def test_interrupt_ends_the_session_and_runs_end_probes(self):
        run = start_stap("-e", 'probe begin { println("ready") } probe end { println("end") }')
        self.assertEqual(run.stdout.readline(), "ready\n")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out, err), (0, "end\n", ""))

    def test_units_of_all_cpus_come_in_their_order(self):
        """The number is taken and printed under one lock: merged output ascends, from whichever CPU it came."""
        script = ('global n, cpus; probe kernel.function("__x64_sys_getppid"), kernel.function("__x64_sys_getuid") '
                  '{ printf("%d %d\\n", n++, cpu()); cpus[cpu()]++ } probe end { foreach (c in cpus) printf("cpu %d\\n", c); printf("hits %d\\n", n) }')
        run = stap("-DMAXSKIPPED=10000000", "-DSTP_BUFFER_KB=16384", "-e", script, "-c", f"{options.programs}/known_calls 20000")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        cpus = set(re.findall(r"^cpu (\d+)$", run.stdout, re.M))
        lines = re.findall(r"^(\d+) (\d+)$", run.stdout, re.M)
        self.assertEqual([int(number) for number, _ in lines], list(range(40000)))
        self.assertEqual({cpu for _, cpu in lines}, cpus)
        self.assertEqual(run.stdout.splitlines()[-1], "hits 40000")

    def test_50_loads_and_unloads(self):
        """One module, 50 times: nothing of a session is left in the next one."""
        script = 'global n; probe kernel.function("vfs_read") { n++ } probe timer.ms(1) { if (n > 0) exit() } probe end { println("end") }'
        for _ in range(50):
            run = stap("-e", script, "-c", "cat /proc/uptime")
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertIn("end", run.stdout.splitlines())  # before or after what cat says

    def test_kernel_warning_fails_the_run(self):
        run = stap("-g", "-e", 'function warn() %{ WARN_ON(1); %} probe begin { warn(); println("printed"); exit() }')
        self.assertEqual((run.returncode, run.stdout), (1, "printed\n"))
        self.assertRegex(run.stderr, r"kernel reported a problem.*\n(.*\n)*.*WARNING: CPU: \d+ PID: \d+ at .*tap_handler_0")
        self.messages_before = len(guest.kernel_messages())  # tearDown looks for others
        self.assertEqual(stap("-e", "probe begin { exit() }").returncode, 0, "only the run that did it fails")

    def test_hung_guest_is_ended_and_shown(self):
        """All CPUs spin with interrupts off, in a guest of its own. Takes a minute: twice the time after which silence is suspicious."""
        hang = ('%{ #include <linux/smp.h>\nstatic void tapt_spin(void *unused) { local_irq_disable(); for (;;) cpu_relax(); } %} '
                'function hang() %{ on_each_cpu(tapt_spin, NULL, 1); %} probe begin { hang() }')
        usual = os.environ.pop("TAPJIT_VM_SOCKET")
        try:
            run = stap("-g", "-e", hang, timeout=240)
        finally:
            os.environ["TAPJIT_VM_SOCKET"] = usual
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, r"error: the guest hangs: it has not answered for \d+ s; its console ends:\n(.*\n)*.*loading out-of-tree module")

    def start_procfs(self, script, *words, stdin=subprocess.DEVNULL):
        """A session with files; gives it and their directory, when its begin handler has printed `ready` and the file `there` can be read."""
        self.addCleanup(lambda: os.path.exists("tapt_files.ko") and os.remove("tapt_files.ko"))
        script = 'probe begin { println("ready") } probe procfs("there").read { $value = "yes" } ' + script
        run = subprocess.Popen([options.stap, "--vm", "-m", "tapt_files", *words, "-e", script], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: run.poll() is None and run.send_signal(signal.SIGINT))
        self.assertEqual(run.stdout.readline(), "ready\n")
        place = "/proc/systemtap/tapt_files"
        self.assertEqual(guest.execute("sh", "-c", f"until cat {place}/there; do sleep 0.1; done 2>/dev/null").stdout, "yes")
        return run, place

    def test_files_go_with_their_session(self):
        """Two sessions at once, one directory; an open file keeps neither module, and its reader gets an error from then on."""
        run, place = self.start_procfs("")
        other = start_stap("-e", 'probe procfs("a/b/c").read { $value = "other" } probe timer.ms(1) { if (!said++) println("ready") } global said')
        self.assertEqual(other.stdout.readline(), "ready\n")
        self.assertEqual(guest.execute("sh", "-c", "cat /proc/systemtap/stap_*/a/b/c; ls /proc/systemtap | wc -l").stdout, "other2\n")
        reader = subprocess.Popen([f"{guest.bin_dir}/tap-vm", "exec", "--socket", guest.socket, "--", "sh", "-c",
                                   f"exec 3< {place}/there; cat {place}/there; echo; while [ -d {place} ]; do sleep 0.1; done; cat <&3; echo $?"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(reader.stdout.readline(), "yes\n")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.communicate(timeout=60), ("", ""))
        out, problem = reader.communicate(timeout=60)
        self.assertEqual(out, "1\n")
        self.assertRegex(problem, "^cat: .*Input/output error\n$")  # busybox' words or another's
        self.assertEqual(guest.execute("sh", "-c", "cat /proc/systemtap/stap_*/a/b/c; ls /proc/systemtap | wc -l").stdout, "other1\n")
        other.send_signal(signal.SIGINT)
        self.assertEqual(other.communicate(timeout=60), ("", ""))
        self.assertEqual(guest.execute("ls", "/proc/systemtap").returncode, 1)

    def test_files_of_many_sessions_at_once(self):
        """Modules that come and go together make and remove their directories, and the one that they share."""
        runs = [start_stap("-e", 'probe procfs.read { $value = "x" } probe timer.ms(20) { exit() }') for _ in range(8)]
        for run in runs:
            self.assertEqual(run.communicate(timeout=240), ("", ""))
            self.assertEqual(run.returncode, 0)
        self.assertEqual(guest.execute("ls", "/proc/systemtap").returncode, 1)

    def test_a_file_whose_handler_fails(self):
        """Its reader and its writer get an error, and what was made until then is not shown; others go on until there are more than MAXERRORS."""
        run, place = self.start_procfs('probe procfs("r").read { $value = "part"; error("no") } probe procfs("w").write { error($value) } '
                                       'probe procfs("big").read.maxsize(10) { $value = "123456789"; $value .= "0" } probe end { println("end") } probe error { println("error") }',
                                       "-DMAXERRORS=3")
        failed = lambda command: guest.execute("sh", "-c", f"cd {place}; {command}").stderr.replace("sh: ", "").replace("cat: read error:", "cat:").replace("cat: r:", "cat:").replace("cat: big:", "cat:")  # busybox' words, or another's
        self.assertEqual(failed("cat r"), "cat: Input/output error\n")
        self.assertEqual(failed("echo text > w"), "write error: Input/output error\n")
        self.assertEqual(failed("cat big"), "cat: Input/output error\n")
        self.assertEqual(guest.execute("cat", place + "/there").stdout, "yes")
        self.assertEqual(failed("cat r"), "cat: Input/output error\n")
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out), (1, "error\n"))
        for line in ("ERROR: no near .*", "ERROR: text", "ERROR: buffer size exceeded, consider .maxsize\\(11\\) near .*", "WARNING: Number of errors: 4, .*"):
            self.assertRegex(err, line)

    def test_files_after_exit(self):
        """Their handlers do not run any more: a reader gets an error, then there is no file."""
        run, place = self.start_procfs('probe procfs("stop").write { exit(); n++ } global n probe procfs("now").read { $value = "now"; n += 10 } probe end { println(n) }')
        said = guest.execute("sh", "-c", f"cd {place}; exec 3< now; exec 4< now; cat <&3; echo x > stop; echo; cat <&4 || echo error").stdout
        self.assertEqual(said, "now\nerror\n")
        self.assertEqual((*run.communicate(timeout=60), run.returncode), ("11\n", "", 0))

    def kill_reader_of_files(self, before, after):
        """The ring is full, and a handler waits for the reader, who gets signals before that, and after it, in the end SIGKILL: the handler ends, and the module can go."""
        run, place = self.start_procfs('probe procfs("p").read { for (i = 0; i < 5000000; i++) printf("%0100d\\n", i); $value = "done" } ', "-DMAXACTION_INTERRUPTIBLE=100000000")
        reading = threading.Thread(target=run.communicate)
        reading.start()
        for name in before:
            self.assertEqual(guest.execute("killall", name, "stapio").returncode, 0)
        self.assertEqual(guest.execute("sh", "-c", f"(cat {place}/p; echo $?) >/tmp/reader 2>&1 </dev/null &").returncode, 0)
        for name in (*after, "-KILL"):
            time.sleep(1)  # by then it waits; it is right before that, too
            self.assertEqual(guest.execute("killall", name, "stapio").returncode, 0)
        reading.join(timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertRegex(guest.execute("sh", "-c", "while pidof cat; do sleep 0.1; done >/dev/null; cat /tmp/reader").stdout, "^(done)?(cat: .*Input/output error\n)?[01]\n$")
        self.assertEqual(guest.execute("ls", "/proc/systemtap").returncode, 1)

    def test_a_dead_reader_of_files_that_print(self):
        self.kill_reader_of_files(before=["-STOP"], after=[])

    def test_a_reader_of_files_that_print_dies_as_it_stops(self):
        """Killed in TAP_IOC_STOP, which waits for the handler."""
        self.kill_reader_of_files(before=[], after=["-INT", "-STOP"])

    def test_a_file_whose_globals_are_held(self):
        """Embedded C keeps the lock of the one global. The reader gets an error after a while, not an empty reply; what its handler printed before is there."""
        run, place = self.start_procfs('function keep() %{ tap_lock_try(&tap_globals.lock_0, true); %} function give_back() %{ tap_lock_drop(&tap_globals.lock_0, true); %} '
                                       'probe procfs("keep").write { keep() } probe procfs("give_back").write { give_back() } '
                                       'global n probe timer.s(100) { n++ } probe procfs("p").read { println("before"); $value = sprint(n) }', "-g")
        self.assertEqual(guest.execute("sh", "-c", f"cd {place}; cat p; echo > keep; cat p || echo error; echo > give_back; cat p").stdout, "0error\n0")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.communicate(timeout=60), (3 * "before\n", "WARNING: Number of errors: 0, skipped probes: 1\n"))

    def test_output_of_readers_is_whole(self):
        """Two readers at a time print more than the ring holds: each handler waits for room, and its lines come in a row."""
        run, place = self.start_procfs('probe procfs("p").read { for (i = 0; i < 20000; i++) printf("%d %05d\\n", tid(), i); $value = "x" } ', "-DMAXACTION_INTERRUPTIBLE=10000000")
        reading = threading.Thread(target=lambda: guest.execute("sh", "-c", f"cd {place}; for i in 1 2 3; do cat p & cat p; wait; done >/dev/null"))
        lines = []
        reading.start()
        while len(lines) < 120000:
            lines.append(run.stdout.readline())
        reading.join()
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.communicate(timeout=60), ("", ""))
        for start in range(0, 120000, 20000):
            task = lines[start].split()[0]
            self.assertEqual(lines[start:start + 20000], [f"{task} {i:05}\n" for i in range(20000)])

    def test_standard_input(self):
        """stap passes it on to probes of input.char and input.line, and nothing to the command of -c; the end of the input ends nothing."""
        script = ('probe input.char { if (char == "!") { println("bang"); exit() } n++ } global n '
                  'probe input.line { printf("%d: %s", n, line) } probe end { println(n) }')
        run, place = self.start_procfs(script, "-c", "sh -c 'cat; sleep 60'", stdin=subprocess.PIPE)
        run.stdin.write("first\n")
        run.stdin.flush()
        self.assertEqual(run.stdout.readline(), "6: first\n")
        run.stdin.write("\nth")
        run.stdin.flush()
        self.assertEqual(run.stdout.readline(), "7: \n")
        out, err = run.communicate("ird\nx!", timeout=60)
        self.assertEqual((run.returncode, out, err), (0, "13: third\nbang\n15\n", ""))
        run = subprocess.run([options.stap, "--vm", "-e", 'probe begin { exit() } probe input.line { println("no") }'], input="x\n", capture_output=True, text=True, timeout=60)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_keys_of_a_terminal(self):
        """staprun -i has it give each key at once, and leaves it as it was."""
        script = 'probe begin { println("ready") } probe input.char { printf("<%s>\\n", char); if (char == "q") exit() }'
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run([options.stap, "--vm", "-p4", "-m", "tapt_keys", "-e", script], cwd=folder, capture_output=True, text=True, timeout=120)
            self.assertEqual(made.returncode, 0, made.stderr)
            guest.put(folder + "/tapt_keys.ko", "/tmp/tapt_keys.ko")
        guest.put(options.programs + "/on_terminal", "/tmp/on_terminal")
        type_keys = lambda keys: guest.execute(
            "sh", "-c", f"chmod +x /tmp/on_terminal; /tmp/on_terminal '{keys}' $(command -v staprun || echo /usr/libexec/tapjit/staprun) -i /tmp/tapt_keys.ko")
        run = type_keys("abq")
        self.assertEqual(run.stdout, "ready\n[keys]\n<a>\n<b>\n<q>\n[lines, status 0]\n", run.stderr)
        # In the background it is neither stopped nor does it change what is another program's by then.
        run = type_keys("a&")
        self.assertEqual(run.stdout, "ready\n[keys]\n<a>\n[keys, status 0]\n", run.stderr)

    def test_input_whose_handler_fails(self):
        """It is lost to that handler alone: the others see it, and what comes after it goes on."""
        script = 'probe input.char { if (char == "x") error("no"); n++ } global n probe input.line { printf("%d: %s", n, line); exit() }'
        run = subprocess.run([options.stap, "--vm", "-DMAXERRORS=5", "-e", script], input="axbc\n", capture_output=True, text=True, timeout=60)
        self.assertEqual((run.returncode, run.stdout), (1, "4: axbc\n"))
        self.assertRegex(run.stderr, r"^ERROR: no near .*\nWARNING: Number of errors: 1, skipped probes: 0\n")

    def killed(self, victim):
        """Starts a session, kills one of its programs in the guest, and gives stap's end."""
        run = start_stap("-m", "tapt_killed", "-e", 'probe begin { println("ready") } probe timer.ms(1) { n++ } probe kernel.function("vfs_read") { m++ }')
        self.addCleanup(lambda: os.path.exists("tapt_killed.ko") and os.remove("tapt_killed.ko"))
        self.assertEqual(run.stdout.readline(), "ready\n")
        self.assertEqual(guest.execute("killall", "-9", victim).returncode, 0)
        out, err = run.communicate(timeout=60)
        return run.returncode, out, err

    def test_killed_stapio_leaves_nothing(self):
        code, _, err = self.killed("stapio")
        self.assertEqual(code, 1, err)

    def test_killed_staprun_leaves_a_module_that_can_be_removed(self):
        self.killed("staprun")
        deadline = time.monotonic() + 30
        while guest.modules() and time.monotonic() < deadline:
            guest.execute("staprun", "-d", "tapt_killed")

    def test_killed_stap_leaves_nothing(self):
        run = start_stap("-e", 'probe begin { println("ready") } probe timer.ms(1) { n++ }')
        self.assertEqual(run.stdout.readline(), "ready\n")
        run.kill()
        run.communicate()
        deadline = time.monotonic() + 30
        while guest.modules() and time.monotonic() < deadline:
            time.sleep(0.1)

    def test_a_traced_module_comes_and_goes(self):
        """Its probes are placed before its init function runs, each time; calls of loop_init and of loop_exit frame what happens between."""
        release = guest.execute("uname", "-r").stdout.strip()
        guest.put(f"/lib/modules/{release}/kernel/drivers/block/loop.ko", "/tmp/loop.ko")
        # A timer's handler runs when all probes are placed; while one is being placed its module cannot be removed.
        script = ('global said probe timer.ms(1) { if (!said++) println("ready") } probe module("loop").function("loop_init").call { println("init") } '
                  'probe module("lo*p").function("loop_add") { printf("add %d\\n", $i) } '
                  'probe module("loop").function("loop_add").return { printf("added %d\\n", @entry($i)) } '
                  'probe module("loop").function("loop_exit") { println("exit") }')
        once = ["init\n", *(line for i in range(8) for line in (f"add {i}\n", f"added {i}\n")), "exit\n"]
        run = start_stap("-e", script)
        self.assertEqual(run.stdout.readline(), "ready\n")
        for _ in range(2):
            self.assertEqual(guest.execute("insmod", "/tmp/loop.ko").returncode, 0)
            self.assertEqual(guest.execute("rmmod", "loop").stderr, "")
            self.assertEqual([run.stdout.readline() for _ in once], once)
        self.assertEqual(guest.execute("insmod", "/tmp/loop.ko").returncode, 0)
        run.send_signal(signal.SIGINT)  # the session ends before the module
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out, err), (0, "".join(once[:-1]), ""))
        run = start_stap("-e", script)  # and begins after it
        self.assertEqual(run.stdout.readline(), "ready\n")
        self.assertEqual(guest.execute("rmmod", "loop").returncode, 0)
        self.assertEqual(run.stdout.readline(), "exit\n")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.communicate(timeout=60), ("", ""))

    def test_events_of_a_module_that_comes_and_goes(self):
        """They are those of the module that is loaded; one that is gone takes its events along, and brings them again."""
        guest.load(["sd_mod"])
        guest.load(["scsi_debug", "dev_size_mb=8", "delay=0"])
        script = ('global said probe timer.ms(1) { if (!said++) println("ready") } '
                  'probe kernel.trace("scsi_dispatch_cmd_start") { if (@cast($cmd, "struct scsi_cmnd", "scsi_mod")->sdb->length == 4096) println("command") }')
        run = start_stap("-e", script)
        self.assertEqual(run.stdout.readline(), "ready\n")
        for _ in range(2):
            self.assertEqual(guest.execute("sh", "-c", "for d in /sys/block/sd*; do dd if=/dev/${d##*/} of=/dev/null bs=4096 count=1 iflag=direct; done").returncode, 0)
            self.assertEqual(run.stdout.readline(), "command\n")
            self.assertEqual(guest.execute("sh", "-c", "rmmod scsi_debug && rmmod sd_mod && rmmod scsi_mod").stderr, "")
            guest.load(["sd_mod"])
            guest.load(["scsi_debug", "dev_size_mb=8", "delay=0"])
        self.assertEqual(guest.execute("sh", "-c", "rmmod scsi_debug && rmmod sd_mod && rmmod scsi_mod").stderr, "")
        run.send_signal(signal.SIGINT)  # after the module
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out.replace("command\n", ""), err), (0, "", ""))

    def test_events_of_a_module_that_comes_later(self):
        """They are waited for, come and go with their module, and are not those of another build of it; nor are its data. One warning a session."""
        other = self.other_build("scsi/scsi_mod")
        read = "for d in /sys/block/sd*; do dd if=/dev/${d##*/} of=/dev/null bs=4096 count=1 iflag=direct; done"
        gone = "rmmod scsi_debug && rmmod sd_mod && rmmod scsi_mod"
        script = ('global said probe timer.ms(1) { if (!said++) println("ready") } function level() { try { return @var("scsi_logging_level", "scsi_mod") } catch (why) { println(why) return 0 } } '
                  'probe kernel.trace("scsi_dispatch_cmd_start") { if (@cast($cmd, "struct scsi_cmnd", "scsi_mod")->sdb->length == 4096) printf("command %d\\n", level()) } '
                  'probe kernel.trace("scsi_dispatch_cmd_done") {} probe module("scsi_mod").function("scsi_done") {} probe kernel.function("__x64_sys_getppid") { if (execname() == "known_calls") level() }')
        run = start_stap("-e", script)
        self.assertEqual(run.stdout.readline(), "ready\n")
        guest.put(f"{options.programs}/known_calls", "/tmp/known_calls")

        def ask():
            """What a handler says of the data now, and the lines before."""
            self.assertEqual(guest.execute("/tmp/known_calls", "1").returncode, 0)
            lines = [run.stdout.readline()]
            while lines[-1].startswith("command"):
                lines.append(run.stdout.readline())
            return lines

        away = ["module scsi_mod is not loaded\n"]
        self.assertEqual(ask(), away)
        for name in ("scsi_mod", "other_scsi_mod", "scsi_mod", "other_scsi_mod"):
            guest.load(["scsi_common"])
            self.assertEqual(guest.execute("insmod", f"/tmp/{name}.ko", "scsi_logging_level=0x40000000").stderr, "")
            guest.load(["sd_mod"])
            guest.load(["scsi_debug", "dev_size_mb=8", "delay=0"])
            self.assertEqual(guest.execute("sh", "-c", read).returncode, 0)
            if name == "other_scsi_mod":
                self.assertEqual(ask(), ["module scsi_mod is another build than the one that the script was compiled for\n"])
            self.assertEqual(guest.execute("sh", "-c", gone).stderr, "")
            *commands, last = ask()
            self.assertEqual([last], away)
            self.assertEqual(set(commands), {f"command {0x40000000}\n"} if name == "scsi_mod" else set())
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out), (0, ""))
        self.assertRegex(err, rf"^WARNING: module scsi_mod is neither probed nor read: its build-id is {other}, that of its file when the script was compiled \w{{40}}; .*\n$")
        guest.load(["scsi_common"])
        self.assertEqual(guest.execute("insmod", "/tmp/other_scsi_mod.ko").stderr, "")  # loaded before
        run = stap("-e", 'probe kernel.trace("scsi_dispatch_cmd_start") {}')
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, rf"was made with another build of the module 'scsi_mod': its build-id is \w{{40}}, that of the loaded one is {other}")
        self.assertEqual(guest.execute("rmmod", "scsi_mod").returncode, 0)

    def test_data_of_a_module(self):
        """Read as long as the module is there; what says that it is not can be caught. A variable's address is one of the module's."""
        # 8 is the value before insmod's parameters are taken.
        release = guest.execute("uname", "-r").stdout.strip()
        guest.put(f"/lib/modules/{release}/kernel/drivers/block/loop.ko", "/tmp/loop.ko")
        script = ('global last function max:string() { try { return sprintf("%d", @var("max_loop@drivers/block/loop.c", "loop")) } catch (why) { return why } } '
                  'probe timer.ms(10) { now = max(); if (now != last && now != "8") println(last = now) } '
                  'probe module("loop").function("loop_add").return { printf("%d of %d: %s\\n", @entry($i), $max_loop, symname(&$loop_index_idr)) } '
                  'probe module("loop").function("lo_release") { l = $disk->private_data; printf("release: %s state %s number %d\\n", @enumname($mode & 1, "enum pid_type"), '
                  '@enumname(@cast(l, "loop_device", "nbd:loop")->lo_state, "enum pid_type"), @cast(l, "loop_device")->lo_number) }')
        run = start_stap("-e", script)
        away = "module loop is not loaded\n"
        self.assertEqual(run.stdout.readline(), away)
        for number in (2, 3):
            self.assertEqual(guest.execute("insmod", "/tmp/loop.ko", f"max_loop={number}").returncode, 0)
            lines = [run.stdout.readline() for _ in range(number + 1)]
            adds = [f"{i} of {number}: loop_index_idr\n" for i in range(number)]
            self.assertEqual(sorted(lines), sorted([f"{number}\n", *adds]))
            self.assertEqual(guest.execute("cat", "/dev/loop1").returncode, 0)
            self.assertEqual(run.stdout.readline(), "release: PIDTYPE_TGID state PIDTYPE_PID number 1\n")
            self.assertEqual(guest.execute("rmmod", "loop").stderr, "")
            self.assertEqual(run.stdout.readline(), away)
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.communicate(timeout=60), ("", ""))
        self.assertEqual(guest.execute("insmod", "/tmp/loop.ko", "max_loop=4").returncode, 0)
        run = start_stap("-e", 'probe begin { println(@var("max_loop", "brd:loop")) exit() }')  # loaded before
        self.assertEqual(run.communicate(timeout=60), ("4\n", ""))
        # A handler that is preemptible writes what is a module's (as a structure that begins with an int), and not where that was when it has gone.
        script = ('global where function set(to) { @cast(where, "struct loop_device", "loop")->lo_number = to } probe procfs("set").write { where = &@var("max_loop", "loop") set(5) } '
                  'probe procfs("read").read { $value = sprintf("%d\\n", @var("max_loop", "loop")) } probe procfs("again").write { try { set(6) } catch (why) { println("no") } } '
                  'global said probe timer.ms(1) { if (!said++) println("ready") }')
        run = start_stap("-g", "-e", script)
        self.assertEqual(run.stdout.readline(), "ready\n")
        use = "cd /proc/systemtap/stap_*; echo > set; cat read; rmmod loop; echo > again"
        self.assertEqual(guest.execute("sh", "-c", use).stdout, "5\n")
        self.assertEqual(run.stdout.readline(), "no\n")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.communicate(timeout=60), ("", ""))

    def test_a_module_with_many_probes_goes(self):
        """They are removed at once: the kernel waits for a grace period once a family, not once a probe."""
        guest.put(f"/lib/modules/{release}/kernel/drivers/block/loop.ko", "/tmp/loop.ko")
        # A timer's handler runs when all probes are placed.
        ready = 'global said probe timer.ms(1) { if (!said++) println("ready") } '
        probes = start_stap("-e", ready + 'probe module("loop").function("*").call ?, module("loop").function("*").return ? {}')
        waits = start_stap("-e", ready + 'global n probe kernel.function("synchronize_rcu") { n[execname()]++ } probe end { println(n["insmod"], " ", n["rmmod"]) }')
        for run in probes, waits:
            self.assertEqual(run.stdout.readline(), "ready\n")
        self.assertEqual(guest.execute("insmod", "/tmp/loop.ko").returncode, 0)
        placed = guest.execute("sh", "-c", "mkdir /tmp/debug && mount -t debugfs none /tmp/debug && cat /tmp/debug/kprobes/list; umount /tmp/debug").stdout.count("  loop ")
        self.assertGreater(placed, 40)
        self.assertEqual(guest.execute("rmmod", "loop").returncode, 0)
        probes.send_signal(signal.SIGINT)
        self.assertEqual(probes.communicate(timeout=60), ("", ""))
        waits.send_signal(signal.SIGINT)
        out, err = waits.communicate(timeout=60)
        self.assertEqual(err, "")
        came, went = map(int, out.split())
        self.assertLess(came, placed / 2)
        self.assertLess(went, placed / 2)
        self.assertGreater(went, 0)

    def test_callers_in_freed_code(self):
        """Code that only a module's init function has is gone when the module is there: nothing is called from it, and that is no error."""
        release = guest.execute("uname", "-r").stdout.strip()
        guest.put(f"/lib/modules/{release}/kernel/drivers/block/loop.ko", "/tmp/loop.ko")
        script = ('global said probe timer.ms(1) { if (!said++) println("ready") } probe module("loop").function("loop_init").callee("loop_add").call { println("of init") } '
                  'probe module("loop").function("loop_init").callee("loop_add").return { println("back to init") } '
                  'probe module("loop").function("loop_add").call { println("added") }')
        run = start_stap("-e", script)
        self.assertEqual(run.stdout.readline(), "ready\n")
        self.assertEqual(guest.execute("insmod", "/tmp/loop.ko").returncode, 0)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual((sorted(out.splitlines()), err), (8 * ["added"] + 8 * ["back to init"] + 8 * ["of init"], ""))
        self.assertEqual(guest.execute("sh", "-c", "rmmod loop && insmod /tmp/loop.ko max_loop=0").stderr, "")
        run = start_stap("-e", script)  # loaded before
        self.assertEqual(run.stdout.readline(), "ready\n")
        guest.execute("sh", "-c", "mknod /tmp/loop10 b 7 10; cat /tmp/loop10")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.communicate(timeout=60), ("added\n", ""))
        self.assertEqual(guest.execute("rmmod", "loop").returncode, 0)

    def test_debug_symbols_of_another_build(self):
        """A module that was made with them is not loaded."""
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run([os.path.abspath(options.stap), "--vm", "-p4", "-m", "tapt_build", "-e", 'probe kernel.function("vfs_read") { println($count) }'],
                                  cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual(made.returncode, 0, made.stderr)
            module = pathlib.Path(folder, "tapt_build.ko")
            content = module.read_bytes()
            at = content.index(b"tapjit_kernel=") + len(b"tapjit_kernel=")
            module.write_bytes(content[:at] + b"0123" + content[at + 4:])
            guest.put(module, "/tmp/tapt_build.ko")
        run = guest.execute("staprun", "/tmp/tapt_build.ko")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, r"made with the debug symbols of another build of .*: their build-id is 0123\w+, that of the running kernel is \w+")

    def other_build(self, path):
        """Makes a module with another build-id, the guest's /tmp/other_NAME.ko beside /tmp/NAME.ko, and gives that id."""
        file, name, other = f"/lib/modules/{release}/kernel/drivers/{path}.ko", os.path.basename(path), "ab" * 20
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "note").write_bytes(struct.pack("<III4s", 4, 20, 3, b"GNU") + bytes.fromhex(other))
            subprocess.run(["objcopy", f"--update-section=.note.gnu.build-id={folder}/note", file, f"{folder}/{name}.ko"], check=True)
            guest.put(f"{folder}/{name}.ko", f"/tmp/other_{name}.ko")
        guest.put(file, f"/tmp/{name}.ko")
        return other

    def test_another_build_that_comes_while_a_file_is_read(self):
        """Who would say so finds the session's lane in use, and leaves the warning to the handler that uses it."""
        other = self.other_build("block/loop")
        script = ('function most() { try { return sprint(@var("max_loop", "loop")) } catch (why) { return why } } '
                  'probe procfs("wait").read { while (!isinstr(most(), "another build")) n++ $value = "there\\n" } '
                  'global said probe timer.ms(1) { if (!said++) println("ready") }')
        run = start_stap("-DMAXACTION_INTERRUPTIBLE=100000000", "-e", script)
        self.assertEqual(run.stdout.readline(), "ready\n")
        come = "cat /proc/systemtap/stap_*/wait & sleep 1; insmod /tmp/other_loop.ko; wait; rmmod loop"
        self.assertEqual(guest.execute("sh", "-c", come).stdout, "there\n")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out), (0, ""))
        self.assertRegex(err, rf"^WARNING: module loop is neither probed nor read: its build-id is {other}, .*\n$")

    def test_another_build_of_a_module(self):
        """One that is loaded is not probed by a script that was made for another; nor is one that comes later. Both are told with the two build-ids."""
        other = self.other_build("block/loop")
        script = ('global said probe timer.ms(1) { if (!said++) println("ready") } probe module("loop").function("loop_init").call { println("init") } '
                  'probe module("loop").function("loop_add").return { println("added") }')
        self.assertEqual(guest.execute("insmod", "/tmp/other_loop.ko").returncode, 0)
        run = stap("-e", script)
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, rf"was made with another build of the module 'loop': its build-id is \w{{40}}, that of the loaded one is {other}")
        run = stap("-e", 'probe begin { println(@var("max_loop", "loop")) exit() }')  # its data are not read either
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertRegex(run.stderr, rf"was made with another build of the module 'loop': .* {other}")
        run = stap("-DSTP_NO_BUILDID_CHECK", "-e", script, "-T", "1")
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "ready\n", ""))
        self.assertEqual(guest.execute("rmmod", "loop").returncode, 0)
        # One that comes after staprun's look, and before the probes are placed: the first handler waits for it, and now and then for its reader.
        guest.execute("sh", "-c", "(until grep -q ^stap_ /proc/modules; do :; done; insmod /tmp/other_loop.ko max_loop=3) </dev/null >/dev/null 2>&1 &")
        told = r"WARNING: module loop is neither probed nor read: its build-id is " + other + r", that of its file when the script was compiled \w{40}; .*\n"
        wait = ('function most() { try { return sprint(@var("max_loop", "loop")) } catch (why) { return why } } '
                'probe begin { while (!isinstr(most(), "another build")) printf("%0200d\\n", 0) println("there") } ')
        run = start_stap("-DSTP_BUFFER_KB=8", "-DMAXACTION_INTERRUPTIBLE=10000000", "-e", wait + script)
        lines = iter(run.stdout.readline, "ready\n")
        self.assertEqual([line for line in lines if len(line) < 200], ["there\n"])
        self.assertEqual(guest.execute("rmmod", "loop").returncode, 0)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out), (0, ""))
        self.assertRegex(err, f"^{told}$")
        run = start_stap("-e", script)
        self.assertEqual(run.stdout.readline(), "ready\n")
        for name in ("other_loop", "loop", "other_loop"):
            self.assertEqual(guest.execute("insmod", f"/tmp/{name}.ko").returncode, 0)
            self.assertEqual(guest.execute("rmmod", "loop").returncode, 0)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out), (0, "init\n" + 8 * "added\n"))
        self.assertRegex(err, f"^{told}$")

    def test_two_boots_at_different_addresses(self):
        """Functions whose name others have too are found by their link address, wherever the kernel lies."""
        script = ('probe kernel.statement("vfs_read@fs/read_write.c:*") { n[pp()]++ } global n '
                  'probe kernel.function("load_elf_binary") { shared++ } global shared '
                  'probe end { foreach (where in n) found++; println(found > 5 ? "statements" : "none"); println(shared > 0 ? "shared" : "none") }')
        seen = set()
        usual = os.environ["TAPJIT_VM_SOCKET"]
        for words in ["--append", "nokaslr"], ["--append", "kaslr"]:
            other = Guest(guest.bin_dir, serve_options=words)
            try:
                seen.add(re.search(r"^(\w+) T _text$", other.execute("cat", "/proc/kallsyms").stdout, re.M)[1])
                run = stap("-e", script, "-c", "sh -c 'cat /proc/uptime; true'")
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                self.assertEqual(run.stdout.splitlines()[-2:], ["statements", "shared"])
            finally:
                other.close()
                os.environ["TAPJIT_VM_SOCKET"] = usual
        self.assertEqual(len(seen), 2, seen)

    def test_addresses(self):
        """A function by any address in it, statements by their link addresses, the function's cold part among them, and an address of the running kernel."""
        symbols = {line.split()[2]: int(line.split()[0], 16) for line in guest.execute("cat", "/proc/kallsyms").stdout.splitlines()}
        slide = symbols["_text"] - 0xffffffff81000000
        handler, cold = symbols["drop_caches_sysctl_handler"], symbols.get("drop_caches_sysctl_handler.cold")
        points = [f"kernel.function({handler - slide + 16:#x}).call", f"kernel.statement({handler - slide:#x})"]
        points += [f"kernel.statement({cold - slide:#x})"] if cold else []
        script = " ".join(f'probe {point} {{ printf("%s: write %d\\n", pp(), $write) }}' for point in points)
        script += f' probe kernel.statement({handler:#x}).absolute {{ println("absolute") }}'
        run = stap("-g", "-e", script, "-c", "sh -c 'echo 1 > /proc/sys/vm/drop_caches'")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        points[0] = f"kernel.function({handler - slide:#x}).call"
        expected = [f"{point}: write 1" for point in points]
        self.assertEqual(sorted(run.stdout.splitlines()), sorted(["absolute", *expected]))
        self.assertEqual(run.stdout.splitlines()[-1], expected[-1] if cold else run.stdout.splitlines()[-1])

    def lines_of(self, elf, addresses, *words):
        """What binutils says of link addresses: "file:line", the file without the directory that it was built in."""
        text = subprocess.run(["addr2line", "-e", elf, *words, *map(hex, addresses)], capture_output=True, text=True, check=True).stdout
        return [re.sub(r"^.*?/build_[^/]*/", "", line.split(" (")[0]) for line in text.splitlines()]

    def runtime_addresses(self):
        return {(name, module[1:-1]): int(address, 16) for address, name, module in
                re.findall(r"^(\w+) . (\S+)(?:\t(\S+))?$", guest.execute("cat", "/proc/kallsyms").stdout, re.M)}

    def test_source_lines(self):
        """Of places within functions, entries among them; the slide is that of this boot."""
        vmlinux = f"/usr/lib/debug/boot/vmlinux-{release}"
        if not os.path.exists(vmlinux):
            self.skipTest("no debuginfo of this kernel")
        names = ["vfs_read", "ksys_write", "do_syscall_64", "kernel_clone", "__schedule", "tcp_sendmsg", "kmem_cache_alloc", "schedule_timeout", "dput", "__x64_sys_openat",
                 "wake_up_process", "do_exit"]
        linked = {name: int(address, 16) for address, name in re.findall(r"^(\w+) [tT] (\w+)$", subprocess.run(["nm", vmlinux], capture_output=True, text=True).stdout, re.M)}
        now = self.runtime_addresses()
        places = [(name, offset) for name in names for offset in (0, 9, 40)]
        calls = "".join(f"println(symfileline({now[name, ''] + offset:#x})) " for name, offset in places)
        run = stap("-e", "probe begin { " + calls + f"println(symfile({now['vfs_read', '']:#x}), \":\", symline({now['vfs_read', '']:#x})) "
                   f"println(symfileline(5), symline(0x7fffffffffff), symfile({now['jiffies', '']:#x}) == \"{now['jiffies', '']:#x}\", symfileline(-1)) exit() }}")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        lines = run.stdout.splitlines()
        expected = self.lines_of(vmlinux, [linked[name] + offset for name, offset in places])
        self.assertEqual(lines[: len(places)], expected)
        self.assertEqual(lines[len(places)], expected[0])
        self.assertEqual(lines[len(places) + 1 :], ["0x50x7fffffffffff10xffffffffffffffff"])

    def test_source_lines_of_a_module(self):
        guest.load(["loop"])
        now = {name: address for (name, module), address in self.runtime_addresses().items() if module == "loop"}
        debug = f"/usr/lib/debug/lib/modules/{release}/kernel/drivers/block/loop.ko"
        if not os.path.exists(debug):
            self.skipTest("no debuginfo of this kernel's modules")
        linked = {name: int(address, 16) for address, name in re.findall(r"^(\w+) t (lo_\w+)$", subprocess.run(["nm", debug], capture_output=True, text=True).stdout, re.M)}
        names = [name for name in linked if name in now and "." not in name][:6]
        self.assertGreater(len(names), 2)
        calls = "".join(f"println(symfileline({now[name] + offset:#x})) " for name in names for offset in (0, 12))
        script = "probe begin { " + calls + "exit() }"
        expected = self.lines_of(debug, [linked[name] + offset for name in names for offset in (0, 12)], "-j", ".text")
        named = stap("-d", "loop", "-e", script)
        self.assertEqual((named.stdout.splitlines(), named.stderr), (expected, ""))
        probed = stap("-e", script + ' probe module("loop").function("lo_release") {}')
        self.assertEqual((probed.stdout.splitlines(), probed.stderr), (expected, ""))
        unnamed = stap("-e", script)
        self.assertEqual(unnamed.stdout.splitlines(), [f"{now[name] + offset:#x}" for name in names for offset in (0, 12)])
        missing = stap("-d", "nonesuch", "-e", script)
        self.assertEqual((missing.returncode, missing.stderr), (1, f"error: kernel {release} has no module `nonesuch`\n"))
        guest.execute("rmmod", "loop")
        gone = stap("-d", "loop", "-e", script)
        self.assertEqual((gone.stdout, gone.stderr), (unnamed.stdout, ""))

    def test_two_modules_at_once(self):
        script = 'global n; probe kernel.function("vfs_read") { n++ } probe begin { println("ready") } probe end { println(n > 0 ? "read" : "nothing") }'
        first, second = start_stap("-e", script), start_stap("-e", script)
        for run in (first, second):
            self.assertEqual(run.stdout.readline(), "ready\n")
        self.assertEqual(len(guest.modules()), 2)
        for run in (first, second):
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=60)
            self.assertEqual((run.returncode, out, err), (0, "read\n", ""))

    def test_output_file(self):
        with tempfile.NamedTemporaryFile() as file:
            run = stap("-o", file.name, "-e", 'probe begin { println("into a file"); exit() }')
            self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))
            self.assertEqual(file.read(), b"into a file\n")

    def test_kbuild_makes_a_module_that_behaves_the_same(self):
        script = 'probe begin { printf("%s %d\\n", "same", 6 * 7) } probe kernel.function("vfs_read").return { if ($return > 0) { println("read"); exit() } }'
        ours = stap("-e", script, "-c", "cat /proc/uptime")
        theirs = stap("--kbuild", "-e", script, "-c", "cat /proc/uptime", timeout=300)
        self.assertEqual(theirs.returncode, 0, theirs.stderr)
        drop_uptime = lambda text: [l for l in text.splitlines() if not re.fullmatch(r"[\d. ]+", l)]
        self.assertEqual(set(drop_uptime(theirs.stdout)), set(drop_uptime(ours.stdout)))

    def test_module_of_another_kernel(self):
        with tempfile.TemporaryDirectory() as folder:
            built = subprocess.run([options.stap, "-r", release, "-p4", "-m", "tapt_other", "-e", "probe begin { exit() }"], cwd=folder, capture_output=True, text=True)
            self.assertEqual(built.returncode, 0, built.stderr)
            path = folder + "/tapt_other.ko"
            data = pathlib.Path(path).read_bytes()
            changed = data.replace(f"vermagic={release} ".encode(), f"vermagic={release[:-1]}X ".encode())
            self.assertNotEqual(data, changed)
            pathlib.Path(path).write_bytes(changed)
            run = subprocess.run([f"{guest.bin_dir}/tap-vm", "exec", "--socket", guest.socket, "--put", f"{path}:/tmp/tapt_other.ko", "--", "staprun", "/tmp/tapt_other.ko"],
                                 capture_output=True, text=True, timeout=60)
            self.assertEqual(run.returncode, 1)
            self.assertRegex(run.stderr, re.escape(release[:-1] + "X"))


parser = argparse.ArgumentParser()
parser.add_argument("--stap", required=True, type=os.path.abspath)
parser.add_argument("--programs", required=True)
options, rest = parser.parse_known_args()
guest = Guest(os.path.dirname(os.path.abspath(options.stap)))
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, too; stap leaves it as it is
# What is made once for a kernel, and says so, is made before the first test.
subprocess.run([options.stap, "--vm", "-p4", "-e", 'probe kernel.function("vfs_read") {}'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
release = guest.execute("uname", "-r").stdout.strip()
try:
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2, exit=False).result.wasSuccessful() or sys.exit(1)
finally:
    guest.close()

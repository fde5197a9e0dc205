#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debuginfo that stap gets from a debuginfod server: elfutils' own, on a module's debuginfo, and servers that are dead, silent, slow or wrong. No guest.

  debuginfod.py --stap STAP [unittest arguments]"""
import argparse, http.server, os, pathlib, pty, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time, unittest, urllib.error, urllib.request

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here / "lib"))
from guest import kernels

MODULE = "kernel/drivers/block/loop.ko"
OTHER = "kernel/drivers/block/virtio_blk.ko"
POINT = 'module("loop").function("loop_add@drivers/block/loop.c")'
PLACED = 'module("loop").function("loop_add@drivers/block/loop.c:'
release = next((r for r in kernels() if os.path.exists(f"/usr/lib/debug/lib/modules/{r}/{MODULE}")), "")


def debug_file(module):
    return f"/usr/lib/debug/lib/modules/{release}/{module}"


def build_id(path):
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    return re.search(r"Build ID: (\w+)", notes)[1]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_served(url):
    try:
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url).status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


class Server:
    """Answers all GETs by a function of the request."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                try:
                    answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_):
                pass

        asked = self.asked = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def dripping(pause):
    """A server's answer to any request: a file of 300 MB, one of them each `pause` seconds."""
    def answer(request):
        request.send_response(200)
        request.send_header("Content-Length", "300000000")
        request.end_headers()
        while True:
            request.wfile.write(bytes(1000000))
            time.sleep(pause)
    return answer


@unittest.skipUnless(release, "no kernel with headers and debuginfo is installed")
class Debuginfod(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = folder.name
        os.mkdir(f"{self.top}/tmp")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("SYSTEMTAP_", "TAPJIT_", "DEBUGINFOD_")) and not k.lower().endswith("_proxy")}
        self.environment |= {"TMPDIR": f"{self.top}/tmp", "XDG_CACHE_HOME": cache.name, "HOME": self.top, "LC_ALL": "C.UTF-8", "SYSTEMTAP_DEBUGINFO_PATH": "/nonexistent",
                             "DEBUGINFOD_CACHE_PATH": f"{self.top}/fetched"}

    def tearDown(self):
        self.assertEqual(os.listdir(f"{self.top}/tmp"), [], "something stayed in TMPDIR")

    def serving(self, answer):
        server = Server(answer)
        self.addCleanup(server.close)
        return server

    def gives(self, path):
        def answer(request):
            content = pathlib.Path(path).read_bytes()
            request.send_response(200)
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)
        return answer

    def start(self, *words, **environment):
        return subprocess.Popen([options.stap, "-r", release, *words], env=self.environment | environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def stap(self, *words, **environment):
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, re.sub(r"^(Indexing|Preparing) .*\n", "", err, flags=re.M)

    def refused(self, says, point=POINT, **environment):
        """The hint names the server, what was asked of it, and its answer."""
        status, out, err = self.stap("-p2", "-e", f"probe {point} {{ }}", **environment)
        self.assertEqual((status, out), (1, ""), err)
        self.assertRegex(err, rf"(?m)^hint: .*debuginfod \({re.escape(environment['DEBUGINFOD_URLS'])}\).*{says}")
        return err

    @unittest.skipUnless(shutil.which("debuginfod"), "debuginfod is not installed")
    def test_elfutils_server(self):
        os.mkdir(f"{self.top}/served")
        shutil.copy(debug_file(MODULE), f"{self.top}/served/")
        port = free_port()
        with open(f"{self.top}/log", "w") as log:
            server = subprocess.Popen(["debuginfod", "-p", str(port), "-d", ":memory:", "-F", f"{self.top}/served"], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                      env=self.environment)
        self.addCleanup(lambda: (server.kill(), server.wait()))
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            if is_served(f"{url}/buildid/{build_id(debug_file(MODULE))}/debuginfo"):
                break
            self.assertIsNone(server.poll(), pathlib.Path(f"{self.top}/log").read_text())
            time.sleep(0.1)
        script = f"probe {POINT} {{ }}"
        status, out, err = self.stap("-v", "-p2", "-e", script, DEBUGINFOD_URLS=url)
        self.assertEqual(status, 0, err)
        self.assertIn(PLACED, out)
        self.assertIn(f"debuginfod gave the debug symbols of module loop (build-id {build_id(debug_file(MODULE))}): {self.top}/fetched/", err)
        # Another module is not there; what this server does not have, another one may.
        self.refused("no such debuginfo", 'module("virtio_blk").function("virtblk_probe@drivers/block/virtio_blk.c")', DEBUGINFOD_URLS=url)
        server.kill()
        server.wait()
        self.assertEqual(self.stap("-p2", "-e", script, DEBUGINFOD_URLS=url), (0, out.replace("{ }\n", ""), ""))  # without -v no bodies; kept from the first time

    def test_who_is_not_asked(self):
        """Nobody is where debuginfo is installed, BTF was preferred and suffices, the variable is empty, or no debuginfo is needed."""
        server = self.serving(lambda request: request.send_error(404))
        by_name = 'probe module("loop").function("loop_add") { println($i) }'
        for words, more in (("-e", f"probe {POINT} {{ println($i) }}"), {"SYSTEMTAP_DEBUGINFO_PATH": "/usr/lib/debug"}), (("--prefer=btf", "-e", by_name), {}), (("-e", by_name), {"DEBUGINFOD_URLS": ""}), \
                (("-e", "probe begin { }"), {}), (("-e", 'probe kprobe.function("vfs_read") { }'), {}):
            status, _, err = self.stap("-p2", *words, **{"DEBUGINFOD_URLS": server.url} | more)
            self.assertEqual((status, err, server.asked), (0, "", []), words)
        # Else they are, once for a file; BTF does what it can after that.
        status, out, err = self.stap("-p2", "-e", f"{by_name} {by_name}", DEBUGINFOD_URLS=server.url)
        self.assertEqual((status, err), (0, ""))
        self.assertIn('module("loop").function("loop_add")', out)
        self.assertEqual(server.asked, [f"/buildid/{build_id(debug_file(MODULE))}/debuginfo"])

    def test_the_library_is_loaded_when_needed(self):
        """Neither with no server nor with one that nothing is asked of."""
        for words, urls, loaded in (("probe begin { }", "http://127.0.0.1:1", False), (f"probe {POINT} {{ }}", "", False), (f"probe {POINT} {{ }}", "http://127.0.0.1:1", True)):
            _, _, err = self.stap("-p2", "-e", words, LD_DEBUG="files", DEBUGINFOD_URLS=urls)
            self.assertEqual("libdebuginfod" in err, loaded, words)

    def test_dead_server(self):
        self.refused("asked for build-id \\w{40}: no answer: Failed to connect to 127.0.0.1 port ", DEBUGINFOD_URLS=f"http://127.0.0.1:{free_port()}")
        self.refused("no answer: ", DEBUGINFOD_URLS="http://nowhere.invalid")

    def test_gone_server_is_asked_once(self):
        """The answer for the second module is the one for the first."""
        err = self.refused("no answer: Failed to connect", POINT + ', module("virtio_blk").function("virtblk_probe@drivers/block/virtio_blk.c")',
                           DEBUGINFOD_URLS=f"http://127.0.0.1:{free_port()}")
        self.assertEqual(re.findall(r"build-id (\w+)", err), 2 * [build_id(debug_file(MODULE))])

    def test_each_server_is_accounted_for(self):
        """Whatever the order of the servers; those that fail are left out after that, and their errors are not kept as the answer that there is no such file."""
        def fails(request):
            request.send_error(503)
        names = "loop", "virtio_blk", "virtio_net", "virtio_scsi"
        points = ", ".join(f'module("{name}").function("*@nowhere/x.c")' for name in names)
        dead = f"http://127.0.0.1:{free_port()}"
        absent = "no such debuginfo"
        for order in (0, 1, 2), (2, 1, 0), (1, 2, 0):
            shutil.rmtree(f"{self.top}/fetched", ignore_errors=True)
            broken, missing = self.serving(fails), self.serving(lambda request: request.send_error(404))
            servers = ((broken.url, "HTTP error 503"), (missing.url, absent), (dead, "no answer: Failed to connect to 127.0.0.1 port .*"))
            urls, answers = zip(*(servers[i] for i in order))
            err = self.refused("; ".join(f"{re.escape(url)}: {answer}" for url, answer in zip(urls, answers)), points, DEBUGINFOD_URLS=" ".join(urls))
            self.assertEqual((len(broken.asked), len(missing.asked)), (2, 4), err)
            self.assertEqual(list(pathlib.Path(f"{self.top}/fetched").glob("*/debuginfo")), [])
        # No server but a broken one; and one that has it beside those that fail.
        broken = self.serving(fails)
        self.refused("HTTP error 503", points, DEBUGINFOD_URLS=broken.url)
        self.assertEqual(len(broken.asked), 2)
        good = self.serving(self.gives(debug_file(MODULE)))
        status, out, err = self.stap("-p2", "-e", f"probe {POINT} {{ }}", DEBUGINFOD_URLS=f"{broken.url} {dead} {good.url}")
        self.assertEqual((status, err), (0, ""))
        self.assertIn(PLACED, out)

    def test_download_option(self):
        """no, yes, a limit in seconds, and what is no such thing."""
        script = f"probe {POINT} {{ }}"
        server = self.serving(self.gives(debug_file(MODULE)))
        status, out, err = self.stap("--download-debuginfo=no", "-p2", "-e", script, DEBUGINFOD_URLS=server.url)
        self.assertEqual((status, out, server.asked), (1, "", []))
        self.assertNotIn("was asked", err)
        for words in ("--download-debuginfo",), ("--download-debuginfo=yes",), ("--download-debuginfo=50",), ("--download-debuginfo=no", "--download-debuginfo=yes"):
            shutil.rmtree(f"{self.top}/fetched", ignore_errors=True)
            status, out, err = self.stap(*words, "-p2", "-e", script, DEBUGINFOD_URLS=server.url)
            self.assertEqual((status, err), (0, ""), words)
            self.assertIn(PLACED, out)
            status, out, err = self.stap(*words, "-p2", "-e", "probe begin { }")
            self.assertEqual((status, out), (1, ""))
            self.assertIn("the variable DEBUGINFOD_URLS names no server to ask\nhint: set it to ", err)
        for bad in "", "0", "-1", "maybe", "5s", "99999999999999999999":
            status, _, err = self.stap(f"--download-debuginfo={bad}", "-p2", "-e", script, DEBUGINFOD_URLS=server.url)
            self.assertEqual((status, f"`{bad}` is not yes, no, ask or a number of seconds" in err), (1, True), err)

    def test_download_limit(self):
        """For the file, however it comes; nobody is asked after that."""
        server = self.serving(dripping(0.1))
        begin = time.monotonic()
        status, _, err = self.stap("--download-debuginfo=3", "-p2", "-e", f'probe {POINT}, module("virtio_blk").function("*@nowhere/x.c") {{ }}', DEBUGINFOD_URLS=server.url)
        self.assertLess(time.monotonic() - begin, 20)
        self.assertEqual((status, err.count("the answer took more than 3 seconds"), len(server.asked)), (1, 2, 1), err)
        self.assertEqual([p.name for p in pathlib.Path(f"{self.top}/fetched").rglob("debuginfo*")], [])

    def test_download_ask(self):
        """The terminal is asked, once in a run; there may be none."""
        script = f'probe {POINT}, module("virtio_blk").function("*@nowhere/x.c") ? {{ }}'
        server = self.serving(self.gives(debug_file(MODULE)))
        words = [options.stap, "-r", release, "--download-debuginfo=ask", "-p2", "-e", script]
        environment = self.environment | {"DEBUGINFOD_URLS": server.url}
        run = subprocess.run(words, env=environment, text=True, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, timeout=60)
        self.assertEqual((run.returncode, server.asked), (1, []))
        self.assertIn("was not asked: there is no terminal for --download-debuginfo=ask", run.stderr)
        for answer, asked in (b"n\n", 0), (b"\n", 0), (b"y\n", 2):
            process, terminal = pty.fork()
            if process == 0:
                os.execve(options.stap, words, environment)
            text = b""
            while b"[y/N]" not in text:
                text += os.read(terminal, 1000)
            os.write(terminal, answer)
            try:
                while part := os.read(terminal, 10000):
                    text += part
            except OSError:  # its end was closed
                pass
            os.close(terminal)
            status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            self.assertEqual((status, len(server.asked)), (0 if asked else 1, asked), text)
            self.assertEqual(text.count(b"[y/N]"), 1)
            self.assertEqual(b"was not asked, as you said" in text, not asked)

    def test_wildcards_of_modules(self):
        """Nobody is asked for the files of all that match, which the hint says; a module that is named as well is asked for."""
        server = self.serving(lambda request: request.send_error(503))
        status, out, err = self.stap("-l", 'module("virtio_*").function("*probe")', DEBUGINFOD_URLS=server.url)
        self.assertEqual((status, err, server.asked), (0, "", []))
        self.assertIn('module("virtio_blk").function("virtblk_probe")', out)
        status, out, err = self.stap("-p2", "-e", 'probe module("virtio_*").function("*@drivers/*") { }', DEBUGINFOD_URLS=server.url)
        self.assertEqual((status, out, server.asked), (1, "", []), err)
        self.assertRegex(err, "(?m)^hint: .*debuginfod is asked only for modules that are named one by one$")
        self.stap("-p2", "-e", 'probe module("virtio_*").function("*probe"), module("virtio_blk").function("virtblk_probe") { }', DEBUGINFOD_URLS=server.url)
        self.assertEqual(server.asked, [f"/buildid/{build_id(debug_file(OTHER))}/debuginfo"])

    def test_quick_queries_are_shown_when_they_are_many(self):
        """Two seconds in total, however short each is."""
        def answer(request):
            time.sleep(1.2)
            request.send_error(404)
        others = "".join(f', module("{name}").function("*@x.c") ?' for name in ("virtio_blk", "virtio_net", "virtio_scsi", "virtio_pci"))
        server = self.serving(answer)
        _, _, err = self.stap("-p2", "-e", f"probe {POINT} ?{others} {{ }}", DEBUGINFOD_URLS=server.url)
        self.assertIn("Asking debuginfod for the debug symbols of module virtio_", err)
        self.assertNotIn("of module loop ...", err)

    def test_ignored_hangup_and_interrupt(self):
        """What nohup has ignored stays so; what a shell has ignored in a job in the background ends it, as scripts expect."""
        def answer(request):
            arrived.set()
            time.sleep(3)
            request.send_error(404)
        for number in signal.SIGINT, signal.SIGHUP:
            arrived = threading.Event()
            shutil.rmtree(f"{self.top}/fetched", ignore_errors=True)
            with_handler = signal.signal(number, signal.SIG_IGN)
            try:
                process = self.start("-p2", "-e", f"probe {POINT} {{ }}", DEBUGINFOD_URLS=self.serving(answer).url)
            finally:
                signal.signal(number, with_handler)
            self.assertTrue(arrived.wait(30))
            process.send_signal(number)
            _, err = process.communicate(timeout=30)
            self.assertEqual(process.returncode, -signal.SIGINT if number == signal.SIGINT else 1)
            self.assertEqual("no such debuginfo" in err, number == signal.SIGHUP)

    def test_types_of_programs(self):
        """Where SYSTEMTAP_DEBUGINFO_PATH says, by build-id; else the message says where they were looked for."""
        with open(f"{self.top}/p.c", "w") as source:
            source.write("struct thing { long a; int number; }; struct thing one; int main(void) { return one.number; }\n")
        subprocess.run(["gcc", "-g", "-Wl,--build-id", "-o", f"{self.top}/whole", f"{self.top}/p.c"], check=True)
        program = f"{self.top}/program"
        subprocess.run(["objcopy", "--strip-debug", f"{self.top}/whole", program], check=True)
        script = f'probe begin {{ println(@cast(1, "thing", "{program}")->number) }}'
        server = self.serving(lambda request: request.send_error(404))
        status, _, err = self.stap("-p2", "-e", script, SYSTEMTAP_DEBUGINFO_PATH="/somewhere", DEBUGINFOD_URLS=server.url)
        self.assertEqual((status, server.asked), (1, [f"/buildid/{build_id(program)}/debuginfo"]))
        self.assertRegex(err, r"looked for in `/somewhere` \(SYSTEMTAP_DEBUGINFO_PATH\); install them .*debuginfod .* no such debuginfo")
        file = pathlib.Path(f"{self.top}/debug/.build-id/{build_id(program)[:2]}/{build_id(program)[2:]}.debug")
        file.parent.mkdir(parents=True)
        shutil.copy(f"{self.top}/whole", file)
        status, _, err = self.stap("-p2", "-e", script, SYSTEMTAP_DEBUGINFO_PATH=f"{self.top}/debug")
        self.assertEqual((status, err), (0, ""))

    def test_wrong_answers(self):
        for path, says in (debug_file(OTHER), "has another build-id"), (__file__, "is not an ELF file"), (f"/lib/modules/{release}/{MODULE}", "has no DWARF"):
            shutil.rmtree(f"{self.top}/fetched", ignore_errors=True)
            self.refused(says, DEBUGINFOD_URLS=self.serving(self.gives(path)).url)

    def test_silent_server(self):
        """DEBUGINFOD_TIMEOUT bounds the wait, which is said; one that timed out is not asked about the next module."""
        begin = time.monotonic()
        server = self.serving(lambda request: time.sleep(30))
        points = POINT + ', module("virtio_blk").function("virtblk_probe@drivers/block/virtio_blk.c")'
        err = self.refused("no answer: Operation too slow", points, DEBUGINFOD_URLS=server.url, DEBUGINFOD_TIMEOUT="3")
        self.assertLess(time.monotonic() - begin, 20)
        self.assertIn("Asking debuginfod for the debug symbols of module loop ...\n", err)
        self.assertNotIn("virtio_blk ...", err)
        self.assertEqual(set(server.asked), {f"/buildid/{build_id(debug_file(MODULE))}/debuginfo"})  # the library tries again

    def test_slow_server_and_interrupt(self):
        """Progress is shown after two seconds; SIGINT and SIGTERM end it, as they end stap anywhere before pass 5, with nothing left."""
        for number in signal.SIGINT, signal.SIGTERM:
            url = self.serving(dripping(0.2)).url
            process = self.start("-p2", "-e", f"probe {POINT} {{ }}", DEBUGINFOD_URLS=url)
            self.assertRegex(process.stderr.readline(), rf"^Fetching the debug symbols of module loop from {url}\S* \.\.\. \d+\.\d of 300\.0 MB\n$")
            begin = time.monotonic()
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
            self.assertEqual((process.returncode, out, err), (-number, "", ""))
            self.assertLess(time.monotonic() - begin, 5)
            self.assertEqual([p.name for p in pathlib.Path(f"{self.top}/fetched").rglob("debuginfo*")], [])


parser = argparse.ArgumentParser()
parser.add_argument("--stap", required=True)
options, rest = parser.parse_known_args()
options.stap = os.path.abspath(options.stap)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, too; stap leaves it as it is
cache = tempfile.TemporaryDirectory()
unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

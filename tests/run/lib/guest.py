# SPDX-License-Identifier: GPL-2.0-or-later
"""One guest for many runs (tap-vm serve); every `stap --vm` of this process uses it."""
import glob, lzma, os, re, subprocess, sys, tempfile


def kernels():
    """Releases that a guest can boot and that have headers, in the order of stap's own choice: with debug symbols first, then newest first."""
    releases = [name[len("/boot/vmlinuz-"):] for name in glob.glob("/boot/vmlinuz-*")]
    usable = [release for release in releases if os.path.exists(f"/lib/modules/{release}/build/.config")]
    numbers = lambda release: [int(number) for number in re.findall(r"\d+", release)]
    return sorted(usable, key=lambda release: (os.path.exists(f"/usr/lib/debug/boot/vmlinux-{release}"), numbers(release)), reverse=True)


class Guest:
    def __init__(self, bin_dir, kernel=None, serve_options=()):
        self.bin_dir = bin_dir
        self.directory = tempfile.TemporaryDirectory(prefix="tapjit-run-")
        self.socket = self.directory.name + "/guest"
        words = [f"{bin_dir}/tap-vm", "serve", "--background", "--socket", self.socket, "--log", self.directory.name + "/log", *serve_options]
        kernel = kernel or next(iter(kernels()), None)
        if kernel:
            words += ["--kernel", kernel]
        started = subprocess.run(words, stdin=subprocess.DEVNULL, timeout=180)
        if started.returncode:
            sys.exit("the guest did not come up")
        os.environ["TAPJIT_VM_SOCKET"] = self.socket

    @classmethod
    def lent(cls, bin_dir):
        """The guest of who runs this program (TAPJIT_VM_SOCKET)."""
        guest = cls.__new__(cls)
        guest.bin_dir, guest.socket = bin_dir, os.environ["TAPJIT_VM_SOCKET"]
        return guest

    def execute(self, *words, timeout=60, **more):
        """Runs a program in the guest; gives the CompletedProcess."""
        return subprocess.run([f"{self.bin_dir}/tap-vm", "exec", "--socket", self.socket, "--", *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, **more)

    def put(self, host, place):
        """Copies a file of this machine into the guest."""
        subprocess.run([f"{self.bin_dir}/tap-vm", "exec", "--socket", self.socket, "--put", f"{host}:{place}", "--", "true"], stdin=subprocess.DEVNULL, timeout=60, check=True)

    def load(self, words):
        """Loads a module of the guest's kernel, unless it is there, after those that it needs; `words`: its name and parameters."""
        release = self.execute("uname", "-r").stdout.strip()
        with open(f"/lib/modules/{release}/modules.dep") as lines:
            table = dict(line.split(":", 1) for line in lines)
        name_of = lambda path: re.sub(r"\.ko.*$", "", os.path.basename(path)).replace("-", "_")
        there = {line.split()[0] for line in self.execute("cat", "/proc/modules").stdout.splitlines()}
        path = next((path for path in table if name_of(path) == words[0]), None)
        if not path:
            sys.exit(f"kernel {release} has no module {words[0]}")
        for each in [*reversed(table[path].split()), path]:
            if name_of(each) in there:
                continue
            with tempfile.NamedTemporaryFile() as plain, open(f"/lib/modules/{release}/{each}", "rb") as packed:
                plain.write(lzma.decompress(packed.read()) if each.endswith(".xz") else packed.read())
                plain.flush()
                self.put(plain.name, "/tmp/module.ko")
            loaded = self.execute("insmod", "/tmp/module.ko", *(words[1:] if each == path else []))
            if loaded.returncode:
                sys.exit(f"insmod {each}: {loaded.stderr}")

    def modules(self):
        """Names of loaded modules that are ours."""
        out = self.execute("cat", "/proc/modules").stdout
        return [line.split()[0] for line in out.splitlines() if line.startswith(("stap_", "tapt_"))]

    def kernel_messages(self):
        return subprocess.run([f"{self.bin_dir}/tap-vm", "dmesg", "--socket", self.socket], capture_output=True, text=True, timeout=60).stdout

    def console_tail(self, lines=40):
        try:
            text = subprocess.run([f"{self.bin_dir}/tap-vm", "console", "--socket", self.socket], capture_output=True, text=True, timeout=20).stdout
        except subprocess.TimeoutExpired:
            return "(the guest's server does not answer)"
        return "\n".join(text.splitlines()[-lines:])

    def close(self):
        subprocess.run([f"{self.bin_dir}/tap-vm", "stop", "--socket", self.socket], timeout=120, capture_output=True)
        os.environ.pop("TAPJIT_VM_SOCKET", None)
        self.directory.cleanup()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes what syscalls.table and syscall_words.table say as scripts/syscalls.stp (syscall.*, nd_syscall.*), scripts/syscalls_trace.stp (tp_syscall.*),
a list in tapset.7, and runtime/core/syscall_tables.def (how runtime/core/syscall_*.h write arguments).

Numbers of calls and their kernel functions come from the installed kernel headers (asm/unistd_*.h, asm/syscalls_*.h), values of names from the system's
headers. Usage: gen_syscalls.py HEADERS_DIR, HEADERS_DIR like /usr/src/linux-headers-6.12.107+deb12-cloud-amd64. The results are checked in.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
RUNTIME = HERE.parent / "runtime/core"

# Alias where SystemTap's name differs from the call's, or where it gathers two calls.
ALIAS = {
    "newfstatat": "fstatat", "pread64": "pread", "pwrite64": "pwrite", "umount2": "umount", "mmap": "mmap2", "getdents64": "getdents",
    "epoll_create1": "epoll_create", "inotify_init1": "inotify_init", "signalfd4": "signalfd", "eventfd2": "eventfd", "pipe2": "pipe",
    "_sysctl": "sysctl",
}
# Gathered calls that have a `name` of their own.
OWN_NAME = {"epoll_create1", "inotify_init1", "signalfd4", "eventfd2", "pipe2"}
# Variables that an alias has for all the calls it gathers.
DEFAULTS = {"epoll_create": ["size = 0"], "epoll_create1": ["size = 0"], "inotify_init": ["flags = 0"], "signalfd": ["flags = 0"],
            "eventfd": ["flags = 0", 'flags_str = "0x0"'], "pipe": ["flags = 0", 'flag_str = "0x0"'], "dup2": ["flags = 0", 'flags_str = "0x0"'],
            "umount": ["flags = 0", 'flags_str = "0x0"'], "pipe2": ["flag_str = flags_str"]}
DEFAULTS["epoll_create"].append("flags = 0")
# What else some aliases have, by the alias: parts of a structure of the caller, another name of a variable.
PIPE = ["pipe0 = user_int32(fildes_uaddr)", "pipe1 = user_int32(fildes_uaddr + 4)"]
UTIME = ["actime = __syscall_word(buf_uaddr, 0)", "modtime = __syscall_word(buf_uaddr, 1)"]
ADDRESS = [f'{name} = __sockaddr_part({{0}}, addrlen, "{part}")' for name, part in
           [("uaddr_af", "family"), ("uaddr_ip", "ip"), ("uaddr_ip_port", "port"), ("uaddr_ipv6_flowinfo", "flowinfo"), ("uaddr_ipv6_scope_id", "scope")]]
EXTRA = {"pipe": PIPE, "utime": UTIME, "compat_utime": UTIME, "compat_sys_utimes": ["timeval = tvp_uaddr"],
         "bind": [line.format("my_addr_uaddr") for line in ADDRESS], "connect": [line.format("serv_addr_uaddr") for line in ADDRESS]}
# Aliases of returns that have the arguments, too; and what they have that there was not before.
WITH_ARGUMENTS = {"accept4", "clone", "connect", "epoll_create", "getrandom", "pipe", "ptrace", "sendto", "signalfd", "compat_signalfd", "wait4",
                  "lsm_get_self_attr", "lsm_set_self_attr"}
AT_RETURN = {"wait4": ["status_str = __wait_status_at(status_uaddr)"],
             "ptrace": ["geteventmsg_data = request == 0x4201 ? __syscall_word(data, 0) : 0",
                        "arch_prctl_addr = request == 30 && (data == 0x1003 || data == 0x1004) ? __syscall_word(addr, 0) : 0"]}
# Calls newer than the headers that the list was made from, with their numbers (arch/x86/entry/syscalls/syscall_64.tbl up to 6.17).
NEWER = {"uretprobe": 335, "mseal": 462, "setxattrat": 463, "getxattrat": 464, "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467,
         "file_getattr": 468, "file_setattr": 469}
# Calls of kernels before the headers, without a function in them.
OLDER = {"_sysctl": 156, "set_thread_area": 205, "get_thread_area": 211, "lookup_dcookie": 212}
# The argument that says how the others are written: its index, shift and mask.
SELECTOR = {"futex": (1, 0, 0x7f), "keyctl": (0, 0, 0xffffffff), "prctl": (0, 0, 0xffffffff), "ptrace": (0, 0, 0xffffffff), "quotactl": (0, 8, 0xffffff)}

# Calls of i386 that stand for many: TAP_SOCKETCALL and TAP_IPC of runtime/core/syscall_text.h, and the calls by the first argument.
MULTIPLEXED = {
    "socketcall": (512, dict(enumerate("socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt "
                                       "sendmsg recvmsg accept4 recvmmsg sendmmsg".split(), 1))),
    "ipc": (544, {1: "semop", 2: "semget", 3: "semctl", 4: "semtimedop", 11: "msgsnd", 12: "msgrcv", 13: "msgget", 14: "msgctl", 21: "shmat", 22: "shmdt", 23: "shmget",
                  24: "shmctl"}),
}

SIGNED, UNSIGNED = "@_int32({})", "@_uint32({})"
NARROW = {"int": SIGNED, "dfd": SIGNED, "uint": UNSIGNED, "hex": UNSIGNED, "alt": UNSIGNED, "oct": UNSIGNED, "create_mode": UNSIGNED,
          "short": "@_int16({})", "long": "@_syslong({})"}
# Kinds whose text is no variable.
PLAIN = {"int", "uint", "hex", "alt", "oct", "alt64", "short", "long", "ulong", "ptr", "create_mode", "create_ptr", "position", "loff"}
WITH_NEXT = {"buf", "xattr", "sockaddr"}


class Call:
    """A line of syscalls.table."""

    def __init__(self, alias, name, arguments, returns):
        self.alias, self.arguments, self.returns = alias, arguments, returns
        self.real = name  # as the kernel counts calls
        self.name = alias if name in ALIAS and name not in OWN_NAME or alias.endswith("16") else name  # SystemTap's `name`
        self.variants = []     # (values, kinds)
        self.functions = []    # of the kernel
        self.numbers, self.numbers32 = [], []
        self.multiplexer = None  # the function of i386's call that this one is made by, too


# ---------------------------------------------------------------- reading


def read_headers(headers):
    """Numbers and functions of x86-64's calls, and of i386's."""
    generated = headers / "arch/x86/include/generated"

    def table(bits):
        text = (generated / f"asm/syscalls_{bits}.h").read_text()
        functions = {}
        for number, function, compat in re.findall(r"^__SYSCALL\w*\((\d+), (\w+)(?:, (\w+))?\)", text, re.M):
            functions[int(number)] = compat or function
        names = re.findall(r"^#define __NR_(\w+) (\d+)$", (generated / f"uapi/asm/unistd_{bits}.h").read_text(), re.M)
        return {name: (int(number), functions[int(number)]) for name, number in names
                if functions.get(int(number), "sys_ni_syscall") != "sys_ni_syscall"}

    calls = table(64)
    calls.update({name: (number, "sys_" + name) for name, number in {**NEWER, **OLDER}.items() if name not in calls})
    return calls, table(32)


def parse_arguments(words):
    """[(variable, kind, name of the text)], None for what is skipped."""
    result = []
    for word in words:
        if word == "-":
            result.append(None)
            continue
        variable, kind, has_text, text = re.fullmatch(r"(\w+):(\w+)(\((\w*)\))?", word).groups()
        result.append((variable, kind, text if has_text else None))
    return result


def read_table(path):
    """{line's first word: Call}, [(call of i386, call)]"""
    calls, others = {}, []
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if match := re.fullmatch(r"(\w+)\|(.*): (.*)", line):
            calls[match[1]].variants.append((match[2].split(), match[3].split()))
            continue
        if match := re.fullmatch(r"(\w+) is (\w+)", line):
            others.append(match.groups())
            continue
        if match := re.fullmatch(r"(\w+) gone(?: as (\w+)| (.*))?", line):
            arguments = calls[match[2]].arguments if match[2] else parse_arguments((match[3] or "").split())
            calls[match[1]] = Call(match[1], match[1], arguments, 1)
            continue
        head, _, returns = line.partition(" = ")
        if match := re.fullmatch(r"(\w+)/(\w+) as (\w+)", line):
            base = calls[match[3]]
            call = calls[match[1]] = Call(match[1], match[2].removeprefix("_new").lstrip("_"), base.arguments, base.returns)
            call.variants = base.variants
            others.append((match[2], match[1]))
            continue
        name, *arguments = head.split()
        alias, _, call32 = name.partition("/")
        calls[alias] = Call(ALIAS.get(alias, alias) if not call32 else alias, call32.lstrip("_") or alias,
                            parse_arguments(arguments), int(returns or 1))
        if call32:
            others.append((call32, alias))
    return calls, others


def connect(calls, others, calls64, calls32):
    """Gives each call its numbers and kernel functions."""
    missing = [name for name in calls64 if name not in calls]
    assert not missing, missing
    for name, (number, function) in calls64.items():
        calls[name].numbers.append(number)
        calls[name].functions.append("__x64_" + function)
        # Of a function without arguments (SYSCALL_DEFINE0) this is another name of the same code.
        if calls[name].arguments:
            calls[name].functions.append("__ia32_" + function)
    taken = {function: call for call in calls.values() for function in call.functions}
    named = dict(others)
    for name, (number, function) in calls32.items():
        base = named.get(name)
        for suffix in ("", "_time64", "64", "32"):
            if not base and name.endswith(suffix) and name.removesuffix(suffix) in calls:
                base = name.removesuffix(suffix)
        assert base, f"{name}: no line of the table"
        function = "__ia32_" + function
        call = calls[base]
        # A function that another call has already is that call: 32-bit callers without a function of their own.
        call = taken.setdefault(function, call) if base in calls64 else call
        call.numbers32.append(number)
        if function not in call.functions and (call.arguments or not call.numbers):
            call.functions.append(function)
    for name, (base, parts) in MULTIPLEXED.items():
        for part, real in parts.items():
            calls[real].numbers32.append(base + part)
            calls[real].multiplexer = "__ia32_" + calls32[name][1]
    for call in calls.values():
        if not call.functions:  # gone from these headers
            call.functions = [f"__x64_sys_{call.name}"]


# ---------------------------------------------------------------- names


def evaluate(headers, names):
    """Values of C expressions by the system's headers."""
    source = "#define _GNU_SOURCE\n#include <stdio.h>\n" + "".join(f"#include <{h}>\n" for h in headers)
    source += "int main(void) {\n" + "".join(f'printf("%llu\\n", (unsigned long long)({n}));\n' for n in names) + "}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "values"
        subprocess.run(["clang-19", "-w", "-x", "c", "-o", path, "-"], input=source, text=True, check=True)
        values = subprocess.run([path], capture_output=True, text=True, check=True).stdout.split()
    return [int(value) & 0xffffffff for value in values]


def names_with_prefix(headers, prefix):
    source = "#define _GNU_SOURCE\n" + "".join(f"#include <{h}>\n" for h in headers)
    text = subprocess.run(["clang-19", "-E", "-dD", "-x", "c", "-"], input=source, capture_output=True, text=True, check=True).stdout
    functions = set(re.findall(r"#define (\w+)\(", text))
    found = re.findall(rf"^#define ({prefix}\w+) \S|^\s*({prefix}\w+)\s*(?:=[^,\n]*)?,?\s*$", text, re.M)
    return list(dict.fromkeys(name for pair in found for name in pair if name and name not in functions))


def read_words(path):
    """{kind: (form, headers, [(mask, value, name)])}"""
    kinds = {}
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        kind, form, headers, words = re.fullmatch(r"(\w+) (\w+) <([^>]*)> (.*)", line).groups()
        headers = headers.split()
        entries, without = [], {word[1:] for word in words.split() if word.startswith("-")}
        for word in words.split():
            if match := re.fullmatch(r"(\w+)\{(.*)\}", word):
                entries += [(match[1], name) for name in match[2].split(",")]
            elif word.endswith("*"):
                entries += [(None, name) for name in names_with_prefix(headers, word[:-1]) if name not in without]
            elif not word.startswith("-"):
                entries.append((None, word))
        texts = [name.partition("=")[0].partition("<<")[0] for _, name in entries]
        expressions = [name.partition("=")[2] or name for _, name in entries]
        values = evaluate(headers, expressions)
        masks = evaluate(headers, [mask or "~0u" for mask, _ in entries])
        flags = form.startswith("flags")
        rows = []
        for (field, _), text, value, mask in zip(entries, texts, values, masks):
            if flags and not field and value:
                mask = value
            if (mask, value) not in [(row[0], row[1]) for row in rows]:
                rows.append((mask, value, text))
        kinds[kind] = (form, headers, rows)
    return kinds


# ---------------------------------------------------------------- scripts


def text_name(variable, kind, text):
    if text is not None:
        return text
    return variable if kind == "path" else variable + "_str"


def set_variables(call, kinds):
    lines = []
    arguments = call.arguments
    for index, argument in enumerate(arguments, 1):
        if argument is None:
            continue
        variable, kind, named = argument
        raw = f"@_sysarg({index})"
        text = text_name(variable, kind, named)
        if kind == "path":
            lines += [f"{variable}_uaddr = {raw}", f"{variable} = user_string_quoted({variable}_uaddr)",
                      f'{variable}_unquoted = user_string({variable}_uaddr, "")']
            continue
        pattern = SIGNED if kind in kinds.words and kind not in UNSIGNED_WORDS else UNSIGNED if kind in kinds.words else "{}"
        if named != "" or kind != "argv":
            lines.append(f"{variable} = " + NARROW.get(kind, pattern).format(raw))
        if kind in PLAIN or not text:
            if kind == "argv":
                lines.append(f"{variable} = __syscall_text({kinds.number(kind)}, {raw}, 0)")
            continue
        if kind == "str":
            lines += [f"{text} = user_string_quoted({variable})", f'{text}_unquoted = user_string({variable}, "")']
            continue
        if kind == "buf":
            lines.append(f"{text} = __syscall_buffer({variable}, @_sysarg({index + 1}), syscall_string_trunc)")
            continue
        other = f"@_sysarg({index + 1})" if kind in WITH_NEXT else "@_sysarg(1)" if kind == "socket_protocol" else "0"
        lines.append(f"{text} = __syscall_text({kinds.number(kind)}, {variable}, {other})")
    return lines + DEFAULTS.get(call.real, []) + EXTRA.get(call.alias, [])


def return_variables(call, kinds):
    """What follows the variables that all returns have, in front of which the arguments are set."""
    if call.alias not in WITH_ARGUMENTS:
        return ""
    return " " + " ".join(["argstr = __syscall_argstr(syscall_string_trunc)"] + set_variables(call, kinds) + AT_RETURN.get(call.alias, []))


# Words that are unsigned numbers for the caller.
UNSIGNED_WORDS = {"at_flags", "msg_flags", "splice_flags", "fanotify_init_flags", "fanotify_mark_flags", "fanotify_mask", "inotify_mask", "memfd_flags",
                  "rename_flags", "statx_mask", "whence", "seccomp_operation", "seccomp_flags", "getrandom_flags", "mknod_mode", "sync_range_flags",
                  "reboot_command", "module_flags", "quota_command", "clone_flags"}


class Kinds:
    """Numbers of enum tap_argument_kind."""

    def __init__(self, words):
        text = (RUNTIME / "syscall_text.h").read_text()
        body = re.sub(r"/\*.*?\*/", "", re.search(r"enum tap_argument_kind \{(.*?)\};", text, re.S)[1], flags=re.S)
        names = re.findall(r"TAP_ARG_(\w+)", body)
        self.numbers = {name.lower(): number for number, name in enumerate(names)}
        self.words = {name: self.numbers["words"] + number for number, name in enumerate(words)}
        assert self.numbers["words"] + len(words) < 256

    def number(self, kind):
        return self.words.get(kind, self.numbers.get(kind)) if kind != "-" else 0


HEAD = """# SPDX-License-Identifier: GPL-2.0-or-later
# {}
# Made by tapset/gen_syscalls.py from the kernel's headers, tapset/syscalls.table and tapset/syscall_words.table: change those."""


def write_aliases(out, prefix, calls, probe_of, return_of, body_of):
    """An alias for each call and one for its return; SystemTap's names for several calls stand for helper aliases."""
    gathered = {}
    for call in calls:
        gathered.setdefault(call.alias, []).append(call)
    for alias, members in gathered.items():
        for call in members:
            own = alias if len(members) == 1 else "__" + call.real
            head = f"{prefix}.{own}" if len(members) == 1 else f"__{prefix}.{call.real}"
            out.append(f"\nprobe {head} = {probe_of(call)}\n{{\n\t" + "\n\t".join(body_of(call)) + "\n}")
            out.append(f"probe {head}.return = {return_of(call)}")
        if len(members) > 1:
            out.append(f"probe {prefix}.{alias} = " + ", ".join(f"__{prefix}.{call.real} ?" for call in members) + " { }")
            out.append(f"probe {prefix}.{alias}.return = " + ", ".join(f"__{prefix}.{call.real}.return ?" for call in members) + " { }")


def write_scripts(calls, kinds):
    rows = {call: number for number, call in enumerate(calls, 1)}

    def multiplexed(call):
        """The helper alias of such a call."""
        return f"__syscall.{call.multiplexer.removeprefix('__ia32_compat_sys_')}.{call.real}"

    def points(call, suffix=""):
        texts = [f'kprobe.function("{function}"){suffix} ?' for function in call.functions]
        return ", ".join(texts + ([f"{multiplexed(call)}{suffix} ?"] if call.multiplexer else []))

    out = [HEAD.format("syscall.*, and nd_syscall.*, which is the same here: the calls' kernel functions, without debuginfo.")]
    out.append("\n# Flags of open(2) as text, by the name that scripts of old call it.\n"
               f"function _sys_open_flag_str:string(f:long) {{ return __syscall_text({kinds.number('open_flags')}, f, 0) }}")
    write_aliases(
        out, "syscall", calls,
        points,
        lambda call: points(call, ".return") + " { " + f"@_sys_gate({rows[call]}) " * (call.real in MULTIPLEXED) + f"@_sys_return({call.returns}, @_sysret){return_variables(call, kinds)} }}",
        # What stands for other calls is itself only where these are not known.
        lambda call: [f"@_sys_gate({rows[call]})"] * (call.real in MULTIPLEXED) + ["@_sys_entry"] + set_variables(call, kinds))
    out.append("")
    for call in calls:
        for suffix in ("", ".return") if call.multiplexer else ():
            out.append(f'probe {multiplexed(call)}{suffix} = kprobe.function("{call.multiplexer}"){suffix} {{ @_sys_gate({rows[call]}) }}')
    for alias in dict.fromkeys(call.alias for call in calls):
        out.append(f"\nprobe nd_syscall.{alias} = syscall.{alias} {{ }}")
        out.append(f"probe nd_syscall.{alias}.return = syscall.{alias}.return {{ }}")
    (HERE / "scripts/syscalls.stp").write_text("\n".join(out) + "\n")

    out = [HEAD.format("tp_syscall.*: the calls by the tracepoints of all calls. Each alias looks at every call.")]
    write_aliases(
        out, "tp_syscall", calls,
        lambda call: 'kernel.trace("raw_syscalls:sys_enter")',
        lambda call: f'kernel.trace("raw_syscalls:sys_exit") {{ @_sys_gate({rows[call]}) @_sys_return({call.returns}, $ret){return_variables(call, kinds)} }}',
        lambda call: [f"@_sys_gate({rows[call]})", "@_sys_entry"] + set_variables(call, kinds))
    (HERE / "scripts/syscalls_trace.stp").write_text("\n".join(out) + "\n")


def write_manual(calls, kinds):
    """The list of calls in tapset.7."""
    lines = []
    for call in sorted(calls, key=lambda call: (call.alias, call.name)):
        shown = []
        for variable, kind, named in filter(None, call.arguments):
            other = text_name(variable, kind, named)
            plain = kind in PLAIN or kind == "path" or not other or other == variable + "_str"
            shown.append(variable if plain else f"{variable} ({other})")
        lines.append(f'.BR {call.alias} " {", ".join(shown)}"' if shown else f".B {call.alias}")
    path = HERE / "tapset.7"
    begin, end = '.\\" ---- made by gen_syscalls.py\n', '.\\" ---- end\n'
    head, _, rest = path.read_text().partition(begin)
    path.write_text(head + begin + "\n.br\n".join(dict.fromkeys(lines)) + "\n" + end + rest.partition(end)[2])


# ---------------------------------------------------------------- C


class Pool:
    def __init__(self):
        self.at, self.text, self.size = {}, [], 0

    def place(self, name):
        if name not in self.at:
            self.at[name] = self.size
            self.text.append(name)
            self.size += len(name) + 1
        return self.at[name]


def by_number(out, name, calls, numbers_of):
    index = {number: row for row, call in enumerate(calls, 1) for number in numbers_of(call)}
    count = max(index) + 1
    out.append(f"static const uint16_t {name}[] = {{")
    cells = [str(index.get(number, 0)) for number in range(count)]
    out.extend("\t" + ", ".join(cells[i:i + 24]) + "," for i in range(0, count, 24))
    out.append("};")
    return count


def write_tables(calls, words, kinds):
    pool, out = Pool(), []
    rows, heads, longest = [], [], 0
    for kind, (form, _, entries) in words.items():
        heads.append(f"\t{{{len(rows)}, {len(entries)}, TAP_FORM_{form.upper()}}}, /* {kind} */")
        rows += [f"\t{{{mask:#x}, {value:#x}, {pool.place(name)}}}, /* {name} */" for mask, value, name in entries]
        longest = max(longest, len(entries))
    variants, lines, most = [], [], 0
    for call in calls:
        selector, shift, mask = SELECTOR[call.real] if call.variants else (0, 0, 0)
        first = len(variants)
        shown = [argument[1] if argument else "-" for argument in call.arguments]
        for values, written in call.variants:
            if values == ["else"]:
                shown = written
                continue
            headers = words[call.arguments[selector][1]][1]
            cells = ", ".join(str(kinds.number(kind)) for kind in written)
            variants += [f"\t{{{value:#x}, {{{cells}}}}}, /* {call.name} {name} */" for name, value in zip(values, evaluate(headers, values))]
        most = max(most, len(variants) - first)
        cells = ", ".join(str(kinds.number(kind)) for kind in shown)
        lines.append(f"\t{{{mask:#x}, {pool.place(call.name)}, {pool.place(call.real)}, {first}, {len(variants) - first}, {selector}, {shift}, {{{cells or 0}}}}}, /* {call.alias} */")

    out.append("/* SPDX-License-Identifier: GPL-2.0-or-later */")
    out.append("/* Made by tapset/gen_syscalls.py from syscalls.table and syscall_words.table of tapset/: change those. */")
    out.append("#ifndef TAP_CORE_SYSCALL_TABLES_H\n#define TAP_CORE_SYSCALL_TABLES_H\n\n#include \"types.h\"\n")
    out.append("enum tap_word_form { TAP_FORM_ONE, TAP_FORM_ONE10, TAP_FORM_FLAGS, TAP_FORM_FLAGS8 };")
    out.append("struct tap_word {\n\tuint32_t mask, value;\n\tuint16_t name;\n};")
    out.append("struct tap_word_kind {\n\tuint16_t first;\n\tuint8_t count, form;\n};")
    out.append("struct tap_variant {\n\tuint32_t value;\n\tuint8_t kinds[6];\n};")
    out.append("struct tap_call {\n\tuint32_t selector_mask;\n\tuint16_t name, real_name, first_variant;\n\tuint8_t variants, selector, selector_shift;\n\tuint8_t kinds[6];\n};\n")
    for number, kind in enumerate(words):
        out.append(f"#define TAP_WORDS_{kind} {number}")
    out.append("\n/* Texts by their offsets. */\nstatic const char tap_names[] =")
    out.extend(f'\t"{text}\\0"' for text in pool.text)
    out.append("\t;\n\nstatic const struct tap_word tap_words[] = {")
    out += rows + ["};\nstatic const struct tap_word_kind tap_word_kinds[] = {"] + heads
    out += ["};\nstatic const struct tap_variant tap_variants[] = {"] + variants + ["};\nstatic const struct tap_call tap_calls[] = {"] + lines
    out.append("};\n\n/* Rows of tap_calls by number, counted from 1. */")
    count64 = by_number(out, "tap_calls_64", calls, lambda call: call.numbers)
    count32 = by_number(out, "tap_calls_32", calls, lambda call: call.numbers32)
    out.append(f"\nenum {{\n\tTAP_WORDS = {len(rows)},\n\tTAP_WORD_KINDS = {len(words)},\n\tTAP_MOST_WORDS = {longest},\n\tTAP_VARIANTS = {len(variants)},\n"
               f"\tTAP_MOST_VARIANTS = {most},\n\tTAP_CALLS = {len(calls)},\n\tTAP_CALLS_64 = {count64},\n\tTAP_CALLS_32 = {count32},\n}};\n\n#endif")
    (RUNTIME / "syscall_tables.def").write_text("\n".join(out) + "\n")
    assert pool.size < 65536


def main():
    calls64, calls32 = read_headers(pathlib.Path(sys.argv[1]))
    table, others = read_table(HERE / "syscalls.table")
    connect(table, others, calls64, calls32)
    words = read_words(HERE / "syscall_words.table")
    kinds = Kinds(words)
    calls = list(table.values())
    for call in calls:
        for kind in [argument[1] for argument in call.arguments if argument] + [kind for _, shown in call.variants for kind in shown]:
            assert kinds.number(kind) is not None, (call.name, kind)
    write_scripts(calls, kinds)
    write_manual(calls, kinds)
    write_tables(calls, words, kinds)


main()

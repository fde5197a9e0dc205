#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes scripts/syscalls.stp: one alias, and one for its return, per system call of x86-64.

The calls, their numbers and kernel functions come from the installed kernel headers (asm/unistd_64.h, asm/syscalls_64.h); variables of the calls
that people ask for come from syscalls.table. Usage: gen_syscalls.py HEADERS_DIR > scripts/syscalls.stp, HEADERS_DIR like
/usr/src/linux-headers-6.1.0-56-cloud-amd64. The result is checked in.
"""
import pathlib
import re
import sys

# Alias where SystemTap's name differs from the call's, or where it gathers two calls.
ALIAS = {
    "newfstatat": "fstatat", "pread64": "pread", "pwrite64": "pwrite", "umount2": "umount", "mmap": "mmap2", "getdents64": "getdents",
    "epoll_create1": "epoll_create", "inotify_init1": "inotify_init", "signalfd4": "signalfd", "eventfd2": "eventfd", "pipe2": "pipe",
    "_sysctl": "sysctl", "fadvise64": "fadvise64",
}
# Calls newer than the headers that the list was made from (arch/x86/entry/syscalls/syscall_64.tbl up to 6.17); absent ones are skipped by `?`.
NEWER = ("cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr lsm_set_self_attr "
         "lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr file_setattr").split()

# Calls that never return to their caller.
NO_RETURN = {"exit", "exit_group", "rt_sigreturn"}

FORMAT = {"int": "%d", "uint": "%u", "long": "%d", "ulong": "%u", "ptr": "%#x", "oct": "%#o"}
NARROW = {"int": "@_int32({})", "dirfd": "@_int32({})", "uint": "@_uint32({})", "oct": "@_uint32({})", "open_flags": "@_int32({})", "open_mode": "@_uint32({})",
          "at_flags": "@_uint32({})", "access": "@_uint32({})", "whence": "@_uint32({})", "signal": "@_int32({})"}
TEXT = {"open_flags": "_sys_open_flag_str", "at_flags": "_at_flag_str", "access": "_access_mode_str", "whence": "_seek_whence_str",
        "prot": "_mprotect_prot_str", "map_flags": "_mmap_flags", "dirfd": "_dfd_str"}


def read_calls(headers):
    """{call: kernel function's suffix} in the order of the numbers."""
    generated = headers / "arch/x86/include/generated"
    functions = dict(re.findall(r"^__SYSCALL\((\d+), sys_(\w+)\)", (generated / "asm/syscalls_64.h").read_text(), re.M))
    numbers = re.findall(r"^#define __NR_(\w+) (\d+)$", (generated / "uapi/asm/unistd_64.h").read_text(), re.M)
    calls = {name: functions[number] for name, number in numbers if functions.get(number, "ni_syscall") != "ni_syscall"}
    calls.update({name: name for name in NEWER if name not in calls})
    return calls


def read_table(path):
    table = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            head, _, kind = line.partition(" = ")
            call, *arguments = head.split()
            table[call] = ([argument.split(":") for argument in arguments], int(kind or 1))
    return table


def text_variable(variable, kind):
    """The name of the variable with the argument's text, as SystemTap calls it."""
    if kind == "signal":
        return "sig_name"
    if kind == "buf":
        return "buf_str"
    return variable + "_str"


def entry_body(arguments):
    lines, formats, values = [], [], []
    for index, (variable, kind) in enumerate(arguments, 1):
        raw = f"@_sysarg{index}"
        if kind == "path":
            lines += [f"{variable} = user_string_quoted({raw})", f'{variable}_unquoted = user_string({raw}, "")']
            formats.append("%s")
            values.append(variable)
            continue
        lines.append(f"{variable} = " + NARROW.get(kind, "{}").format(raw))
        if kind == "open_mode":
            flags = next(name for name, other in arguments if other == "open_flags")
            lines.append(f'mode_text = __open_has_mode({flags}) ? sprintf(", %#o", {variable}) : ""')
            formats[-1] += "%s"
            values.append("mode_text")
            continue
        if kind in FORMAT:
            formats.append(FORMAT[kind])
            values.append(variable)
            continue
        text = text_variable(variable, kind)
        if kind == "buf":
            lines.append(f"{text} = user_string_n_quoted({variable}, @_sysarg{index + 1})")
        else:
            lines.append(f"{text} = {TEXT.get(kind, '_signal_name')}({variable})")
        formats.append("%s")
        values.append(text)
    if not formats:
        lines.append('argstr = ""')
    else:
        lines.append(f'argstr = sprintf("{", ".join(formats)}", {", ".join(values)})')
    return lines


def main():
    calls = read_calls(pathlib.Path(sys.argv[1]))
    table = read_table(pathlib.Path(__file__).parent / "syscalls.table")
    assert not table.keys() - calls.keys(), table.keys() - calls.keys()
    gathered = {}
    for call in calls:
        gathered.setdefault(ALIAS.get(call, call), []).append(call)

    print("# SPDX-License-Identifier: GPL-2.0-or-later")
    print("# System calls of x86-64. Made by tapset/gen_syscalls.py from the kernel's headers and tapset/syscalls.table: change those.")
    for alias, members in gathered.items():
        direct = members == [alias] or len(members) == 1
        for call in members:
            head = f"syscall.{alias}" if direct else f"__syscall.{call}"
            function = f'kernel.function("__x64_sys_{calls[call]}")'
            arguments, kind = table.get(call, (None, 1))
            shown = alias if direct else call
            # One text for (nearly) all calls, so that handlers which set no more become one handler with many sites.
            name = "@_syscall_name" if shown == calls[call].removeprefix("new") else f'name = "{shown}"'
            body = [name] + (entry_body(arguments) if arguments is not None else [])
            print(f"\nprobe {head} = {function} ? {{ {body[0]} }}" if len(body) == 1 else
                  f"\nprobe {head} = {function} ?\n{{\n\t" + "\n\t".join(body) + "\n}")
            if call not in NO_RETURN:
                print(f"probe {head}.return = {function}.return ? {{ {name}; retval = @_sysret; retstr = return_str({kind}, retval) }}")
        if not direct:
            print(f"probe syscall.{alias} = " + ", ".join(f"__syscall.{call} ?" for call in members) + " { }")
            print(f"probe syscall.{alias}.return = " + ", ".join(f"__syscall.{call}.return ?" for call in members) + " { }")


main()

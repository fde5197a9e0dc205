#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes stapfuncs.3 and stapaliases.3, the reference pages of the library, from the comments of scripts/*.stp.

  gen_reference.py [--check]

A file's first comment is its section's introduction. A comment right above a function or an alias describes it, and those that follow without a blank line or a
comment of their own. Names that begin with `_` and private functions are left out. --check: says which page is not as it would be made, and which public
name has no description; status 1.
"""
import pathlib, re, sys

here = pathlib.Path(__file__).resolve().parent
FUNCTION = re.compile(r"^function\s+(\w+)\s*(?::\s*(\w+))?\s*\(([^)]*)\)")
ALIAS = re.compile(r"^probe\s+([\w.]+)\s*\+?=")
ASSIGNED = re.compile(r"^\t+(?:try \{ )?([a-z]\w*) = ", re.M)
# Made from tables: their page is the table itself.
LEFT_OUT = {"syscalls.stp", "syscalls_trace.stp", "syscall_text.stp", "argv.stp"}


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fP", text)
    return "\\&" + text if text.startswith((".", "'")) else text


class Section:
    def __init__(self, path):
        self.name = path.stem.replace("_", " ")
        self.introduction, self.functions, self.aliases, self.bare = [], [], [], []
        lines = path.read_text().splitlines()
        at = 1
        while at < len(lines) and lines[at].startswith("#"):
            self.introduction.append(lines[at][1:].strip())
            at += 1
        comment, entry = [], None
        while at < len(lines):
            line = lines[at]
            if line.startswith("#"):
                if entry is not None or not comment or not lines[at - 1].startswith("#"):
                    comment, entry = [], None
                comment.append(line[1:].strip())
            elif m := FUNCTION.match(line):
                if not m[1].startswith("_"):
                    result = ":" + m[2] if m[2] else ""
                    entry = self.add(self.functions, entry, comment, f"{m[1]}{result}({' '.join(m[3].split())})", m[1])
            elif m := ALIAS.match(line):
                body = []
                while at + 1 < len(lines) and "}" != lines[at] and not (at > 0 and lines[at].endswith("}") and "{" in lines[at]):
                    at += 1
                    body.append(lines[at])
                    if lines[at] == "}":
                        break
                if not re.search(r"(^|\.)_", m[1]) or m[1].startswith("vfs.__"):
                    # One line holds its variables too.
                    text = "\n".join(body) if body else "\t" + line[line.rfind("{") + 1 :].strip()
                    variables = []
                    for v in ASSIGNED.findall(text):
                        if v not in variables:
                            variables.append(v)
                    entry = self.add(self.aliases, entry, comment, m[1], m[1], variables)
            elif not line.strip():
                comment, entry = [], None
            at += 1

    def add(self, into, entry, comment, form, name, variables=()):
        if entry is None:
            if not comment:
                self.bare.append(name)
            entry = {"forms": [], "text": " ".join(comment), "variables": []}
            into.append(entry)
        entry["forms"].append(form)
        entry["variables"] += [v for v in variables if v not in entry["variables"]]
        return entry


def page(name, title, introduction, sections, what):
    out = [f'.\\" SPDX-License-Identifier: GPL-2.0-or-later', '.\\" Made by tapset/gen_reference.py from tapset/scripts: change the comments there.',
           f'.TH {name.upper()} 3 "" "tapjit" "The library of scripts"', ".SH NAME", f"{name} \\- {title}", ".SH DESCRIPTION"]
    out += [escape(line) for line in introduction]
    for section in sections:
        entries = getattr(section, what)
        if not entries:
            continue
        out += [f".SH {section.name.upper()}"] + [escape(line) for line in section.introduction if line]
        for entry in entries:
            out.append(".TP")
            for form in entry["forms"][:-1]:
                out += [f".B {escape(form)}", ".TQ"]
            out.append(f".B {escape(entry['forms'][-1])}")
            out.append(escape(entry["text"]))
            if entry["variables"]:
                out += [".br", "Variables: " + ", ".join(f"\\fB{v}\\fP" for v in entry["variables"]) + "."]
    out += [".SH SEE ALSO", ".BR stap (1), tapset (7), stapfuncs (3), stapaliases (3)"]
    return "\n".join(out) + "\n"


def main():
    sections = [Section(p) for p in sorted((here / "scripts").glob("*.stp")) if p.name not in LEFT_OUT]
    pages = {
        "stapfuncs.3": page("stapfuncs", "functions of the library", ["Functions that every script can call. After the colon stands the type of what a function gives, and of each argument."], sections, "functions"),
        "stapaliases.3": page("stapaliases", "probe aliases of the library",
                              ["Names of events. Each alias sets the variables that are listed, of which a handler uses what it needs. Those of system calls, syscall.NAME, are in tapset(7)."], sections, "aliases"),
    }
    bare = [name for s in sections for name in s.bare]
    stale = [name for name, text in pages.items() if not (here / name).exists() or (here / name).read_text() != text]
    if "--check" in sys.argv:
        for name in bare:
            print(f"no comment describes {name}")
        for name in stale:
            print(f"{name} is not as tapset/gen_reference.py makes it")
        sys.exit(1 if bare or stale else 0)
    for name, text in pages.items():
        (here / name).write_text(text)
    print(f"{sum(len(e['forms']) for s in sections for e in s.functions)} functions, {sum(len(e['forms']) for s in sections for e in s.aliases)} aliases")


main()

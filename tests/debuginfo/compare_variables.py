#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares where the front end finds variables of the kernel (dump_variables) with what an independent reader of the same
DWARF (dwarf.py) says: names, types, and the location chosen at that address, as steps. Disagreements are listed.

  compare_variables.py DUMP_VARIABLES [RELEASE [SEED [COUNT]]]
"""
import collections
import glob
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from dwarf import Dwarf, sleb, uleb

ARGUMENTS = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"]  # System V ABI, AMD64 supplement, 3.2.3
REGISTERS = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"] + ["r%d" % number for number in range(8, 16)]


class Refused(Exception):
    """The variable cannot be had: "not available" or "unsupported"."""


def add(steps, value):
    if value == 0:
        return steps
    if len(steps) >= 2 and steps[-1] == "add" and steps[-2].startswith("const:"):
        value += int(steps[-2][6:])
        return add(steps[:-2], value)
    return steps + ["const:%d" % value, "add"]


def register(number):
    return "reg:" + (REGISTERS[number] if number < 16 else str(number))


class Evaluation:
    """One location expression to steps, as frontend/target/var_access.h spells them."""
    BINARY = {0x1a: "and", 0x1c: "sub", 0x1e: "mul", 0x21: "or", 0x22: "add", 0x24: "shl", 0x25: "shr", 0x26: "sar", 0x27: "xor"}
    CONSTANTS = {0x08: ("u", 1), 0x09: ("s", 1), 0x0a: ("u", 2), 0x0b: ("s", 2), 0x0c: ("u", 4), 0x0d: ("s", 4), 0x0e: ("u", 8),
                 0x0f: ("s", 8)}

    def __init__(self, dwarf, unit, function, address, at_entry, per_cpu):
        self.dwarf, self.unit, self.function, self.address = dwarf, unit, function, address
        self.at_entry, self.per_cpu, self.stack, self.names_rsp = at_entry, per_cpu, [], False

    def register(self, number):
        self.names_rsp |= number == 7
        return register(number)

    def signed(self, value):
        return value - (1 << 64) if value >= 1 << 63 else value

    def location(self, data):
        """(steps, in_memory, steps to the upper half or None)"""
        if not data:
            raise Refused("not available")
        pieces, at, start = [], 0, 0
        while at < len(data):
            if data[at] == 0x93:
                size, after = uleb(data, at + 1)
                pieces.append((data[start:at], size))
                at = start = after
            elif data[at] == 0x9d:
                raise Refused("unsupported")
            else:
                at = self.skip(data, at)
        if not pieces:
            return self.whole(data) + (None,)
        if start != len(data):
            raise Refused("unsupported")
        if len(pieces) == 1:
            if not pieces[0][0]:
                raise Refused("not available")
            return self.whole(pieces[0][0]) + (None,)
        halves = []
        for expression, size in pieces:
            if len(halves) == 2:
                raise Refused("unsupported")
            if size > 8 or (not halves and size != 8):
                raise Refused("unsupported")
            if not expression:
                halves.append(None)
                continue
            steps, in_memory = self.whole(expression)
            halves.append(steps + ["load:u%d" % (size * 8)] if in_memory else steps)
        if len(halves) != 2:
            raise Refused("unsupported")
        if halves == [None, None]:
            raise Refused("not available")
        return halves[0], False, halves[1]

    def skip(self, data, at):
        op = data[at]
        at += 1
        if op in self.CONSTANTS:
            return at + self.CONSTANTS[op][1]
        if op == 0x03:
            return at + 8
        if op in (0x10, 0x23, 0x90):
            return uleb(data, at)[1]
        if op == 0x11 or op == 0x91 or 0x70 <= op <= 0x8f:
            return sleb(data, at)[1]
        if op == 0x92:
            return sleb(data, uleb(data, at)[1])[1]
        if op in (0x94, 0x15):
            return at + 1
        if op in (0xa3, 0xf3, 0x9e):
            size, at = uleb(data, at)
            return at + size
        if op in (0xa8, 0xf7):
            return uleb(data, at)[1]
        if op in (0xa0, 0xf2):
            return sleb(data, at + 4)[1]
        if op == 0xfa:  # GNU_parameter_ref
            return at + 4
        if op in (0xa4, 0xf4):  # const_type
            _, at = uleb(data, at)
            return at + 1 + data[at]
        if op in (0xa5, 0xf5):  # regval_type
            return uleb(data, uleb(data, at)[1])[1]
        if op in (0xa6, 0xf6):  # deref_type
            return uleb(data, at + 1)[1]
        return at

    def whole(self, data):
        self.stack, at = [], 0
        while at < len(data):
            op, after = data[at], self.skip(data, at)
            if 0x50 <= op <= 0x6f or op == 0x90:
                if after != len(data) or at:
                    raise Refused("unsupported")
                return [self.register(op - 0x50 if op != 0x90 else uleb(data, 1)[0])], False
            if op == 0x9f and after == len(data):
                return self.top(), False
            if op == 0x9e and at == 0 and after == len(data):
                size, begin = uleb(data, 1)
                if size > 8:
                    raise Refused("unsupported")
                return ["const:%d" % self.signed(int.from_bytes(data[begin:begin + size], "little"))], False
            self.step(data, at)
            at = after
        return self.top(), True

    def top(self):
        if not self.stack:
            raise Refused("unsupported")
        return self.stack[-1]

    def step(self, data, at):
        op = data[at]
        at += 1
        if 0x70 <= op <= 0x8f:
            self.stack.append(add([self.register(op - 0x70)], sleb(data, at)[0]))
        elif 0x30 <= op <= 0x4f:
            self.stack.append(["const:%d" % (op - 0x30)])
        elif op in self.BINARY:
            right, left = self.stack.pop(), self.stack.pop()
            self.stack.append(left + right + [self.BINARY[op]])
        elif op in self.CONSTANTS:
            sign, size = self.CONSTANTS[op]
            value = int.from_bytes(data[at:at + size], "little", signed=sign == "s")
            self.stack.append(["const:%d" % self.signed(value)])
        elif op == 0x10:
            self.stack.append(["const:%d" % self.signed(uleb(data, at)[0])])
        elif op == 0x11:
            self.stack.append(["const:%d" % sleb(data, at)[0]])
        elif op == 0x03:
            address = int.from_bytes(data[at:at + 8], "little")
            self.stack.append(["percpu:%d" % address if address < self.per_cpu else "address:%d" % address])
        elif op == 0x91:
            self.stack.append(add(self.frame_base(), sleb(data, at)[0]))
        elif op == 0x92:
            number, at = uleb(data, at)
            self.stack.append(add([self.register(number)], sleb(data, at)[0]))
        elif op == 0x9c:
            self.stack.append(self.cfa())
        elif op == 0x23:
            self.stack[-1] = add(self.top(), uleb(data, at)[0])
        elif op == 0x1f:
            self.stack[-1] = self.top() + ["neg"]
        elif op == 0x20:
            self.stack[-1] = self.top() + ["not"]
        elif op == 0x06:
            self.stack[-1] = self.top() + ["load:u64"]
        elif op == 0x94:
            self.stack[-1] = self.top() + ["load:u%d" % (data[at] * 8)]
        elif op == 0x12:
            self.stack.append(self.top())
        elif op == 0x13:
            self.stack.pop()
        elif op == 0x14:
            self.stack.append(self.stack[-2])
        elif op == 0x16:
            self.stack[-1], self.stack[-2] = self.stack[-2], self.stack[-1]
        elif op in (0xa3, 0xf3):
            self.entry_value(data, at)
        elif op in (0xa8, 0xf7):
            self.convert(uleb(data, at)[0])
        elif op in (0xa0, 0xf2):
            raise Refused("not available")
        elif op != 0x96:
            raise Refused("unsupported")

    def entry_value(self, data, at):
        if not self.at_entry:
            raise Refused("not available")
        size, at = uleb(data, at)
        if size != 1 or not 0x50 <= data[at] <= 0x6f:
            raise Refused("unsupported")
        self.stack.append([register(data[at] - 0x50)])

    def convert(self, offset):
        if offset == 0:
            return
        base = self.unit.die(self.unit.offset + offset)
        encoding, size = base.get("encoding"), base.get("byte_size")
        if encoding not in (5, 6, 7, 8):
            raise Refused("unsupported")
        self.stack[-1] = self.top() + ["ext:%s%d" % ("s" if encoding in (5, 6) else "u", size * 8)]

    def frame_base(self):
        base = self.dwarf.location(self.function, "frame_base", self.address)
        if base == b"\x9c":
            return self.cfa()
        if base and len(base) == 1 and 0x50 <= base[0] <= 0x6f:
            return [self.register(base[0] - 0x50)]
        raise Refused("unsupported")

    def cfa(self):
        if self.at_entry:
            return add([register(7)], 8)
        state = self.dwarf.cfa(self.address)
        if not state or state[0] is None:
            raise Refused("unsupported")
        return add([register(state[0])], state[1])


class Checker:
    def __init__(self, path):
        self.dwarf = Dwarf(path)
        symbols = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
        self.names_at = collections.defaultdict(list)
        for line in symbols.splitlines():
            address, _, name = line.rpartition(" ")
            self.names_at[address.split()[0] if address else ""].append(name)
        self.per_cpu = next((int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" __per_cpu_end")), 0)

    # --- types
    def stripped(self, die):
        while die is not None and die.tag in ("typedef", "const", "volatile", "restrict", "atomic"):
            die = self.dwarf.referred(die, "type")
        return die

    def type_name(self, die):
        if die is None:
            return "void"
        inner = self.dwarf.referred(die, "type") if die.tag not in ("typedef", "base") else None
        name = self.dwarf.name(die)
        if die.tag == "pointer":
            text = self.type_name(inner)
            return text + ("*" if text.endswith("*") else " *")
        if die.tag in ("struct", "union", "enum"):
            return die.tag + " " + (name or "{...}")
        if die.tag == "array":
            text = self.type_name(inner)
            for child in die.unit.children(die):
                if child.tag == "subrange":
                    count = child.get("count", child.get("upper_bound", -1) + 1 if "upper_bound" in child.attributes else 0)
                    if not isinstance(count, int):
                        count = 0
                    text += "[%d]" % count if count else "[]"
            return text
        if die.tag in ("const", "volatile"):
            return die.tag + " " + self.type_name(inner)
        if die.tag in ("restrict", "atomic"):
            return self.type_name(inner)
        if die.tag == "subroutine":
            return self.type_name(inner) + " (...)"
        return name or "{...}"

    def value(self, place, type_die):
        """The steps to the value, or to the address of an aggregate, and the name of its type."""
        steps, in_memory, upper = place
        name, inner = self.type_name(type_die), self.stripped(type_die)
        if inner is None:
            raise Refused("unsupported")
        if inner.tag in ("struct", "union"):
            if not in_memory:
                raise Refused("unsupported")
            return steps, name + " *"
        if inner.tag == "array":
            if not in_memory:
                raise Refused("unsupported")
            return steps, name
        if steps is None:
            raise Refused("not available")
        if inner.tag == "pointer":
            size, is_signed = 8, False
        elif inner.tag == "enum":
            size, underlying = inner.get("byte_size"), self.stripped(self.dwarf.referred(inner, "type"))
            is_signed = underlying is not None and underlying.get("encoding") in (5, 6)
        elif inner.tag == "base" and inner.get("encoding") in (1, 2, 5, 6, 7, 8, 0x10):
            size, is_signed = inner.get("byte_size"), inner.get("encoding") in (5, 6)
        else:
            raise Refused("unsupported")
        if size not in (1, 2, 4, 8):
            raise Refused("unsupported")
        width = "%s%d" % ("s" if is_signed else "u", size * 8)
        if in_memory:
            return steps + ["load:" + width], name
        return (steps + ["ext:" + width] if size < 8 else steps), name

    # --- the first instruction, before which nothing but parameters and memory of others has been written
    def alignment(self, die):
        """Of a type; 0 when a member is not where its alignment wants it."""
        inner = self.stripped(die)
        if inner is None or inner.tag not in ("struct", "union", "array"):
            return max(1, min(16, inner.get("byte_size", 8) if inner is not None else 1))
        if inner.tag == "array":
            return self.alignment(self.dwarf.referred(inner, "type"))
        most = 1
        for child in inner.unit.children(inner):
            if child.tag == "member" and not {"bit_size", "data_bit_offset"} & set(child.attributes):
                one = self.alignment(self.dwarf.referred(child, "type"))
                if one == 0 or child.get("data_member_location", 0) % one:
                    return 0
                most = max(most, one)
        return most

    def words_in_registers(self, die):
        """Registers that pass a value of the type; None: it is passed on the stack."""
        inner = self.stripped(die)
        if inner is None:
            return 0
        size = inner.get("byte_size", 8)
        return None if size > 16 or self.alignment(inner) == 0 else (size + 7) // 8

    def passed_in(self, function):
        """Names of parameters to the registers that pass them, whether there are more ("...")."""
        declared = self.dwarf.referred(function, "origin") or function
        result = self.dwarf.referred(declared, "type")
        free = ARGUMENTS[1:] if result is not None and self.words_in_registers(result) is None else ARGUMENTS
        passed, more = {}, False
        for child in declared.unit.children(declared):
            more |= child.tag == "unspecified"
            if child.tag != "parameter":
                continue
            words = self.words_in_registers(self.dwarf.referred(child, "type"))
            if words is not None and words <= len(free):
                passed[self.dwarf.name(child)], free = free[:words], free[words:]
        return passed, more

    def at_first_instruction(self, place, function, variable, is_own, needs_frame):
        steps, in_memory, upper = place
        names = sorted(self.names_at["%016x" % self.entry(function)])
        name = self.dwarf.name(function)
        is_declared = name in names or "." not in (names or [""])[0]
        passed, more = self.passed_in(function)
        known = set(ARGUMENTS) if more or not is_declared else {register for one in passed.values() for register in one}
        below, foreign = False, needs_frame
        for half in (steps or [], upper or []):
            for i, step in enumerate(half):
                if step == "reg:rsp":
                    offset = int(half[i + 1][6:]) if half[i + 2:i + 3] == ["add"] and half[i + 1].startswith("const:") else 0
                    below |= offset < 8
                elif step.startswith("reg:"):
                    foreign |= step[4:] not in known
        if not below and not foreign:
            return place
        registers = passed.get(self.dwarf.name(variable))
        if variable.tag == "parameter" and is_own and is_declared and registers:
            halves = ["reg:" + register for register in registers]
            return halves[:1], False, halves[1:] or None
        raise Refused("not available")

    # --- functions and their variables
    def out_of_line(self, unit, name, address):
        for child in unit.children(unit.top):
            if child.tag == "subprogram" and self.dwarf.has_address(child, address) and self.dwarf.name(child) == name:
                return child
        return None

    def inlined(self, scope, name, address):
        for child in scope.unit.children(scope):
            if child.tag not in ("block", "inlined", "subprogram"):
                continue
            if child.tag == "subprogram" and not self.dwarf.ranges(child):
                continue
            if child.tag == "inlined" and self.entry(child) == address and self.dwarf.name(child) == name:
                return child, None
            found = self.inlined(child, name, address)
            if found:
                return found[0], found[1] or (child if child.tag == "subprogram" else None)
        return None

    def entry(self, die):
        ranges = self.dwarf.ranges(die)
        if "entry_pc" in die.attributes:
            form, value = die.attributes["entry_pc"]
            return value if form == 0x01 else (ranges[0][0] + value if ranges else None)
        return ranges[0][0] if ranges else None

    def variable(self, scope, address, name):
        children = list(scope.unit.children(scope))
        for child in children:
            if child.tag == "block" and self.dwarf.has_address(child, address):
                found = self.variable(child, address, name)
                if found is not None:
                    return found
        for child in children:
            if child.tag in ("parameter", "variable") and self.dwarf.name(child) == name:
                return child
        return None

    def expected(self, address, function, where, variable):
        unit = self.dwarf.unit_at_address(address)
        if unit is None:
            return "?", "no unit has this address"
        if where == "inline":
            scope, outer = self.inlined(unit.top, function, address) or (None, None)
        else:
            scope = outer = self.out_of_line(unit, function, address)
        if scope is None:
            return "?", "no such function there"
        found = self.variable(scope, address, variable)
        if found is None:
            return "?", "no such variable"
        at_entry = outer is not None and self.entry(outer) == address
        reference, owner = self.dwarf.integrated(found, "type")
        type_die = self.dwarf.die(reference[1]) if reference else None
        needs_frame = False
        try:
            constant, _ = self.dwarf.integrated(found, "const_value")
            if constant is not None:
                if isinstance(constant[1], bytes):
                    raise Refused("unsupported")
                value, bits = constant[1], {0x0b: 8, 0x05: 16, 0x06: 32, 0x07: 64}.get(constant[0], 64)
                if constant[0] != 0x0d and value >= 1 << (bits - 1):
                    value -= 1 << bits
                place = (["const:%d" % value], False, None)
            else:
                expression = self.dwarf.location(found, "location", address)
                evaluation = Evaluation(self.dwarf, unit, outer, address, at_entry, self.per_cpu)
                place = evaluation.location(expression)
                held, _ = self.dwarf.integrated(found, "location")
                needs_frame = evaluation.names_rsp and isinstance(held[1], bytes)  # else a list, exact to the instruction
            if at_entry:
                place = self.at_first_instruction(place, outer, found, where != "inline", needs_frame)
            steps, name = self.value(place, type_die)
            return name, " ".join(steps)
        except Refused as refused:
            return "-", str(refused)


def main():
    installed = sorted(glob.glob("/usr/lib/debug/boot/vmlinux-*"))
    if not installed:
        print("no kernel with debuginfo is installed")
        return 77
    defaults = [installed[0].split("vmlinux-")[1], "1", "2000"]
    program, given = sys.argv[1], sys.argv[2:]
    release, seed, count = given + defaults[len(given):]
    path = "/usr/lib/debug/boot/vmlinux-" + release
    dump = subprocess.run([program, release, seed, count], capture_output=True, text=True, check=True).stdout
    checker, kinds, disagreements = Checker(path), collections.Counter(), []
    rows = [line.split("\t") for line in dump.splitlines()]
    for address, function, where, variable, type_name, steps in rows:
        wanted = checker.expected(int(address, 16), function, where, variable)
        kinds[where, "has a value" if type_name != "-" else steps] += 1
        if (type_name, steps) != wanted:
            disagreements.append("%s %s %s $%s: stap says `%s` %s; the reader says `%s` %s"
                                 % (address, function, where, variable, type_name, steps, *wanted))
    for (where, kind), number in sorted(kinds.items()):
        print("%6d %-7s %s" % (number, where, kind))
    print("%d variables, %d disagreements" % (len(rows), len(disagreements)))
    print("\n".join(disagreements))
    return 1 if disagreements or len(rows) < int(count) else 0


if __name__ == "__main__":
    sys.exit(main())

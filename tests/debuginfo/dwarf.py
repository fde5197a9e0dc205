# SPDX-License-Identifier: GPL-2.0-or-later
"""A reader of DWARF 4 and 5 that shares nothing with libdw or with the front end: enough for functions, variables, types,
locations and the CFA of an x86-64 ELF file that is linked (no relocations left, no compressed sections)."""
import bisect
import mmap
import struct
import subprocess

TAGS = {0x01: "array", 0x05: "parameter", 0x0b: "block", 0x0d: "member", 0x0f: "pointer", 0x13: "struct", 0x15: "subroutine",
        0x16: "typedef", 0x17: "union", 0x18: "unspecified", 0x1d: "inlined", 0x21: "subrange", 0x24: "base", 0x26: "const", 0x2e: "subprogram",
        0x34: "variable", 0x35: "volatile", 0x37: "restrict", 0x04: "enum", 0x47: "atomic"}
ATTRIBUTES = {0x01: "sibling", 0x02: "location", 0x03: "name", 0x0b: "byte_size", 0x0d: "bit_size", 0x11: "low_pc", 0x12: "high_pc",
              0x1c: "const_value", 0x2f: "upper_bound", 0x31: "origin", 0x37: "count", 0x38: "data_member_location", 0x3c: "declaration", 0x3e: "encoding",
              0x40: "frame_base", 0x47: "specification", 0x49: "type", 0x52: "entry_pc", 0x55: "ranges", 0x72: "str_offsets_base",
              0x6b: "data_bit_offset", 0x73: "addr_base", 0x3f: "external"}


def uleb(data, at):
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7f) << shift
        shift += 7
        if not byte & 0x80:
            return result, at


def sleb(data, at):
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7f) << shift
        shift += 7
        if not byte & 0x80:
            return (result - (1 << shift) if byte & 0x40 else result), at


class Die:
    __slots__ = ("unit", "offset", "tag", "attributes", "children", "end")

    def get(self, name, default=None):
        value = self.attributes.get(name)
        return default if value is None else value[1]


class Unit:
    def __init__(self, dwarf, offset):
        data, at = dwarf.info, offset
        length, self.version = struct.unpack_from("<IH", data, at)
        self.dwarf, self.offset, self.end = dwarf, offset, at + 4 + length
        if self.version >= 5:
            _, self.address_size, abbrev = struct.unpack_from("<BBI", data, at + 6)
            self.first = at + 12
        else:
            abbrev, self.address_size = struct.unpack_from("<IB", data, at + 6)
            self.first = at + 11
        self.abbrevs = dwarf.abbrevs(abbrev)
        self.top = self.die(self.first)
        self.base = self.top.get("low_pc", 0)

    def die(self, offset):
        data = self.dwarf.info
        code, at = uleb(data, offset)
        die = Die()
        die.unit, die.offset, die.attributes = self, offset, {}
        if code == 0:
            die.tag, die.children, die.end = None, False, at
            return die
        die.tag, die.children, forms = self.abbrevs[code]
        for name, form, constant in forms:
            value, at = self.value(form, at, constant)
            if name:
                die.attributes[name] = (form, value)
        die.end = at
        return die

    def value(self, form, at, constant):
        data = self.dwarf.info
        fixed = FIXED.get(form)
        if fixed:
            value = fixed.unpack_from(data, at)[0]
            at += fixed.size
            if form == 0x13:  # ref4
                value += self.offset
            return value, at
        if form == 0x19:  # flag_present
            return True, at
        if form == 0x21:  # implicit_const
            return constant, at
        if form in (0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23):  # udata, ref_udata, strx, addrx, loclistx, rnglistx
            value, at = uleb(data, at)
            return (value + self.offset if form == 0x15 else value), at
        if form == 0x0d:
            return sleb(data, at)
        if form == 0x08:
            end = data.find(b"\0", at)
            return data[at:end], end + 1
        if form in (0x18, 0x09):  # exprloc, block
            size, at = uleb(data, at)
            return data[at:at + size], at + size
        if form in (0x0a, 0x03, 0x04):
            size = {0x0a: 1, 0x03: 2, 0x04: 4}[form]
            length = int.from_bytes(data[at:at + size], "little")
            return data[at + size:at + size + length], at + size + length
        if form == 0x1e:  # data16
            return data[at:at + 16], at + 16
        raise ValueError("form 0x%x" % form)

    def children(self, die):
        if not die.children:
            return
        at = die.end
        while True:
            child = self.die(at)
            if child.tag is None:
                return
            yield child
            at = self.after(child)

    def after(self, die):
        if not die.children:
            return die.end
        sibling = die.get("sibling")
        if sibling:
            return sibling
        at = die.end
        while True:
            child = self.die(at)
            at = child.end if child.tag is None else self.after(child)
            if child.tag is None:
                return at


FIXED = {0x01: struct.Struct("<Q"), 0x0b: struct.Struct("<B"), 0x05: struct.Struct("<H"), 0x06: struct.Struct("<I"),
         0x07: struct.Struct("<Q"), 0x0c: struct.Struct("<B"), 0x0e: struct.Struct("<I"), 0x1f: struct.Struct("<I"),
         0x13: struct.Struct("<I"), 0x11: struct.Struct("<B"), 0x12: struct.Struct("<H"), 0x14: struct.Struct("<Q"),
         0x17: struct.Struct("<I"), 0x10: struct.Struct("<I"), 0x20: struct.Struct("<Q")}


class Dwarf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.sections = {}
        listing = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True, check=True).stdout
        for line in listing.splitlines():
            words = line.replace("[ ", "[").split()
            if len(words) > 5 and words[0].startswith("[") and words[1].startswith("."):
                self.sections[words[1]] = (int(words[4], 16), int(words[5], 16))
        self.info = self.section(".debug_info")
        self.abbrev = self.section(".debug_abbrev")
        self.strings = self.section(".debug_str")
        self.loclists = self.section(".debug_loclists")
        self.rnglists = self.section(".debug_rnglists")
        self.abbrev_cache, self.units, self.frames = {}, {}, None
        self.unit_offsets = self.find_units()
        self.aranges = self.read_aranges()

    def section(self, name):
        offset, size = self.sections.get(name, (0, 0))
        return self.file[offset:offset + size]

    def find_units(self):
        offsets, at = [], 0
        while at < len(self.info):
            offsets.append(at)
            at += 4 + struct.unpack_from("<I", self.info, at)[0]
        return offsets

    def read_aranges(self):
        data, at, found = self.section(".debug_aranges"), 0, []
        while at < len(data):
            length, _, unit, _, _ = struct.unpack_from("<IHIBB", data, at)
            entry, end = (at + 12 + 15) // 16 * 16, at + 4 + length
            while entry < end:
                begin, size = struct.unpack_from("<QQ", data, entry)
                if size:
                    found.append((begin, begin + size, unit))
                entry += 16
            at = end
        return sorted(found)

    def unit_at_address(self, address):
        place = bisect.bisect_right(self.aranges, (address, 1 << 64, 0)) - 1
        if place < 0 or not self.aranges[place][0] <= address < self.aranges[place][1]:
            return None
        return self.unit(self.aranges[place][2])

    def unit(self, offset):
        if offset not in self.units:
            self.units[offset] = Unit(self, offset)
        return self.units[offset]

    def die(self, offset):
        return self.unit(self.unit_offsets[bisect.bisect_right(self.unit_offsets, offset) - 1]).die(offset)

    def abbrevs(self, offset):
        if offset in self.abbrev_cache:
            return self.abbrev_cache[offset]
        data, at, table = self.abbrev, offset, {}
        while True:
            code, at = uleb(data, at)
            if code == 0:
                break
            tag, at = uleb(data, at)
            children = data[at] == 1
            at += 1
            forms = []
            while True:
                name, at = uleb(data, at)
                form, at = uleb(data, at)
                constant = None
                if form == 0x21:
                    constant, at = sleb(data, at)
                if name == 0 and form == 0:
                    break
                forms.append((ATTRIBUTES.get(name), form, constant))
            table[code] = (TAGS.get(tag, tag), children, forms)
        self.abbrev_cache[offset] = table
        return table

    def referred(self, die, name):
        offset = die.get(name)
        return None if offset is None else self.die(offset)

    def integrated(self, die, name):
        """The attribute of the DIE or of what it is an instance of, with the DIE that has it."""
        while die is not None:
            if name in die.attributes:
                return die.attributes[name], die
            die = self.referred(die, "origin") or self.referred(die, "specification")
        return None, None

    def name(self, die):
        found, _ = self.integrated(die, "name")
        if found is None:
            return None
        form, value = found
        if form == 0x08:
            return value.decode()
        data = self.strings if form == 0x0e else self.section(".debug_line_str")
        return data[value:data.find(b"\0", value)].decode()

    def ranges(self, die):
        if "ranges" in die.attributes:
            return self.range_list(die)
        low = die.get("low_pc")
        if low is None or "high_pc" not in die.attributes:
            return []
        form, high = die.attributes["high_pc"]
        return [(low, high if form == 0x01 else low + high)]

    def range_list(self, die):
        data, at, base, found = self.rnglists, die.get("ranges"), die.unit.base, []
        while True:
            kind = data[at]
            at += 1
            if kind == 0:
                return found
            if kind == 4:
                first, at = uleb(data, at)
                last, at = uleb(data, at)
                found.append((base + first, base + last))
            elif kind == 5:
                base = struct.unpack_from("<Q", data, at)[0]
                at += 8
            elif kind == 6:
                found.append(struct.unpack_from("<QQ", data, at))
                at += 16
            elif kind == 7:
                first = struct.unpack_from("<Q", data, at)[0]
                size, at = uleb(data, at + 8)
                found.append((first, first + size))
            else:
                raise ValueError("range list entry %d" % kind)

    def has_address(self, die, address):
        return any(begin <= address < end for begin, end in self.ranges(die))

    def location(self, die, name, address):
        """The location expression of an attribute at an address; b"" for none there, None without the attribute."""
        found, owner = self.integrated(die, name)
        if found is None:
            return None
        form, value = found
        if form != 0x17:
            return value
        data, at, base = self.loclists, value, owner.unit.base
        while True:
            kind = data[at]
            at += 1
            if kind == 0:
                return b""
            if kind == 9:  # GNU view pair
                _, at = uleb(data, at)
                _, at = uleb(data, at)
                continue
            if kind == 6:
                base = struct.unpack_from("<Q", data, at)[0]
                at += 8
                continue
            if kind == 4:
                first, at = uleb(data, at)
                last, at = uleb(data, at)
                first, last = base + first, base + last
            elif kind == 7:
                first, last = struct.unpack_from("<QQ", data, at)
                at += 16
            elif kind == 8:
                first = struct.unpack_from("<Q", data, at)[0]
                size, at = uleb(data, at + 8)
                last = first + size
            else:
                raise ValueError("location list entry %d" % kind)
            size, at = uleb(data, at)
            if first <= address < last:
                return data[at:at + size]
            at += size

    # --- the CFA: register and offset
    def cfa(self, address):
        if self.frames is None:
            self.frames = self.read_frames()
        place = bisect.bisect_right(self.frames, (address, 1 << 64, 0, 0)) - 1
        if place < 0 or not self.frames[place][0] <= address < self.frames[place][1]:
            return None
        begin, _, cie, fde = self.frames[place]
        data = self.frame_data
        code_factor, start, end = self.cie_program(cie)
        state = [None, None]
        self.run_cfi(data, start, end, code_factor, 0, 1 << 64, state)
        length = struct.unpack_from("<I", data, fde)[0]
        self.run_cfi(data, fde + 24, fde + 4 + length, code_factor, begin, address, state)
        return state

    def read_frames(self):
        data = self.frame_data = self.section(".debug_frame")
        at, found = 0, []
        while at + 8 <= len(data):
            length, cie = struct.unpack_from("<II", data, at)
            if cie != 0xffffffff:
                begin, size = struct.unpack_from("<QQ", data, at + 8)
                found.append((begin, begin + size, cie, at))
            at += 4 + length
        return sorted(found)

    def cie_program(self, at):
        data = self.frame_data
        length = struct.unpack_from("<I", data, at)[0]
        version = data[at + 8]
        place = data.find(b"\0", at + 9) + 1
        if version >= 4:
            place += 2
        code_factor, place = uleb(data, place)
        _, place = sleb(data, place)
        _, place = uleb(data, place)
        return code_factor, place, at + 4 + length

    @staticmethod
    def run_cfi(data, at, end, code_factor, place, address, state):
        kept = []
        while at < end:
            op = data[at]
            at += 1
            high, low = op >> 6, op & 0x3f
            if high == 1 or op in (0x01, 0x02, 0x03, 0x04):
                if high == 1:
                    delta = low
                else:
                    size = {0x01: 8, 0x02: 1, 0x03: 2, 0x04: 4}[op]
                    delta = int.from_bytes(data[at:at + size], "little")
                    at += size
                place = delta if op == 0x01 else place + delta * code_factor
                if place > address:
                    return
            elif high == 2 or op in (0x06, 0x07, 0x08, 0x0e, 0x0d):
                value = None
                if high != 2:
                    value, at = uleb(data, at)
                else:
                    _, at = uleb(data, at)
                if op == 0x0e:
                    state[1] = value
                elif op == 0x0d:
                    state[0] = value
            elif op in (0x0c, 0x05, 0x09):
                first, at = uleb(data, at)
                second, at = uleb(data, at)
                if op == 0x0c:
                    state[0], state[1] = first, second
            elif op == 0x0a:
                kept.append(list(state))
            elif op == 0x0b:
                state[:] = kept.pop()
            elif op == 0x0f:  # def_cfa_expression
                size, at = uleb(data, at)
                at += size
                state[0] = state[1] = None
            elif op in (0x10, 0x16):
                _, at = uleb(data, at)
                size, at = uleb(data, at)
                at += size
            elif op == 0x2e:  # GNU_args_size
                _, at = uleb(data, at)
            elif high != 3 and op != 0:
                raise ValueError("CFI operation 0x%x" % op)

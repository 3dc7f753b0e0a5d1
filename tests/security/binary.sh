#!/bin/sh
# S27, of the program itself: position independent, static, nothing both writable and executable, read-only after relocation.
. "$(dirname "$0")/../product/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
python3 - "$SLUICE" << 'END' || fail "see above"
import struct
import sys

data = open(sys.argv[1], "rb").read()
assert data[:5] == b"\x7fELF\x02", "no ELF file of 64 bits"
kind, = struct.unpack_from("<H", data, 16)
offset, = struct.unpack_from("<Q", data, 32)
size, count = struct.unpack_from("<HH", data, 54)
LOAD, DYNAMIC, INTERPRETER, STACK, RELRO = 1, 2, 3, 0x6474E551, 0x6474E552
parts = [struct.unpack_from("<II6Q", data, offset + i * size) for i in range(count)]
assert kind == 3, "not position independent"
assert not [one for one in parts if one[0] == INTERPRETER], "not static"
assert [one for one in parts if one[0] == RELRO], "nothing is made read-only after relocation"
stacks = [one for one in parts if one[0] == STACK]
assert stacks and all(not one[1] & 1 for one in stacks), "the stack is executable"
both = [one for one in parts if one[0] == LOAD and one[1] & 1 and one[1] & 2]
assert not both, "a part is writable and executable"
dynamic = [one for one in parts if one[0] == DYNAMIC][0]
tags = {}
for at in range(dynamic[2], dynamic[2] + dynamic[5], 16):
    tag, value = struct.unpack_from("<QQ", data, at)
    tags[tag] = value
assert 1 not in tags, "it needs a library"
assert tags.get(30, 0) & 8 or tags.get(0x6FFFFFFB, 0) & 1, "functions are bound late"
print("static-pie, RELRO, bound at the start, NX")
END
finish

"""07: an x86 instruction.

Run it: python docs/guide/07_an_x86_instruction.py
"""

import struct

from baregrad.base.errors import BaregradError
from baregrad.isa import Inst, Reg
from baregrad.isa.x86 import assemble, encode, inst, mem, text
from baregrad.isa.x86.encoding import VEX, expand, row
from baregrad.runtime import open_device

# An instruction is a row, copied from the manual (SDM volume 2): name, operands with what is done to them,
# encoding, facts. vphminposuw finds the least of eight 16-bit numbers, and its place. `xmm/m128` is a
# register or memory.
ROW = row("vphminposuw", "dst:xmm=w, src:xmm/m128=r", VEX(128, "66", "0F38", 0x41), latency=4, needs="avx")

# A row becomes forms, one for each size or vector length that it stands for. A form says all that the
# encoder, the text, the register allocator and its checker need to know; none of them knows an instruction
# by name.
(form,) = expand(ROW)
print(form)
assert [operand.role for operand in form.operands] == ["w", "r"]
assert form.memory == "r"

# An instruction is a form with operands.
least = Inst(form, (Reg("vec", 1), Reg("vec", 0)))
print(text(least), encode(least).hex(" "))
assert text(least) == "vphminposuw xmm1, xmm0"
assert encode(least) == bytes.fromhex("c4e27941c8")

# A register that the encoding cannot hold is refused.
try:
    encode(Inst(form, (Reg("vec", 17), Reg("vec", 0))))
except BaregradError as error:
    print(error)
else:
    raise AssertionError("VEX reaches registers 0 to 15 only")

# A kernel is a function of its argument block (rdi) and the number of its grid item (rsi). Here the block
# has one address; the eight numbers there are replaced by the least one and its place.
code = assemble([
    inst("mov", "rax", mem("rdi")),
    inst("vmovups", "xmm0", mem("rax")),
    least,
    inst("vmovups", mem("rax"), "xmm1"),
    inst("ret"),
])  # fmt: skip
try:
    cpu = open_device("cpu")
except BaregradError as error:
    raise SystemExit(f"no x86-64 here: {error.what}") from None
at = cpu.allocate(16)
cpu.write(at, struct.pack("<8H", 900, 17, 65535, 4, 70, 8, 9, 10))
cpu.launch(cpu.load(code, "least"), (at,))
cpu.wait()
found, place = struct.unpack_from("<2H", cpu.read(at, 16))
print(f"the least is {found}, at place {place}")
assert (found, place) == (4, 3)

# For good: the row into isa/x86/table_avx.py. Then it is decoded too, compared with two other
# disassemblers, and listed in docs/reference/instructions.md. To have the compiler choose it, a row of
# render/x86/rows_*.py names it.

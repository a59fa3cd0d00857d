"""10: a GPU's machine code, without a GPU.

Run it: python docs/guide/10_a_gpu_without_a_gpu.py
"""

from array import array

from baregrad.base.errors import BaregradError
from baregrad.emu.amd import GpuFault, emulate
from baregrad.isa.amd import code_object
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.dsl import gfx1100, s, v
from baregrad.isa.amd.explain import explain
from baregrad.isa.amd.inst import encode
from baregrad.isa.amd.program import assemble, listing
from baregrad.isa.amd.text import text

# An instruction of RDNA3 is an object: written in Python, read from text or from bytes, it is the same.
one = gfx1100.v_fma_f32(v[1], v[2], -abs(v[3]), s[4], clamp=True)
print(text(one), encode(one).hex(" "))
assert parse("gfx1100", "v_fma_f32 v1, v2, -|v3|, s4 clamp") == one
assert decode("gfx1100", encode(one)) == (one, 8)

# It knows what it touches, and a wrong operand is refused where it is written.
assert one.reads[:3] == (v[2], v[3], s[4])
assert one.writes == (v[1],)
print(one.latency_class.name, gfx1100.global_load_b64(v[0:1], v[2], s[0:1], offset=16).effects.memory)
try:
    gfx1100.v_add_f32(s[1], v[2], v[3])
except BaregradError as error:
    print(error)
else:
    raise AssertionError("the result of a vector instruction is no scalar register")

# What it does comes from the vendor's manual: its pseudocode, extracted and typed, is a tree that the
# emulator runs. This prints the encoding, the operands and the tree.
print(explain("v_mad_u64_u32", "gfx1100"))

# A kernel: out[i] = a * x[i] + y[i], with its arguments behind s[0:1].
SOURCE = """
.amdgcn_target "amdgcn-amd-amdhsa--gfx1100"
.text
.p2align 8
saxpy:
  s_load_b128 s[4:7], s[0:1], 0x0        // x, y
  s_load_b64 s[8:9], s[0:1], 0x10        // out
  s_load_b32 s3, s[0:1], 0x18            // a
  v_lshlrev_b32 v0, 2, v0
  s_waitcnt lgkmcnt(0)
  global_load_b32 v1, v0, s[4:5]
  global_load_b32 v2, v0, s[6:7]
  s_waitcnt vmcnt(0)
  v_fmac_f32 v2, s3, v1
  global_store_b32 v0, v2, s[8:9]
  s_endpgm
.Lend:
.size saxpy, .Lend-saxpy
.amdhsa_kernel saxpy
.amdhsa_next_free_vgpr 8
.amdhsa_next_free_sgpr 16
.amdhsa_kernarg_size 32
.amdhsa_user_sgpr_kernarg_segment_ptr 1
.amdhsa_wavefront_size32 1
.end_amdhsa_kernel
.amdgpu_metadata
---
amdhsa.kernels:
  - .name: saxpy
    .symbol: saxpy.kd
    .kernarg_segment_size: 32
    .args:
      - {.offset: 0, .size: 8, .value_kind: global_buffer, .address_space: global}
      - {.offset: 8, .size: 8, .value_kind: global_buffer, .address_space: global}
      - {.offset: 16, .size: 8, .value_kind: global_buffer, .address_space: global}
      - {.offset: 24, .size: 4, .value_kind: by_value}
amdhsa.target: amdgcn-amd-amdhsa--gfx1100
amdhsa.version: [1, 2]
...
.end_amdgpu_metadata
"""
kernel = code_object.read(assemble(SOURCE))
for line in listing("gfx1100", kernel.kernels[0].code, 32):
    print(f"{line.at:4x}  {line.data.hex():16}  {line.text}")

# One workgroup of 64 work-items: two waves.
x, y = array("f", range(64)), array("f", [0.5] * 64)
out = array("f", bytes(256))
result = emulate(kernel, "saxpy", (1, 1, 1), (64, 1, 1), [x, y, out, 2.0])
print(result, list(out[:4]))
assert list(out) == [2 * n + 0.5 for n in range(64)]

# What a chip would only do silently is a fault with its instruction, wave and lane.
try:
    emulate(kernel, "saxpy", (1, 1, 1), (64, 1, 1), [x, y, array("f", bytes(252)), 2.0])
except GpuFault as fault:
    print(fault)
    assert (fault.wave, fault.lane) == (1, 31)
else:
    raise AssertionError("the last work-item stores behind the buffer")

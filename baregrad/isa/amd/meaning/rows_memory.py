"""Memory instructions that the manuals describe without a body: texts of ours.

Loads into local memory (each lane's dword goes to M0 + offset + 4 * lane, whatever its size in memory was),
loads that transpose, appending, addresses by lane. Local memory has bounds: beyond LDS_SIZE nothing is
written and 0 is read. What is not here: addresses (addresses.py).
"""

from __future__ import annotations

import re

from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.addresses import GLOBAL, SCRATCH, chosen
from baregrad.isa.amd.meaning.rows_given import Given

# size in the name -> (type in memory, cells of local memory in a lane's place, bytes that are written)
LOADED = {
    "UBYTE": ("u8", 4, 4), "SBYTE": ("i8", 4, 4), "USHORT": ("u16", 4, 4), "SSHORT": ("i16", 4, 4),
    "DWORD": ("u32", 4, 4), "DWORDX3": ("u96", 16, 12), "DWORDX4": ("u128", 16, 16),
}  # fmt: skip
TO_LOCAL = re.compile(r"(GLOBAL|SCRATCH)_LOAD_LDS_(\w+)")
OFFSET = "i64(OFFSET.i).u"
LANE = "SCRATCH_BASE + u64(laneId) * u64(SCRATCH_SIZE)"
TRANSPOSED = re.compile(r"DS_READ_B(64|96)_TR_B(\d+)")
COUNT = "n = u32(0); for x < LANES { n = n + u32(EXEC[x]) }"
APPEND = """{count}; a = u64(M0[15:0]) + u64(OFFSET); t = u32(0)
    ; if a + 4 <= u64(LDS_SIZE) {{ t = load(u32, a, lds); store(a, t {sign} n, lds) }}
    ; for x < LANES {{ if EXEC[x] {{ VGPR.u32[u64(D0_NUMBER) * LANES + x] = t }} }}"""
BY_LANE = "a = u64(OFFSET) + u64(M0[15:0]) + u64(laneId) * 4"
INSIDE = "a + 4 <= u64(LDS_SIZE)"
CONDITIONAL = """a = u64(ADDR + OFFSET & 0xFFF8); D0 = 0; if a + 8 <= u64(LDS_SIZE) { D0 = load(u64, a, lds)
    ; if DATA0[31] { store(a, u32(DATA0[30:0]), lds) }
    ; if DATA0[63] { store(a + 4, u32(DATA0[62:32]), lds) } }"""
ROWS = (
    ("DS_APPEND", "wave", APPEND.format(count=COUNT, sign="+"),
     "manual's prose: lanes that are on are counted; M0 is the base also in local memory, as LLVM uses it"),
    ("DS_CONSUME", "wave", APPEND.format(count=COUNT, sign="-"), "as DS_APPEND"),
    ("DS_(READ|LOAD)_ADDTID_B32", "lane",
     f"{BY_LANE}; D0 = 0; if {INSIDE} {{ D0 = load(u32, a, lds) }}", "manual's body"),
    ("DS_(WRITE|STORE)_ADDTID_B32", "lane",
     f"{BY_LANE}; if {INSIDE} {{ store(a, DATA0, lds) }}", "manual's body"),
    ("DS_CONDXCHG32_RTN_B64", "lane", CONDITIONAL, "manual's body: two words, each if its top bit says so"),
    ("GLOBAL_LOAD_ADDTID_B32", "lane", "VDST = load(u32, ADDRESS)", "RDNA3 ISA 11: SADDR, offset, 4 * lane"),
    ("GLOBAL_STORE_ADDTID_B32", "lane", "store(ADDRESS, DATA)", "as GLOBAL_LOAD_ADDTID_B32"),
)  # fmt: skip


def memory(form: Form) -> Given | None:
    """The meaning of an entry that is in ROWS, of a load into local memory, of one that transposes."""
    name = form.entry.name
    local, turned = TO_LOCAL.fullmatch(name), TRANSPOSED.fullmatch(name)
    if local:
        text = f"v = {load_of(*LOADED[local[2]][:1], address_of(form))}; {into_local(local[2])}"
        return Given("lane", text, "CDNA4 ISA 9.1.9, 10.3")
    if turned:
        return Given("wave", transposed(int(turned[1]), int(turned[2])), TRANSPOSING)
    for pattern, scope, text, source in ROWS:
        if re.fullmatch(pattern, name):
            filled = text.replace("LANES", str(form.wave)).replace("ADDRESS", address_of(form))
            return Given(scope, filled, source)
    return None


def address_of(form: Form) -> str:
    """The address of global or scratch memory; "" for other formats."""
    if form.entry.format == "SCRATCH":
        return f"{LANE} + {chosen(SCRATCH, form)}"
    return chosen(GLOBAL, form) if form.entry.format == "GLOBAL" else ""


def load_of(type: str, address: str) -> str:
    """What is read, at least 32 bits wide."""
    value = f"load({type}, {address})"
    return f"u32({value})" if type in ("u8", "u16") else f"i32({value}).u" if type in ("i8", "i16") else value


def into_local(size: str) -> str:
    """The text that writes v to this lane's place in local memory.

    >>> into_local("DWORD").replace("store(l, v, lds)", "…")
    'l = u64(M0 & 0x3FFFC) + i64(OFFSET.i).u + u64(laneId) * 4; if l + 4 <= u64(LDS_SIZE) { … }'
    """
    _, step, bytes_ = LOADED[size]
    place = f"l = u64(M0 & 0x3FFFC) + {OFFSET} + u64(laneId) * {step}"
    return f"{place}; if l + {bytes_} <= u64(LDS_SIZE) {{ store(l, v, lds) }}"


TRANSPOSING = "CDNA4 ISA 11.4 for k; that lanes hold rows in order: addresses in kernels of Triton for gfx950"


def transposed(bits: int, element: int) -> str:
    """16 lanes read rows of 16 elements, as many rows as a lane holds elements; lane j gets column j.

    A row is in 16 / items lanes side by side, where items is how many elements a lane has.
    """
    items = bits // element
    step = max(1, 16 // items)
    shift = items.bit_length() - 1
    words = bits // 32
    source = f"((x & 48) + r * {step} + ((x & 15) >> {shift})) * {items} + (x & {items - 1} & 15)"
    back = "; ".join(f"VGPR.u32[(u64(D0_NUMBER) + {word}) * 64 + x] = v.u32[{word}]" for word in range(words))
    return f"""TMP = u{64 * bits}(0); for x < 64 {{ if EXEC[x] {{
        a = u64(VGPR.u32[u64(ADDR_NUMBER) * 64 + x] + OFFSET)
        ; if a + {bits // 8} <= u64(LDS_SIZE) {{ TMP.u{bits}[x] = load(u{bits}, a, lds) }} }} }}
        ; for x < 64 {{ if EXEC[x] {{ v = u{bits}(0); for r < {items} {{
            v.u{element}[r] = TMP.u{element}[{source}]
        }}; {back} }} }}"""

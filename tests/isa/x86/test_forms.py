"""Every form, encoded with random operands and read back by iced-x86, capstone and our own decoder.

The witnesses know nothing of our tables: iced-x86 is asked for structure (mnemonic, operands, mask,
zeroing, broadcast, length), capstone for text, which is compared with ours. `fuzz` runs fifty operand sets a
form, the suite three.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import capstone
import iced_x86
import pytest

from baregrad.isa import Form, Inst, Mem, Operand, Reg, Value
from baregrad.isa.x86 import RIP, decode, encode, name_of, signature, text
from tests.isa.x86.samples import ALL_FORMS, AT, MNEMONICS, REGISTERS, samples

CHUNKS = 16


# iced-x86: structure ----------------------------------------------------------------------------------------

KIND = iced_x86.OpKind
BRANCHES = (KIND.NEAR_BRANCH16, KIND.NEAR_BRANCH32, KIND.NEAR_BRANCH64)
ICED_NAMES = {"rep_movsb": "movsb", "rep_stosb": "stosb"}


def seen_operand(seen: iced_x86.Instruction, n: int) -> object:
    """Operand n as iced-x86 sees it: a register's name, the parts of an address, or an integer."""
    kind = seen.op_kind(n)
    if kind == KIND.REGISTER:
        return REGISTERS[seen.op_register(n)]
    if kind == KIND.MEMORY:
        disp = seen.memory_displacement
        disp -= 1 << 64 if disp >= 1 << 63 else 0
        index = REGISTERS[seen.memory_index]
        scale = seen.memory_index_scale if index != "none" else 1
        return REGISTERS[seen.memory_base], index, scale, disp, seen.is_broadcast
    return seen.near_branch_target if kind in BRANCHES else seen.immediate(n)


def meant_memory(mem: Mem, kinds: tuple[str, ...], end: int) -> tuple[object, ...]:
    """What seen_operand should give for a memory operand."""
    if mem.label == RIP:
        return "rip", "none", 1, end + mem.disp, mem.broadcast > 0
    base = name_of(mem.base, 64) if mem.base else "none"
    index = "none"
    if mem.index:
        is_vector = mem.index.bank == "vec"
        index = name_of(mem.index, {"x": 128, "y": 256, "z": 512}[kinds[0][-1]] if is_vector else 64)
    return base, index, mem.scale if mem.index else 1, mem.disp, mem.broadcast > 0


def is_meant(got: object, operand: Operand, value: Value, end: int) -> bool:
    """Whether an operand was read as it was meant."""
    if isinstance(value, Reg):
        return got == name_of(value, operand.bits)
    if isinstance(value, Mem):
        return got == meant_memory(value, operand.kinds, end)
    if operand.kinds[0].startswith("rel"):
        return got == (end + value.value) % (1 << 64)
    return (got - value.value) % (1 << operand.bits) == 0


def iced_differences(inst: Inst, code: bytes) -> list[str]:
    """What iced-x86 reads otherwise than it was meant."""
    seen = iced_x86.Decoder(64, code, ip=AT).decode()
    name = inst.form.name
    mnemonic = ICED_NAMES.get(name, name.removeprefix("lock_"))
    if MNEMONICS[seen.mnemonic] != mnemonic:
        return [f"mnemonic {MNEMONICS[seen.mnemonic]}"]
    meant = [(o, v) for o, v in zip(inst.form.operands, inst.operands, strict=True) if not o.implicit]
    facts = {
        "length": (seen.len, len(code)),
        "lock": (seen.has_lock_prefix, name.startswith("lock_")),
        "mask": (REGISTERS[seen.op_mask], name_of(inst.mask, 64) if inst.mask else "none"),
        "zeroing": (seen.zeroing_masking, inst.zeroing),
    }
    if name.startswith("rep_"):
        facts["rep"] = seen.has_rep_prefix, True
    else:
        facts["operands"] = seen.op_count, len(meant)
    wrong = [f"{fact} {got}, not {want}" for fact, (got, want) in facts.items() if got != want]
    if wrong or name.startswith("rep_"):
        return wrong
    read = [(seen_operand(seen, n), o, v) for n, (o, v) in enumerate(meant)]
    return [f"{o.name} {got}, not {v}" for got, o, v in read if not is_meant(got, o, v, AT + len(code))]


# capstone: text ---------------------------------------------------------------------------------------------

CAPSTONE = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)

# What capstone 5 does not know, by name.
CAPSTONE_LACKS = dict.fromkeys(("vcvtne2ps2bf16", "vcvtneps2bf16", "vdpbf16ps"), "no AVX512_BF16")

# What capstone writes otherwise than Intel's manual: pattern in its text, what we write, why. Order matters.
CAPSTONE_WRITES = [
    (r"^movabs ", "mov ", "GNU's name of mov with 64 bits of immediate or address"),
    (r"^(prefetch\w+) byte ptr", r"\1", "a prefetch has no size"),
    (r"^(v\w*(?:gather|scatter)\w+ .*?)\b\w+ ptr ", r"\1", "a vector of addresses has no one size"),
    (r"^(rep \w+) .*", r"\1", "the operands of rep movsb and stosb are implicit"),
]
COMPARE = re.compile(r"vp?cmp(?!eq|gt)")  # ours with a predicate; capstone's name has it, and no immediate
CAPSTONE_COMPARE = re.compile(r"^v(p?)cmp[a-z]*?(?:_[a-z]+?)?(u?[bwdq]|[ps][sd]) (.*)$")
NUMBER = re.compile(r"[-+]?(0x[0-9a-f]+|\b\d+\b)")


def without_predicate(shown: str) -> str:
    """A compare without the immediate at its end, if it has one."""
    rest, _, last = shown.rpartition(", ")
    return rest if NUMBER.fullmatch(last) else shown


def plain(shown: str) -> tuple[str, list[int]]:
    """A text without spaces and numbers; and its numbers to 16 bits, for signs are written differently."""
    name, _, rest = shown.partition(" ")
    return name + " " + NUMBER.sub("+N", rest.replace(" ", "")), [
        int(m[0], 0) % 65536 for m in NUMBER.finditer(rest.replace(" ", ""))
    ]


def capstone_differences(inst: Inst, code: bytes) -> list[str]:
    """What capstone writes otherwise than we do."""
    seen = list(CAPSTONE.disasm(code, AT))
    if len(seen) != 1 or seen[0].size != len(code):
        return [] if inst.form.name in CAPSTONE_LACKS else ["not known"]
    shown = f"{seen[0].mnemonic} {seen[0].op_str}".strip()
    for pattern, ours, _ in CAPSTONE_WRITES:
        shown = re.sub(pattern, ours, shown)
    own = text(inst, AT)
    if COMPARE.match(own):
        shown = CAPSTONE_COMPARE.sub(r"v\1cmp\2 \3", shown)
        own, shown = without_predicate(own), without_predicate(shown)
    return [] if plain(own) == plain(shown) else [f"{own!r}, but capstone {shown!r}"]


# Our own decoder --------------------------------------------------------------------------------------------


def decoder_differences(inst: Inst, code: bytes) -> list[str]:
    """What our decoder gives back otherwise; the bytes stand between others."""
    got, length = decode(b"\x90\x90" + code + b"\x90", 2)
    if got == inst and length == len(code):
        return []
    return [f"decoded as {text(got)!r} of {signature(got.form)}, {length} bytes"]


WITNESSES = [iced_differences, capstone_differences, decoder_differences]


def compare(
    witness: Callable[[Inst, bytes], list[str]], forms: list[Form], count: int
) -> tuple[int, list[str]]:
    """Encode `count` operand sets of each form; how many there were, and what the witness says against."""
    wrong, done = [], 0
    for form in forms:
        for inst in samples(form, count):
            code = encode(inst)
            done += 1
            wrong += [f"{signature(form)}: {code.hex()} {said}" for said in witness(inst, code)]
    return done, wrong


def test_there_are_enough_forms() -> None:
    assert len(ALL_FORMS) >= 300


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("witness", WITNESSES, ids=lambda f: f.__name__.removesuffix("_differences"))
def test_witness_agrees(witness: Callable[[Inst, bytes], list[str]], chunk: int) -> None:
    forms = ALL_FORMS[chunk::CHUNKS]
    done, wrong = compare(witness, forms, 3)
    assert not wrong, "\n".join(wrong[:40])
    assert done == 3 * len(forms)


@pytest.mark.fuzz
@pytest.mark.parametrize("witness", WITNESSES, ids=lambda f: f.__name__.removesuffix("_differences"))
def test_witness_agrees_fifty_times(witness: Callable[[Inst, bytes], list[str]]) -> None:
    done, wrong = compare(witness, ALL_FORMS, 50)
    print(f"{witness.__name__}: {len(ALL_FORMS)} forms, {done} encodings, {len(wrong)} differences")
    assert not wrong, "\n".join(wrong[:40])


# Random bytes -----------------------------------------------------------------------------------------------

PREFIXES = (b"", b"\x66", b"\xf3", b"\x48", b"\x0f", b"\x66\x0f", b"\xc5", b"\xc4", b"\x62", b"\x62")


def byte_differences(rng: random.Random, count: int) -> tuple[int, list[str]]:
    """Random bytes that we decode, and where iced-x86 disagrees on what they are."""
    wrong, done = [], 0
    for _ in range(count):
        code = (rng.choice(PREFIXES) + rng.randbytes(16))[:16]
        try:
            inst, length = decode(code)
        except ValueError:
            continue
        done += 1
        wrong += [
            f"{code[:length].hex()}: {text(inst)}: {said}" for said in iced_differences(inst, code[:length])
        ]
    return done, wrong


def test_random_bytes_mean_the_same_to_iced(rng: random.Random) -> None:
    done, wrong = byte_differences(rng, 3000)
    assert done > 50
    assert not wrong, "\n".join(wrong[:40])

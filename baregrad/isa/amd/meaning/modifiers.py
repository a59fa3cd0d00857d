"""Modifiers around a tree: signs and parts of sources, and what is done to a result.

Sources become names of the tree's own before it, the result after it; the machine sees the operands as they
are. Order: select a part, then |x|, then -x; result: multiply (OMOD), clamp, then put where it goes. What is
not here: DPP (the machine reads another lane), modifiers that a body itself asks for (OPSEL in conversions).
Sources: RDNA3 ISA 7.2.3 to 7.2.6, 7.5; CDNA4 ISA 6.2, 6.5, 6.6, 12.9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from baregrad.isa.amd.layout import Form, Modifier, Slot, take
from baregrad.isa.amd.meaning.names import Names
from baregrad.isa.meaning import Node, Tree, parse, walk

# Modifiers that say nothing of what is computed from the variables: addresses, caches, lanes, hints.
APART = frozenset((
    "offset", "offset0", "offset1", "offen", "idxen", "tfe", "lds", "glc", "slc", "dlc", "sc0", "sc1",
    "nt", "dpp", "dpp8", "row_mask",
    "bank_mask", "bound_ctrl", "fi", "wait_exp", "wait_va_vdst",
))  # fmt: skip
SELECTS = {0: (0, 8), 1: (8, 8), 2: (16, 8), 3: (24, 8), 4: (0, 16), 5: (16, 16), 6: (0, 32)}
SOURCES = ("S0", "S1", "S2")
OMOD = {1: "2.0", 2: "4.0", 3: "0.5"}
# What an integer result is, exactly, where CLAMP wants it in range: name -> expression of a, b, c (carry: k)
EXACT = (
    (r"V_ADD_(?:NC_)?([UI])(16|32)", "a + b"), (r"V_SUB_(?:NC_)?([UI])(16|32)", "a - b"),
    (r"V_SUBREV_(?:NC_)?([UI])(16|32)", "b - a"), (r"V_ADD_CO_(U)(32)", "a + b"),
    (r"V_SUB_CO_(U)(32)", "a - b"), (r"V_SUBREV_CO_(U)(32)", "b - a"),
    (r"V_ADD(?:C_CO|_CO_CI)_(U)(32)", "a + b + k"), (r"V_SUB(?:B_CO|_CO_CI)_(U)(32)", "a - b - k"),
    (r"V_SUBB?REV_CO(?:_CI)?_(U)(32)", "b - a - k"), (r"V_MAD_([UI])(16|32)(?:_[UI]\d+)?", "a * b + c"),
    (r"V_MUL_([UI])(32)_[UI]24", "a * b"), (r"V_MAD_([UI])(64)_[UI]32", "a * b + c"),
    (r"V_PK_ADD_([UI])(16)", "a + b"), (r"V_PK_SUB_([UI])(16)", "a - b"),
    (r"V_PK_MAD_([UI])(16)", "a * b + c"),
    (r"V_(?:PK_)?MUL_LO_(U)(16)", "a * b"),
)  # fmt: skip
DOT = re.compile(r"V_DOT(\d)C?_([UI])32_([UI]U?)(\d+)")
# A pair of 16-bit floats that is not VOP3P: CLAMP is for each, OMOD is ignored. Source: RDNA3 ISA 7.2.3.1
PAIRS = re.compile(r"V_CVT_PK_?(?:RTZ_)?(F16|BF16)_F32")
# Bodies that choose the byte or half themselves; SDWA's other fields are ignored. Source: CDNA4 ISA 7.3
OF_BYTES = re.compile(r"V_CVT_(PK_)?F32_(FP8|BF8)")
GROWS = re.compile(r"V_(M?SAD)_")  # a sum of what is not negative: it has overflowed if it is less than S2


def fields_of(form: Form, word: int) -> dict[str, int]:
    """The modifiers that change what an instruction computes, as raw bits by name; `neg_S0` are signs."""
    found = {one.name: take(one.where, word) for one in form.modifiers if one.name not in APART}
    if "op_sel" in found:
        found["op_sel"] = op_sel(next(one for one in form.modifiers if one.name == "op_sel"), word)
    for slot in form.slots:
        for name, bit in (("neg", slot.neg), ("abs", slot.abs), ("sext", slot.sext)):
            if bit >= 0:
                found[f"{name}_{slot.role}"] = word >> bit & 1
    return found


def op_sel(one: Modifier, word: int) -> int:
    """OP_SEL by source, and of the result in bit 3: its text leaves out sources that are not there."""
    first = min(one.where)[0]
    return sum(take(((low, width),), word) << (low - first) for low, width in one.where)


def defaults(form: Form) -> dict[str, int]:
    """The modifiers as they are when nothing is written."""
    return {one.name: one.default for one in form.modifiers if one.name not in APART}


def is_packed(form: Form) -> bool:
    """Does it work on two halves (or words) at once, each from the half that OP_SEL says?"""
    return form.entry.format == "VOP3P" and bool(re.match(r"V_(PK_|DOT2)", form.entry.name))


def wrapped(tree: Tree, names: Names, fields: Mapping[str, int], asks: bool) -> Tree:
    """A tree with its modifiers around it; `asks`: the tree looks at OP_SEL itself."""
    form = names.form
    before: list[str] = []
    renamed: dict[str, str] = {}
    known = {name: names.bits(name) for name in names.slots} | {"MODE": 32}
    for n, role in enumerate(SOURCES):
        slot = names.slots.get(role)
        if slot is None or names.is_mask(slot):
            continue
        text = source(form, slot, n, fields, asks, known)
        if text:
            before.append(f"{role.lower()}_ = {text}")
            renamed[role] = f"{role.lower()}_"
    after = result(names, fields, asks, known, renamed)
    if after:
        renamed["D0"] = "d0_"
        bits = names.bits("D0")
        start = f"D0[{bits - 1}:0]" if known["D0"] > bits else "D0"
        before.append(f"d0_ = {start}" if reads(tree, "D0") else f"d0_ = u{bits}(0)")
    if not renamed:
        return tree
    inner = {new: names.bits(role) for role, new in renamed.items()}
    first = parse("; ".join(before), known)
    last = parse(after, known | inner | sides(names)) if after else ()
    return (*first, *(rename(each, renamed) for each in tree), *last)


def sides(names: Names) -> dict[str, int]:
    """The mask that a carry comes from."""
    return {"VCC": 1} | {role: 1 for role, slot in names.slots.items() if names.is_mask(slot)}


# -- sources ---------------------------------------------------------------------------------------


def source(
    form: Form, slot: Slot, n: int, fields: Mapping[str, int], asks: bool, known: dict[str, int]
) -> str:
    """What a source is behind its modifiers, "" for one that is as it is."""
    role, bits = slot.role, slot.bits
    if form.entry.format == "VOP3P":
        return "" if asks else packed(form, slot, n, fields)
    text = role
    if f"src{n}_sel" in fields and not OF_BYTES.fullmatch(form.entry.name):
        known[role] = 32
        text = selected(role, fields[f"src{n}_sel"], fields.get(f"sext_{role}", 0), bits)
    elif not asks and bits == 16 and fields.get("op_sel", 0) >> n & 1:
        known[role] = 32
        text = f"{role}[31:16]"
    if fields.get(f"abs_{role}", 0):
        text = f"({text} & {(1 << bits - 1) - 1:#x})"
    if fields.get(f"neg_{role}", 0):
        text = f"({text} ^ {1 << bits - 1:#x})"
    return "" if text == role else text


def selected(role: str, select: int, signed: int, bits: int) -> str:
    """A part of a register, as wide as the operand."""
    at, width = SELECTS.get(select, (0, 32))
    part = role if width == 32 else f"{role}[{at + width - 1}:{at}]"
    if width == 32:
        return part if bits == 32 else f"{role}[{bits - 1}:0]"
    if width >= bits:
        return part if width == bits else f"{role}[{at + bits - 1}:{at}]"
    return f"i{bits}({part}.i).u" if signed else f"u{bits}({part})"


def packed(form: Form, slot: Slot, n: int, fields: Mapping[str, int]) -> str:
    """Two halves of a source, each with its sign."""
    if not is_packed(form):
        return ""
    half = slot.bits // 2 if slot.bits >= 32 else 16
    role = slot.role
    if slot.bits < 32 or scalar_source(form, role):
        return (
            f"({role} ^ {1 << slot.bits - 1:#x})" if floats(form) and fields.get("neg_lo", 0) >> n & 1 else ""
        )
    low, high = fields.get("op_sel", 0) >> n & 1, fields.get("op_sel_hi", 7) >> n & 1
    signs = (
        (0, 0) if not floats(form) else (fields.get("neg_lo", 0) >> n & 1, fields.get("neg_hi", 0) >> n & 1)
    )
    if (low, high, *signs) == (0, 1, 0, 0):
        return ""
    sign = f" ^ {1 << half - 1:#x}"
    parts = [
        f"{role}.u{half}[{which}]{sign if negative else ''}"
        for which, negative in zip((low, high), signs, strict=True)
    ]
    return f"cat({parts[1]}, {parts[0]})"


def scalar_source(form: Form, role: str) -> bool:
    """Is a source of a packed instruction one value? What a dot product adds to is."""
    return role == "S2" and "_DOT2" in form.entry.name


def floats(form: Form) -> bool:
    """Are the halves floats?"""
    return bool(re.search(r"_B?F(16|32)$", form.entry.name))


# -- results ---------------------------------------------------------------------------------------


def result(
    names: Names, fields: Mapping[str, int], asks: bool, known: dict[str, int], renamed: Mapping[str, str]
) -> str:
    """Statements that make the result of what the tree has left in d0_, "" for none."""
    slot = names.slots.get("D0")
    if slot is None or names.is_mask(slot) or names.scope != "lane" or slot.kind in ("lanedst", "sdst"):
        return ""
    if "src0_sel" in fields and OF_BYTES.fullmatch(names.form.entry.name):
        return ""
    steps: list[str] = []
    if fields.get("omod", 0) and slot.type == "f" and not PAIRS.fullmatch(names.form.entry.name):
        kind = f"f{slot.bits}"
        steps.append(f"d0_ = (d0_.{kind} * {OMOD[fields['omod']]}).u")
    if fields.get("clamp", 0) and "_MIX" not in names.form.entry.name:
        made = clamped(names, slot, fields, renamed)
        steps += [made] if made else []
    put = placed(names, slot, fields, asks, known)
    if not steps and not put:
        return ""
    return "; ".join([*steps, put or "D0 = d0_"])


def placed(names: Names, slot: Slot, fields: Mapping[str, int], asks: bool, known: dict[str, int]) -> str:
    """Where a result goes, if not into all of the register. On CDNA half a result clears the other half where
    the instruction has a short form, and keeps it where OP_SEL can choose. Source: CDNA4 ISA 6.2; LLVM.
    """
    if names.form.arch[:4] != "cdna" or slot.bits > 32 or slot.bits not in (8, 16, 32):
        return ""
    if "dst_sel" in fields:
        return part(slot.bits, fields["dst_sel"], fields.get("dst_unused", 0), known)
    if slot.bits == 32 or asks:
        return ""
    known["D0"] = 32
    if "op_sel" not in fields:
        return "D0 = u32(d0_)"
    return "D0[31:16] = d0_" if fields["op_sel"] >> 3 & 1 else "D0[15:0] = d0_"


def part(bits: int, select: int, unused: int, known: dict[str, int]) -> str:
    """A result in a byte or a half of a register: the others become 0, its sign, or stay."""
    known["D0"] = 32
    at, width = SELECTS.get(select, (0, 32))
    if width == 32:
        return "" if bits == 32 and not at else "D0 = u32(d0_)"
    kept = f"d0_[{width - 1}:0]" if width < bits else "d0_"
    if unused == 2:
        return f"D0[{at + width - 1}:{at}] = {kept}"
    wide = f"i32({kept}.i).u" if unused == 1 else f"u32({kept})"
    return f"D0 = {wide} << {at}" if at else f"D0 = {wide}"


def clamped(names: Names, slot: Slot, fields: Mapping[str, int], renamed: Mapping[str, str]) -> str:
    """A float between 0 and 1 (NaN is 0 if MODE.DX10_CLAMP is set), an integer in its type's range."""
    name = names.form.entry.name
    pair = PAIRS.fullmatch(name)
    if pair:
        kind = pair[1].lower()
        return "; ".join(clamp_float(f"d0_.{kind}[{n}]", f"d0_.{kind}[{n}]", kind, "") for n in (0, 1))
    if slot.type == "f":
        return clamp_float(f"d0_.f{slot.bits}", "d0_", f"f{slot.bits}")
    if is_packed(names.form) and floats(names.form):
        half = 32 if "_F32" in name and "DOT" not in name else 16
        if "DOT2_F32" in name:
            return clamp_float("d0_.f32", "d0_", "f32")
        return "; ".join(
            clamp_float(f"d0_.f{half}[{n}]", f"d0_.f{half}[{n}]", f"f{half}", "") for n in (0, 1)
        )
    if GROWS.match(name):
        return "d0_ = d0_ < S2 ? 0xFFFFFFFF : d0_"
    if re.match("V_M?QSAD_PK", name):
        return "for i < 4 { d0_.u16[i] = d0_.u16[i] < S2.u16[i] ? 0xFFFF : d0_.u16[i] }"
    dot = DOT.fullmatch(name)
    if dot:
        return clamp_dot(dot, fields, renamed, "S2" if "S2" in names.slots else "D0")
    for pattern, text in EXACT:
        match = re.fullmatch(pattern, name)
        if match:
            return clamp_integer(names, text, match[1].lower(), int(match[2]), renamed)
    return ""


def clamp_float(value: str, place: str, kind: str, to: str = ".u") -> str:
    """A float between 0 and 1."""
    return (
        f"y = {value}; y = (y > 0.0) ? ((y < 1.0) ? y : {kind}(1.0))"
        f" : ((y == y) | MODE[8]) ? {kind}(0.0) : y; {place} = y{to}"
    )


def in_range(kind: str, bits: int, place: str) -> str:
    """The integer t, cut to its type's range, at a place."""
    least = -(1 << bits - 1) if kind == "i" else 0
    most = least + (1 << bits) - 1
    return f"{place} = u{bits}((t > {most}) ? {most} : (t < {least}) ? {least} : t)"


def clamp_dot(match: re.Match[str], fields: Mapping[str, int], renamed: Mapping[str, str], first: str) -> str:
    """A dot product of integers, exactly; IU: NEG says which sources have a sign."""
    count, kind, bits = int(match[1]), match[2].lower(), int(match[4])
    signs = [match[3][0].lower()] * 2
    if match[3] == "IU":
        signs = ["ui"[fields.get("neg_lo", 0) >> n & 1] for n in (0, 1)]
    a, b = (renamed.get(role, role) for role in ("S0", "S1"))
    terms = [f"i160({a}.{signs[0]}{bits}[{n}]) * i160({b}.{signs[1]}{bits}[{n}])" for n in range(count)]
    return f"t = i160({first}.{kind}32) + {' + '.join(terms)}; {in_range(kind, 32, 'd0_')}"


def clamp_integer(names: Names, text: str, kind: str, bits: int, renamed: Mapping[str, str]) -> str:
    """An integer, computed once more with all its bits, in its type's range."""
    pair = "_PK_" in names.form.entry.name
    carry = "S2" if "S2" in names.slots and names.is_mask(names.slots["S2"]) else "VCC"
    steps = []
    for n in (0, 1) if pair else (None,):
        for letter, role in (("a", "S0"), ("b", "S1"), ("c", "S2")):
            if not re.search(rf"\b{letter}\b", text):
                continue
            wide = names.slots[role].bits
            at = f".{kind}{bits}[{n}]" if n is not None else f".{kind}{wide}"
            steps.append(f"{letter} = i160({renamed.get(role, role)}{at})")
        if "k" in text:
            steps.append(f"k = i160({carry})")
        place = "d0_" if n is None else f"d0_.u{bits}[{n}]"
        steps.append(f"t = {text}; {in_range(kind, bits, place)}")
    return "; ".join(steps)


# -- renaming --------------------------------------------------------------------------------------


def reads(tree: Tree, name: str) -> bool:
    """Does a tree read a variable, or set only a part of it, or set it only under a condition?"""
    whole = [
        each for each in tree if each.op == "set" and each.src[0].op == "var" and each.src[0].arg == name
    ]
    places = {id(each.src[0]) for each in whole}
    return not whole or any(
        node.op == "var" and node.arg == name and id(node) not in places for node in walk(tree)
    )


def rename(node: Node, names: Mapping[str, str]) -> Node:
    """A tree with other names for some variables."""
    if node.op == "var" and node.arg in names:
        return Node("var", node.type, (), names[node.arg])
    if not node.src:
        return node
    return Node(node.op, node.type, tuple(rename(each, names) for each in node.src), node.arg)

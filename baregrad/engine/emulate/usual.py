"""Which templates compilers use: rows of forms, kinds of operands and modifiers, and instructions made of
them.

An instruction here stands for all that share its template: its registers are any that the form takes. The
rows are by what LLVM chooses (the short form where there is one, a scalar register or a constant where it
saves an instruction), checked on kernels of Triton: docs/notes/fast-emulation.md has how many of their
templates are among these. What is not here: how templates are compiled (templates.py), how they are kept
(shipped.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from baregrad.base import memo
from baregrad.base.errors import CompileError, DTypeError, EncodingError
from baregrad.emu.amd import Layout
from baregrad.engine.emulate.operands import bind
from baregrad.engine.emulate.templates import Known, Meant, compiled, known, text_of
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Given, Inst
from baregrad.isa.amd.layout import Form, Slot, take
from baregrad.isa.amd.make import make
from baregrad.isa.amd.meaning import key_of, meaning_of
from baregrad.isa.amd.operands import NULL, Changed, Literal, Operand, Reg, codes, family, table
from baregrad.lift.amd import Place
from baregrad.render import Program
from baregrad.target import Target

LITERAL = Literal(0x3F800001)
APART = 32
"""Vector registers from an operand to the next one: as many as the widest has."""
SCALAR = 16
"""The scalar register that all operands have: there may be one at most in a vector instruction of CDNA."""


class Row(NamedTuple):
    """Instructions of some forms: those whose encoding is one of a list and whose name is matched.

    `kinds` are the kinds that the sources which may be of several have, a letter each: v a vector register, h
    the upper half of one, s scalar, c a constant; "" for all there are. `changed` are sources with a sign
    changed or left out (-0: S0 has its sign changed; |1: S1 is without), `given` are modifiers.
    """

    encodings: str
    names: str
    kinds: str = ""
    changed: str = ""
    given: tuple[tuple[str, Given], ...] = ()


UNUSUAL = ("idxen", "tfe")
ONE = ("fixed", "literal")
ELSEWHERE = r"(?!.*(cube|mullit|sad_|lerp|trig_preop|legacy|dx9_zero|interp|norm_|pkaccum|dot2acc))"
"""Not what graphics alone has."""
TRIVIAL = r"(?!v_cmpx?_(f|t|tru)_)"
"""Not comparisons whose result is known."""
TWO = "vv vs sv vc cv "
SCALAR_PAIRS = "sc cs ss "
HALVES = "hv vh hh hc ch "
THREE = "vvv vvs vsv svv vvc vcv cvv vcc "
MORE = THREE + "vss svs ssv vsc vcs svc cvs scv csv cvc ccv"
COMPARED = r"v_cmpx?_(lt|gt|le|ge|eq|lg|neq|nlt|ngt|nle|nge|nlg|o|u)_f(32|64)_e64"
FLOATS = r"v_(add|sub|subrev|mul|max|min)_f(32|64)(_e64)?"
FUSED = r"v_fma_f(32|64)"
CHAINS = (
    FUSED + r"|v_(mad_[iu]32_[iu](16|24)|mad_[iu]64_[iu]32|add3_u32|(lshl_add|add_lshl|xad)_u(32|64)|perm_b32"
    r"|bfe_[iu]32|(bfi|and_or|or3|xor3|lshl_or|alignbit)_b32)"
)
WITHOUT = r"(?!v_(cmp|cndmask|readlane|writelane))"
DPP: tuple[tuple[str, Given], ...] = (("dpp", 0x111),)
A, B, C = 0xF0, 0xCC, 0xAA
LOGIC = sorted({
    table
    for x, y, z in ((A, B, C), (B, C, A), (C, A, B))
    for table in (x & y & z, x | y | z, x ^ y ^ z, (x & y) | z, (x | y) & z, (x ^ y) & z, (x & y) ^ z,
                  (x ^ y) | z, (x | y) ^ z, x & y & ~z, x & ~y & ~z, (x | y) & ~z, (x ^ y) & ~z, (x & ~y) | z,
                  (x & ~z) | y)
})  # fmt: skip
"""Truth tables of two operations on three sources."""

BOTH = (
    Row("SOP1 SOP2 SOPC SOPK", ".*"),
    Row("SMEM", r"s_(buffer_)?load_.*"),
    Row("VOP1 VOP2", ELSEWHERE + ".*"),
    Row("VOPC", TRIVIAL + r"v_(cmp_.*|cmpx_.*[fiub](32|64)_e32)"),
    Row("GLOBAL FLAT SCRATCH DS", ".*"),
    Row("VOP3 VOP3A", TRIVIAL + r"v_cmp_.*_e64", TWO + HALVES),
    Row("VOP3 VOP3A", WITHOUT + r"v_.*_e64", "vs vc sc cs vvs vvc"),
    Row("VOP3 VOP3A", r"v_mbcnt.*|v_cmp_.*[iu]32_e64", SCALAR_PAIRS),
    Row("VOP3 VOP3A", ELSEWHERE + WITHOUT + r"(?!.*_e64).*", "v s c " + TWO + THREE),
    Row("VOP3 VOP3A", CHAINS, MORE),
    Row("VOP3 VOP3A", r"v_(readlane|writelane|cndmask)_b32(_e64)?"),
    *(Row("VOP3 VOP3A", COMPARED, kinds, one) for kinds, one in (("vv vs vc", "|0"), ("vv sv cv", "|1"))),
    *(Row("VOP3 VOP3A", FLOATS, "vv vs vc", one) for one in ("-0", "|0")),
    *(Row("VOP3 VOP3A", FLOATS, "vv sv cv", one) for one in ("-1", "|1")),
    *(Row("VOP3 VOP3A", FLOATS, "vv", one) for one in ("|0 |1", "-0 -1")),
    *(Row("VOP3 VOP3A", FUSED, MORE, one) for one in ("-0", "-2", "|0", "|2")),
    *(Row("VOP3 VOP3A", FUSED, THREE, one) for one in ("-1", "|1", "|0 |2", "-0 -2")),
    *(Row("VOP3 VOP3A", r"v_cndmask_b32_e64", "", one) for one in ("-0", "-1")),
    Row("VOP3 VOP3A", r"v_(add|sub)(_nc)?_[iu](16|32)(_e64)?", TWO, given=(("clamp", True),)),
    Row("VOP1+DPP16 VOP1+DPP", r"v_(mov|cvt)_.*", given=DPP),
    Row("VOP2+DPP16 VOP2+DPP", ELSEWHERE + ".*", given=DPP),
)
"""What compilers use on all chips."""

OF = {
    "rdna": (
        Row("VOPD", ELSEWHERE + ".*"),
        Row("VOP3", r"(?!v_cmp)v_(.*_[fiub]16(_[fiu]\d+)?|cvt_[fiub]16_.*)_e64", "v h c vv vh hv hh vc cv"),
        Row("VOP3", r"v_.*_[fiub]16", HALVES),
        Row("VOP3", r"v_cndmask_b16"),
        Row("VOP3", r"v_permlanex?16_b32"),
        Row("VOP3", r"v_permlanex?16_b32", given=(("op_sel", 1),)),
        Row("VOP3SD", ".*", TWO + SCALAR_PAIRS + THREE),
        Row("VOP3SD", CHAINS + "|v_div_scale.*", MORE),
        *(
            Row("VOP3P", r"v_fma_mix.*", "vvv vvc vsv", one, (("op_sel_hi", n),))
            for n in range(8) for one in ("", "-2")
        ),
        Row("VOP3P", ".*", "v c vv vs sv vc cv " + THREE),
        *(Row("VOP3P", r"v_wmma_.*_iu[48]", given=(("neg_lo", n),)) for n in (1, 2, 3)),
        Row("MUBUF", r"buffer_((load|store|atomic)_(?!.*(format|lds)).*|gl[01]_inv)"),
    ),
    "cdna": (
        Row("VOP3B", ".*", TWO + SCALAR_PAIRS + THREE),
        Row("VOP3B", CHAINS + "|v_div_scale.*", MORE),
        *(Row("VOP3A", r"v_bitop3_b32", MORE, given=(("bitop3", n),)) for n in LOGIC),
        Row("VOP3P", "v_(?!s?mfma).*", "v s c " + TWO + THREE),
        Row("VOP3P", "v_s?mfma.*"),
        *(
            Row("VOP3P", r"v_pk_(mul|add)_f32", TWO, given=(("op_sel", low), ("op_sel_hi", high)))
            for low in range(4) for high in range(4)
        ),
        *(Row("VOP3P", r"v_pk_mov_b32", TWO, given=(("op_sel", low),)) for low in range(4)),
        *(
            Row("VOP3P", r"v_pk_(add|mul)_f32", TWO,
                given=(("op_sel_hi", high), ("neg_lo", n), ("neg_hi", n)))
            for high in range(4) for n in (1, 2)
        ),
        *(
            Row("VOP3P", r"v_pk_fma_f32", "vvv svv vsv vvs",
                given=(("op_sel_hi", high), ("neg_lo", n), ("neg_hi", n)))
            for high in range(8) for n in (0, 4)
        ),
        *(
            Row("VOP3P", r"v_mfma_scale.*", given=(("cbsz", f), ("blgp", f), ("op_sel", n), ("op_sel_hi", m)))
            for f in (0, 4) for n in (0, 3) for m in (0, 3)
        ),
        Row("MUBUF", r"buffer_((load|store|atomic)_(?!.*(format|lds)).*|wbl2|inv)"),
    ),
}  # fmt: skip
"""What compilers use on chips of a family."""


def usual(arch: str) -> Iterator[Inst]:
    """The instructions whose templates are wanted; several may have the same one."""
    for form in forms(arch):
        yield from of_form(form)


def of_form(form: Form) -> Iterator[Inst]:
    """Those of a form."""
    if form.sizes is not None or unusual(form):
        return
    for row, encodings, names in rows(family(form.arch)):
        if form.encoding in encodings and names.fullmatch(form.name):
            yield from of_row(form, row)


@memo
def rows(fam: str) -> tuple[tuple[Row, list[str], re.Pattern[str]], ...]:
    """The rows of a family, with their encodings and what matches names."""
    return tuple((row, row.encodings.split(), re.compile(row.names)) for row in (*BOTH, *OF[fam]))


def unusual(form: Form) -> bool:
    """Does a form fix a modifier that is hardly used?"""
    return any(take(one.where, form.value & form.mask) for one in form.modifiers if one.name in UNUSUAL)


def of_row(form: Form, row: Row) -> Iterator[Inst]:
    """The instructions of a form that a row has; those that break a rule of the form are left out."""
    kinds = row.kinds.split()
    for chosen in product(*(choices(form, slot, at) for at, slot in enumerate(form.slots))):
        letters = "".join(letter for letter, _ in chosen)
        operands = changed(form, tuple(operand for _, operand in chosen), row.changed)
        if operands is None or (kinds and letters and letters not in kinds):
            continue
        try:
            yield make(form, operands, dict(row.given))
        except EncodingError:
            continue


def choices(form: Form, slot: Slot, at: int) -> tuple[tuple[str, Operand], ...]:
    """The operands that stand for the kinds of a slot, each with its letter; without one where there is no
    choice among sources.
    """
    if slot.kind in ONE or slot.kind in SYNTAX:
        return (("", {"fixed": slot.fixed, "literal": LITERAL}.get(slot.kind, 1)),)
    fam = family(form.arch)
    known = codes(fam, slot.kind, slot.registers)
    first = APART * at + (slot.role[-1] == "Y")
    found: list[tuple[str, Operand]] = []
    for letter, reg in candidates(first, slot.registers):
        if reg in known or (reg.half and slot.half >= 0 and reg._replace(half="l") in known):
            found.append((letter, reg))
    if 1 in table(fam, slot.kind, slot.registers):
        found.append(("c", 1))
    if slot.role == "D1" and NULL in known:
        return (("", found[0][1]), ("", NULL))
    if not slot.read or slot.written:
        return tuple(("", one) for letter, one in found if letter in ("v", "h")) or (("", found[0][1]),)
    return tuple(found) if len(found) > 1 else (("", found[0][1]),)


@memo
def candidates(first: int, size: int) -> tuple[tuple[str, Reg], ...]:
    """A register of each kind."""
    return (
        ("v", Reg("v", first, size)), ("v", Reg("v", first, size, "l")), ("h", Reg("v", first, size, "h")),
        ("v", Reg("a", first, size)), ("s", Reg("s", SCALAR, size)),
    )  # fmt: skip


def changed(form: Form, operands: tuple[Operand, ...], changes: str) -> tuple[Operand, ...] | None:
    """Operands with signs changed; None where a source has none, or is no register."""
    found = list(operands)
    for change in changes.split():
        at = next((n for n, slot in enumerate(form.slots) if slot.role == f"S{change[-1]}"), -1)
        if at < 0:
            return None
        one, slot = found[at], form.slots[at]
        value, old = (one.value, one) if isinstance(one, Changed) else (one, Changed(1))
        if not isinstance(value, Reg) or (slot.neg if change[0] == "-" else slot.abs) < 0:
            return None
        found[at] = Changed(value, neg=old.neg or change[0] == "-", abs=old.abs or change[0] == "|")
    return tuple(found)


class Recipe(NamedTuple):
    """What a template is compiled of."""

    name: str
    meant: Meant
    places: tuple[Place, ...]

    def made(self, layout: Layout, target: Target) -> Program | None:
        """The template, None where there can be none: the witness does such instructions."""
        try:
            return compiled(self.name, self.meant, self.places, layout, target)
        except (CompileError, DTypeError, EncodingError):
            return None


def recipes(insts: Iterable[Inst], layout: Layout) -> dict[str, Recipe]:
    """What the templates of instructions are compiled of, by their keys (templates.text_of)."""
    found: dict[str, Recipe] = {}
    for inst in insts:
        what = None if inst.effects.control else known(inst, meaning_of)
        if not isinstance(what, Known):
            continue
        try:
            places = bind(inst, what.meant.scope, what.meant.variables, layout, what.memory).places
        except CompileError:
            continue
        found.setdefault(
            text_of(key_of(inst), places, layout.lanes), Recipe(inst.form.name, what.meant, places)
        )
    return found


__all__ = ["Recipe", "of_form", "recipes", "usual"]

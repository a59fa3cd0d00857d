"""What instructions of AMD's chips do, as trees of isa/meaning: the manuals' bodies, typed, and rows of ours.

`meaning` gives a form's tree without modifiers, `meaning_of` an instruction's with them; what variables are
is in docs/notes/meanings.md. Rows of ours (rows_*.py) go before the manual. Read typing.py, then values.py
and statements.py (the translator), functions.py (its functions), addresses.py (memory).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from baregrad.base import memo
from baregrad.isa.amd.archs import tables
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Form, take
from baregrad.isa.amd.meaning.addresses import Access
from baregrad.isa.amd.meaning.bodies import mended
from baregrad.isa.amd.meaning.functions import FUNCTIONS
from baregrad.isa.amd.meaning.modifiers import defaults, fields_of, wrapped
from baregrad.isa.amd.meaning.names import REGISTERS, Names
from baregrad.isa.amd.meaning.rows_given import Refused, tree_of, widths_of
from baregrad.isa.amd.meaning.rows_local import local_load
from baregrad.isa.amd.meaning.rows_ours import ours
from baregrad.isa.amd.meaning.rows_pairs import pair
from baregrad.isa.amd.meaning.rows_vector import vector
from baregrad.isa.amd.meaning.statements import translate
from baregrad.isa.amd.meaning.typing import Untyped, untyped
from baregrad.isa.amd.operands import Reg
from baregrad.isa.meaning import Tree, parse, walk, written
from baregrad.isa.pseudocode import walk as nodes_of

MATRIX = re.compile(r"V_(S?MFMA|WMMA)")
FIXED = ("offen", "idxen", "tfe")  # modifiers whose bits a form fixes


class Meaning(NamedTuple):
    """What an instruction does: `scope` is "scalar" (once a wave), "lane" (once for each lane of EXEC) or
    "wave" (once, over whole registers); `variables` are the names from outside with their bits; `action` is
    what the machine does when the tree is done (rows_given.ACTIONS).
    """

    tree: Tree
    scope: str
    variables: dict[str, int]
    action: str = ""


def meaning(form: Form) -> Meaning | None:
    """The meaning of a form without modifiers; None where there is none (`explained` says why)."""
    found = explained(form)
    return found if isinstance(found, Meaning) else None


def meaning_of(inst: Inst) -> Meaning | None:
    """The meaning of an instruction with its modifiers; None where there is none (`explained` says why)."""
    found = explained(*key_of(inst))
    return found if isinstance(found, Meaning) else None


def key_of(inst: Inst) -> tuple[Form, tuple[tuple[str, int], ...], bool]:
    """What a meaning depends on: form, modifiers by name, whether S2 of a matrix product is a constant."""
    form = inst.form
    usual = defaults(form)
    found = tuple((name, n) for name, n in fields_of(form, inst.word).items() if n != usual.get(name, 0))
    return form, found, MATRIX.match(form.entry.name) is not None and not is_register(inst)


def is_register(inst: Inst) -> bool:
    """Is S2 a register?"""
    operands = zip(inst.form.slots, inst.operands, strict=True)
    return any(slot.role == "S2" and isinstance(one, Reg) for slot, one in operands)


@memo
def explained(form: Form, changed: tuple[tuple[str, int], ...] = (), constant: bool = False) -> Meaning | str:
    """The meaning of a form with these modifiers other than usual, or why there is none."""
    fields = defaults(form) | fixed(form) | dict(changed)
    given = ours(form, fields, constant)
    if isinstance(given, Refused):
        return given.reason
    if given is not None:
        tree, variables = tree_of(given, form)
        return Meaning(tree, given.scope, variables, given.action)
    both = pair(form, meaning) or local_load(form, meaning)
    if both is not None:
        return Meaning(both[0], "lane", both[1])
    if fields.get("gds", 0):
        return "global data share: no machine here has it"
    names = Names(form, asked(fields))
    names.memory = Access(names)
    try:
        tree, inner = unmodified(names, fields)
    except Untyped as error:
        return str(error).partition("\n")[0]
    around = (*wrapped(tree, names, fields, asks(names)), *status(form, fields))
    used = {node.arg for node in walk(around) if node.op == "var"}
    own = inner | {place for place in written(around) if place not in outer(names)}
    return Meaning(
        around, names.scope, {name: bits for name, bits in outside(around, own).items() if name in used}
    )


def fixed(form: Form) -> dict[str, int]:
    """Modifiers whose bits the form fixes."""
    return {one.name: take(one.where, form.value) for one in form.modifiers if one.name in FIXED}


def status(form: Form, fields: Mapping[str, int]) -> Tree:
    """With TFE a last register says that nothing failed. Source: RDNA3 ISA 9.1.2"""
    if not fields.get("tfe", 0):
        return ()
    bits = next(slot.bits for slot in form.slots if slot.role == "VDATA")
    return parse(f"VDATA[{bits - 1}:{bits - 32}] = 0", {"VDATA": bits})


def unmodified(names: Names, fields: Mapping[str, int]) -> tuple[Tree, frozenset[str]]:
    """The tree of a form, of ours or the manual's, and the names of its own. Errors: Untyped."""
    form = names.form
    given = vector(form, fields)
    if given is None:
        code = tables(form.arch).tree(form.entry)
        if code is None:
            raise untyped("the manual has no body", form.entry.name)
        return translate(mended(form, code), names)
    known = widths_of(form) | {name: names.bits(name) for name in names.slots}
    if names.scope == "lane":
        known |= {"EXEC": 1, "VCC": 1}
    tree = parse(given.text, known, FUNCTIONS)
    return tree, written(tree) - frozenset(known)


def asked(fields: Mapping[str, int]) -> dict[str, int]:
    """The modifiers that bodies ask for by their own names."""
    return {
        "OPSEL": fields.get("op_sel", 0), "OPSEL_HI": fields.get("op_sel_hi", 0),
        "NEG": fields.get("neg_lo", 0),
        "OFFEN": fields.get("offen", 0), "IDXEN": fields.get("idxen", 0),
        "SDWA_SRC0_SEL": fields.get("src0_sel", 6), "BYTE1": 1, "BYTE2": 2, "BYTE3": 3,
        "WORD1": 1,  # 5, of which bodies ask two bits
    }  # fmt: skip


def asks(names: Names) -> bool:
    """Does a body look at OP_SEL itself?"""
    code = tables(names.form.arch).tree(names.form.entry)
    return code is not None and any(part in ("OPSEL", "OPSEL_HI") for node in nodes_of(code) for part in node)


def outer(names: Names) -> frozenset[str]:
    """What may be set outside: operands and registers."""
    return frozenset(names.slots) | frozenset(REGISTERS)


def outside(tree: Tree, inner: frozenset[str]) -> dict[str, int]:
    """The variables of a tree that are not its own, with their bits."""
    found: dict[str, int] = {}
    for node in walk(tree):
        if node.op == "var" and node.arg not in inner:
            found.setdefault(node.arg, node.t.bits)
    return found


__all__ = ["Meaning", "explained", "key_of", "meaning", "meaning_of"]

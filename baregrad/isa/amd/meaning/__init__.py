"""What instructions of AMD's chips do, as trees of isa/meaning: the manuals' bodies, typed, and rows of ours.

`meaning` gives a form's tree without modifiers, `meaning_of` an instruction's with them; what variables are
is in docs/notes/emulator.md. Rows of ours (rows_*.py) go before the manual. Read typing.py, then values.py and
statements.py (the translator), functions.py (its functions), addresses.py (memory).
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.base import memo
from baregrad.isa.amd.archs import tables
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.addresses import Access
from baregrad.isa.amd.meaning.names import Names
from baregrad.isa.amd.meaning.rows_given import Refused, tree_of
from baregrad.isa.amd.meaning.rows_ours import ours
from baregrad.isa.amd.meaning.statements import translate
from baregrad.isa.amd.meaning.typing import Untyped
from baregrad.isa.meaning import Tree, walk


class Meaning(NamedTuple):
    """What an instruction does: `scope` is "scalar" (once a wave), "lane" (once for each lane of EXEC) or "wave"
    (once, over whole registers); `variables` are the names from outside with their bits; `action` is what the
    machine does when the tree is done (rows_given.ACTIONS).
    """

    tree: Tree
    scope: str
    variables: dict[str, int]
    action: str = ""


def meaning(form: Form) -> Meaning | None:
    """The meaning of a form without modifiers; None where there is none (`explained` says why)."""
    found = explained(form)
    return found if isinstance(found, Meaning) else None


@memo
def explained(form: Form) -> Meaning | str:
    """The meaning of a form without modifiers, or why there is none."""
    given = ours(form, {})
    if isinstance(given, Refused):
        return given.reason
    if given is not None:
        tree, variables = tree_of(given, form)
        return Meaning(tree, given.scope, variables, given.action)
    code = tables(form.arch).tree(form.entry)
    if code is None:
        return "the manual has no body"
    names = Names(form, {})
    names.memory = Access(names)
    try:
        tree, inner = translate(code, names)
    except Untyped as error:
        return str(error).partition("\n")[0]
    return Meaning(tree, names.scope, outside(tree, inner))


def outside(tree: Tree, inner: frozenset[str]) -> dict[str, int]:
    """The variables of a tree that are not its own, with their bits."""
    found: dict[str, int] = {}
    for node in walk(tree):
        if node.op == "var" and node.arg not in inner:
            found.setdefault(node.arg, node.t.bits)
    return found


__all__ = ["Meaning", "explained", "meaning"]

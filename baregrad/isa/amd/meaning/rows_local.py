"""Buffer loads into local memory: the load into registers, and then the store to the lane's place.

Source: CDNA4 ISA 9.1.9. What is not here: global and scratch loads of this kind (rows_memory.py), addresses
of buffers (addresses.py).
"""

from __future__ import annotations

from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.rows_given import Given, tree_of
from baregrad.isa.amd.meaning.rows_memory import LOADED, into_local
from baregrad.isa.amd.meaning.rows_pairs import Lookup, named
from baregrad.isa.meaning import Tree

VALUE = "v"


def local_load(form: Form, meaning: Lookup) -> tuple[Tree, dict[str, int]] | None:
    """The tree of a buffer load into local memory, and the width of every variable from outside; None for
    other forms, and where the load into registers has no meaning.
    """
    twin = into_registers(form)
    if twin is None:
        return None
    whole = meaning(twin)
    if whole is None:
        return None
    size = form.entry.name.removeprefix("BUFFER_LOAD_")
    size = size if size in LOADED else "DWORD"
    bits = 8 * LOADED[size][2]
    last = Given("lane", f"{VALUE} = u{bits}(0); {into_local(size)}", "", widths=((VALUE, bits),))
    after, outside = tree_of(last, form)
    renamed = {"VDATA": VALUE}
    tree = tuple(named(each, renamed, whole.variables, "") for each in whole.tree)
    variables = {**whole.variables, **outside}
    return (after[0], *tree, *after[1:]), {
        name: n for name, n in variables.items() if name not in ("VDATA", VALUE)
    }


def into_registers(form: Form) -> Form | None:
    """The form that loads the same into registers; None for forms that are no loads into local memory."""
    marks = [one for one in form.modifiers if one.name == "lds"]
    roles = {slot.role for slot in form.slots}
    if form.entry.format != "MUBUF" or not marks or "VDATA" in roles:
        return None
    for other in forms(form.arch, form.wave):
        if other.entry.name == form.entry.name and "VDATA" in {slot.role for slot in other.slots}:
            here = [slot for slot in other.slots if slot.role != "VDATA"]
            if here == list(form.slots) and fixed(other) == fixed(form):
                return other
    return None


def fixed(form: Form) -> list[int]:
    """Which parts of an address the form has."""
    return [
        form.value >> low & 1
        for one in form.modifiers
        if one.name in ("offen", "idxen")
        for low, _ in one.where
    ]

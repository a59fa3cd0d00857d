"""Pairs of RDNA3 (VOPD): two instructions at once, each of which is there on its own.

Both read what was there before, so that their trees stand one behind the other over different variables: S0X,
S1X and DX for the one, S0Y, S1Y and DY for the other. Source: RDNA3 ISA 7.6. What is not here: single
instructions (the manual's bodies).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.layout import Form
from baregrad.isa.meaning import Node, Tree, parse

DOT = """D0 = (D0.f32 + f32(S0.bf16[0]) * f32(S1.bf16[0])).u
    ; D0 = (D0.f32 + f32(S0.bf16[1]) * f32(S1.bf16[1])).u"""
MISSING = {"DOT2ACC_F32_BF16": DOT}
"""Halves that are no instruction on their own: as V_DOT2ACC_F32_F16, with the other type."""


class Whole(Protocol):
    """A meaning of a single instruction."""

    @property
    def tree(self) -> Tree:
        """What it does."""

    @property
    def variables(self) -> Mapping[str, int]:
        """Names from outside."""


class Lookup(Protocol):
    """Who knows single instructions."""

    def __call__(self, form: Form) -> Whole | None:
        """The meaning of a form."""


def pair(form: Form, meaning: Lookup) -> tuple[Tree, dict[str, int]] | None:
    """The tree of a pair, and the width of every variable from outside; None for what is no pair."""
    names = form.name.split(" :: ")
    if len(names) != 2:
        return None
    tree: list[Node] = []
    variables: dict[str, int] = {}
    for name, half in zip(names, "XY", strict=True):
        one, outside = single(name.removeprefix("v_dual_"), meaning)
        renamed = {role: role[:2] + half for role in ("S0", "S1")} | {"D0": f"D{half}"}
        tree += (named(node, renamed, outside, half) for node in one)
        variables |= {renamed.get(role, role): bits for role, bits in outside.items()}
    return tuple(tree), variables


def single(name: str, meaning: Lookup) -> tuple[Tree, Mapping[str, int]]:
    """The tree of a half as an instruction of its own."""
    if name.upper() in MISSING:
        widths = {"D0": 32, "S0": 32, "S1": 32}
        return parse(MISSING[name.upper()], widths), widths
    forms = by_name("rdna3")
    found = meaning(forms.get(f"v_{name}_e32", forms.get(f"v_{name}", ()))[0])
    assert found is not None, f"v_{name} has a meaning"
    return found.tree, found.variables


def named(node: Node, renamed: Mapping[str, str], outside: Mapping[str, int], half: str) -> Node:
    """A tree with other names: operands as said, those of its own with the half's letter."""
    arg = node.arg
    if node.op == "var":
        arg = renamed.get(arg, arg if arg in outside or not half else f"{arg}_{half}")
    return Node(node.op, node.type, tuple(named(each, renamed, outside, half) for each in node.src), arg)

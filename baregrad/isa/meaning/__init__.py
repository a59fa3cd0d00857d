"""The language in which instructions say what they do: trees, their text, their arithmetic, their order.

Read tree.py first. The meanings of x86's rows are in isa/x86/meanings.py; `emu` and `lift` run them.
"""

from __future__ import annotations

from baregrad.isa.meaning.listing import listing
from baregrad.isa.meaning.text import Function, called, parse, show
from baregrad.isa.meaning.tree import I32, OPS, U1, U64, Node, Tree, Type, const, type_of, walk, written
from baregrad.isa.meaning.values import FLOATS, apply, decode, encode, is_nan, nan_of
from baregrad.isa.meaning.worlds import World, run

__all__ = [
    "FLOATS",
    "I32",
    "OPS",
    "U1",
    "U64",
    "Function",
    "Node",
    "Tree",
    "Type",
    "World",
    "apply",
    "called",
    "const",
    "decode",
    "encode",
    "is_nan",
    "listing",
    "nan_of",
    "parse",
    "run",
    "show",
    "type_of",
    "walk",
    "written",
]

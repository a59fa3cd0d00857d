"""KERNEL structure: loops of one step, masks that are known, loads that never happen."""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.dtype import int64
from baregrad.ir import ops
from baregrad.ir.match import Rules, rules
from baregrad.ir.pattern import any_, const, of, select
from baregrad.ir.rules.masks import narrowed_offset
from baregrad.ir.uop import UOp, is_const
from baregrad.ir.uop import const as constant

c = const("c")
x, y, m = any_("x"), any_("y"), any_("m")


def open_loops(root: UOp) -> UOp | None:
    """REDUCE and END without the loops that have become constants."""
    loops = tuple([loop for loop in root.src[1:] if loop.op is not ops.CONST])
    if len(loops) == len(root.src) - 1:
        return None
    if root.op is ops.REDUCE and not loops:
        return root.src[0]
    return root.rebuild((root.src[0], *loops))


def never_loaded(root: UOp) -> UOp | None:
    """A load whose mask is false."""
    address = root.src[0]
    off = address.op is ops.INDEX and len(address.src) == 3 and is_const(address.src[2], False)
    return constant(0, root.dtype) if off else None


@memo
def table() -> Rules:
    """The table."""
    # fmt: off
    return rules("loops", [
        # name           pattern                       result
        ("one_step",     of(ops.RANGE, const("c", int64)), lambda root, c: constant(0, root.dtype) if c == 1
        else None),
        ("end",          of(ops.END),                  open_loops),
        ("reduce",       of(ops.REDUCE),               open_loops),
        ("index_mask",   of(ops.INDEX, x, y, True),    of(ops.INDEX, x, y)),
        ("narrowed",     of(ops.INDEX, x, y, m),       narrowed_offset),
        ("select_load",  select(m, of(ops.LOAD, of(ops.INDEX, x, y, m), name="load"), 0), any_("load")),
        ("load_off",     of(ops.LOAD),                 never_loaded),
    ])
    # fmt: on

"""Addresses under a mask: what the mask says of loop counters makes divisions and remainders go.

Where a mask is false its address is never used. So below `0 < x & x < 9` x is a counter with those
bounds: it is put in place of x, the address is simplified, and x is put back. Kept only if divisions or
remainders have gone. Not so within the loads that an address is made of.
"""

from __future__ import annotations

from baregrad.dtype import int64
from baregrad.ir import ops
from baregrad.ir.bounds import bounds
from baregrad.ir.rewrite import rewrite, substitute
from baregrad.ir.rules import value
from baregrad.ir.rules.boolean import conditions
from baregrad.ir.rules.sums import Sum, sum_of
from baregrad.ir.uop import UOp, index, toposort

DIVISIONS = (ops.IDIV, ops.MOD)


def narrowed_offset(root: UOp) -> UOp | None:
    """INDEX(memory, offset, mask) with an offset that is right where the mask is true."""
    memory, offset, mask = root.src
    if offset.shape or offset.dtype is not int64 or mask.op is ops.CONST:
        return None
    before = _divisions(offset)
    if not before:
        return None
    narrow, back = _substitutions(mask)
    if not narrow:
        return None
    # A load in the offset is done in every lane, whatever the mask: it keeps its own.
    held = {node: node for node in toposort((offset,)) if node.op is ops.LOAD}
    (inner,) = rewrite((substitute(offset, {**narrow, **held}),), value.table())
    (after,) = rewrite((substitute(inner, back),), value.table())
    return UOp(ops.INDEX, root.dtype, (memory, after, mask)) if _divisions(after) < before else None


def _divisions(node: UOp) -> int:
    return sum(part.op in DIVISIONS for part in toposort((node,)))


def _substitutions(mask: UOp) -> tuple[dict[UOp, UOp], dict[UOp, UOp]]:
    """Atom -> expression of a narrower counter, and counter -> expression of atoms."""
    narrow: dict[UOp, UOp] = {}
    back: dict[UOp, UOp] = {}
    for node, (low, high) in _limits(mask).items():
        form = sum_of(node)
        least, most = bounds(node)
        if form is None or not form.fits() or low > high or (low <= least and high >= most):
            continue
        low, high = max(low, least), min(high, most)
        atom = next((a for a, f in form.terms.items() if f == 1 and a not in narrow), None)
        if atom is None or any(a in narrow for a in form.terms):
            continue
        counter = UOp(ops.RANGE, int64, (index(high - low + 1),), (len(narrow), "narrowed"))
        rest = Sum(int64, {a: -f for a, f in form.terms.items() if a is not atom}, low - form.constant)
        rest.put(counter, 1)
        narrow[atom] = rest.node()
        back[counter] = node + (-low)
    return narrow, back


def _limits(mask: UOp) -> dict[UOp, tuple[int, int]]:
    """Sum -> what the comparisons of a mask leave it."""
    found: dict[UOp, tuple[int, int]] = {}
    for part in conditions(mask):
        if part.op is not ops.CMPLT or part.src[0].dtype is not int64:
            continue
        a, b = part.src
        if b.op is ops.CONST:
            low, high = found.get(a, bounds(a))
            found[a] = (low, min(high, b.arg - 1))
        elif a.op is ops.CONST:
            low, high = found.get(b, bounds(b))
            found[b] = (max(low, a.arg + 1), high)
    return found

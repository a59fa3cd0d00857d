"""Counters of loops: values base + counter * step, with a base from outside of the loop, are counted
up by an addition instead of being computed in every iteration; where nothing else reads it, the
counter itself goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from baregrad import dtype as dt
from baregrad.ir import UOp, ops
from baregrad.isa.form import Imm, VReg
from baregrad.isa.x86 import form

if TYPE_CHECKING:
    from baregrad.render.x86.selector import Selector

MOST = 3  # registers that one loop may have for this, beside its counter


class Multiple(NamedTuple):
    """A value base + counter * step of a loop; no base is 0. `part` is the product in a sum."""

    node: UOp
    loop: UOp
    base: UOp | None
    step: int
    part: UOp | None = None


def factor(node: UOp) -> int:
    """The constant that a node multiplies a loop's counter with; 0 if it is no such product."""
    if (
        node.op not in (ops.MUL, ops.SHL)
        or node.src[0].op is not ops.RANGE
        or node.src[1].op is not ops.CONST
    ):
        return 0
    constant = int(node.src[1].arg)
    if node.op is ops.SHL:
        return 1 << constant if 0 <= constant < 20 else 0
    return constant if 0 < constant < 1 << 20 else 0


def candidates(state: Selector) -> dict[UOp, Multiple]:
    """Every value of the form, in the list's order; and how often a loop is named without its counter
    being read.
    """
    place: dict[UOp, int] = {}
    found: dict[UOp, Multiple] = {}
    for i, node in enumerate(state.uops):
        place[node] = i
        if node.op is ops.CARRY or node.op is ops.END:
            state.unread[node.src[0]] = state.unread.get(node.src[0], 0) + 1
        elif node.shape or node.dtype is not dt.int64 or node in state.lazy or node in state.gone:
            continue
        elif factor(node):
            found[node] = Multiple(node, node.src[0], None, factor(node))
        elif node.op is ops.ADD:
            for part, base in (node.src, node.src[::-1]):
                product = found.get(part)
                if product is None or product.base is not None or base.op is ops.CONST:
                    continue  # a constant is better added to an address
                if place[base] < place[product.loop]:
                    found[node] = Multiple(node, product.loop, base, product.step, part)
    return found


def find(state: Selector) -> None:
    """Choose what is counted up in each loop, and what need not be computed because of it."""
    found = candidates(state)
    sums: dict[UOp, list[UOp]] = {}
    for multiple in found.values():
        if multiple.part is not None:
            sums.setdefault(multiple.part, []).append(multiple.node)
    kept: set[UOp] = set()
    for node, multiple in found.items():
        known = state.multiples.setdefault(multiple.loop, [])
        if state.uses[node] > len(sums.get(node, ())) and len(known) < MOST:
            known.append(multiple)
            kept.add(node)
    for node, multiple in found.items():
        if multiple.base is None and node in kept:
            state.unread[multiple.loop] = state.unread.get(multiple.loop, 0) + 1
        elif multiple.base is None and state.uses[node] == sum(user in kept for user in sums.get(node, ())):
            state.unread[multiple.loop] = state.unread.get(multiple.loop, 0) + 1
            state.gone.add(node)


def begin(state: Selector, loop: UOp) -> list[tuple[VReg, int]]:
    """The counters of a loop at its start, with their steps; the first counts from 0."""
    multiples = state.multiples.get(loop, [])
    plain = [multiple for multiple in multiples if multiple.base is None]
    if not plain or state.uses.get(loop, 0) > state.unread.get(loop, 0):
        plain.insert(0, Multiple(loop, loop, None, 1))
    steps = []
    for multiple in plain + [m for m in multiples if m.base is not None]:
        counter = state.register("r64")
        if multiple.base is None:
            state.emit(form("mov", "r32", "imm32"), counter, Imm(0))
        else:
            state.copy(counter, state.value(multiple.base))
        state.values[multiple.node] = counter
        steps.append((counter, multiple.step))
    return steps

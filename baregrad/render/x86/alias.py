"""Which memory accesses of a kernel may touch the same bytes: what the ordering pass asks.

Different pointers of the argument block may be the same memory only where a kernel writes a new version of a
buffer over the old one; then each element is read before it is written there. So a load that stands after a
store through another pointer never sees what was stored and may come first; a store never passes a load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from baregrad.isa.form import Inst, Mem, Reg, VReg

WIDEST = 64  # bytes of one access at most


def memory_of(inst: Inst) -> Mem | None:
    """The memory operand of an instruction."""
    for value in inst.operands:
        if type(value) is Mem:
            return value
    return None


def alias(unsteady: Set[VReg], roots: Mapping[VReg, Reg | VReg]) -> Callable[[Inst, Inst], bool]:
    """The question for a kernel.

    `unsteady` are registers that change between accesses of one stretch; `roots` the pointers that others
    were computed from.
    """

    def root(base: Reg | VReg | None) -> Reg | VReg | None:
        """The pointer of the argument block, or rsp, that a base goes back to."""
        return roots.get(base, base) if isinstance(base, VReg) else base

    def may_touch(first: Inst, second: Inst) -> bool:
        """Whether two accesses, in this order, may touch the same bytes and one of them writes."""
        a, b = memory_of(first), memory_of(second)
        if a is None or b is None:
            return True
        if a.label is not None or b.label is not None:
            return False  # constants are never written
        if root(a.base) != root(b.base):
            stores = type(first.operands[0]) is Mem
            loads = type(second.operands[0]) is not Mem
            return not (stores and loads)
        if (
            a.base != b.base
            or a.index != b.index
            or a.scale != b.scale
            or a.index in unsteady
            or a.base in unsteady
        ):
            return True
        if isinstance(a.index, VReg) and a.index.bank == "vec":
            return True
        return abs(a.disp - b.disp) < WIDEST

    return may_touch

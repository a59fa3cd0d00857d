"""Selection: a LINEAR list becomes a MACHINE list over virtual registers, in one pass over the lines.

Here are the pass and the loops. A loop runs its body at least once (a size that is a value is
tested first); its counter goes up by one and is compared next to the branch, so that both fuse. A
carried value whose next value is its only user is changed in place, so that an accumulator needs no
moves; a carried offset is stepped at the end of the loop, after all addresses that read it. Read
selector.py first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from baregrad import dtype as dt
from baregrad.base.errors import CompileError, DTypeError
from baregrad.base.integers import align_up
from baregrad.ir import Op, UOp, ops
from baregrad.isa.form import Imm, Inst, Mem, VReg
from baregrad.isa.x86 import form
from baregrad.render.machine import label
from baregrad.render.x86 import address, counting, lanes, memory
from baregrad.render.x86.conventions import convention_of
from baregrad.render.x86.rows import constant_of
from baregrad.render.x86.selector import Loop, Selector
from baregrad.render.x86.template import VECTOR
from baregrad.target import Target


def select(uops: Sequence[UOp], target: Target, first: Selector | None = None) -> Selector:
    """The MACHINE list of a kernel's body, in the state's `out`, and the constants that it names, in `pool`.

    After a `first` one it is for the same program: no store streams, labels and pool are continued.

    Errors: CompileError for a line that nothing here can make code of.
    Cost: about 15 microseconds a line.
    """
    check_dtypes(uops, target)
    state = Selector(uops, target, first)
    prepare(state)
    begin(state)
    handlers = HANDLERS
    for node in uops:
        handler = handlers.get(node.op)
        if node in state.gone:
            continue
        if handler is not None:
            handler(state, node)
        elif node.op.elementwise:
            if not (node in state.lazy or node in state.late or node in state.values):
                state.select_row(node)
        else:
            raise CompileError(
                f"{node.op.name} in a LINEAR list for {target.name}",
                why="render.x86.select has no code for this op",
                mend="lower the graph first: see baregrad.lower",
            )
    return state


def check_dtypes(uops: Sequence[UOp], target: Target) -> None:
    """Refuse dtypes that the target does not compute with, and masks that no vector goes with."""
    for dtype in {node.dtype for node in uops}:
        if dtype.bits and not target.stores(dtype.name):
            raise DTypeError(
                f"{dtype} in a kernel for {target.name}",
                why=f"machine code computes with {', '.join(sorted(target.native_dtypes))}",
                mend="cast to float32 or int32",
            )
    for node in uops:
        if node.dtype is dt.bool_ and node.shape and node.shape[0] > target.max_lanes:
            raise CompileError(
                f"a bool vector of {node.shape[0]} lanes for {target.name}",
                why=f"render.x86: a mask has a lane for each 4 bytes of a vector, {target.max_lanes} in all",
                mend="use at most target.max_lanes lanes",
            )


def begin(state: Selector) -> None:
    """The arguments, and where each LOCAL lies on the stack."""
    state.block, state.grid = state.register("r64"), state.register("r64")
    move = form("mov", "r64", "r64")
    convention = convention_of(state.target)
    state.emit(move, state.block, convention.argument(0))
    if any(node.op is ops.GRID for node in state.uops):
        state.emit(move, state.grid, convention.argument(1))
    offset = 0
    for node in sorted((n for n in state.uops if n.op is ops.LOCAL), key=lambda n: int(n.arg[0])):
        state.local_offsets[node] = offset
        offset += align_up(node.arg[1] * node.dtype.itemsize, 64)


def prepare(state: Selector) -> None:
    """Find the values that are only parts of addresses, and the next values that take over carried
    registers.
    """
    state.lazy = address.find_lazy(state)
    address.find_splits(state)
    counting.find(state)
    carries = {(n.src[0], n.arg): n for n in state.uops if n.op is ops.CARRY}
    for end in state.uops:
        if end.op is not ops.END:
            continue
        direct = set(end.src[1:])
        for i, following in enumerate(end.src[1:]):
            carry = carries.get((end.src[0], i))
            if carry is None or carry in direct or carry not in following.src or not following.op.elementwise:
                continue
            if state.uses[carry] > 1:
                if state.uses[following] == 1 and steps(following, carry):
                    state.late.add(following)
                    state.lazy.discard(following)
                continue
            if following.dtype is not dt.bool_ and following not in state.carried:
                state.carried[following] = VReg(0, "", 0)  # CARRY puts its register here


def steps(following: UOp, carry: UOp) -> bool:
    """Whether a value is a carried integer plus or minus a constant."""
    if following.shape or following.dtype.bits != 64 or following.op not in (ops.ADD, ops.SUB):
        return False
    return following.src[0] is carry and following.src[1].op is ops.CONST


# -- loops -----------------------------------------------------------------------------------------


def open_loop(state: Selector, node: UOp) -> None:
    """RANGE: carried values in registers of their own, counters from 0, the label of the body."""
    state.bases.clear()
    if not state.loops:
        state.loop_start = len(state.out)
    constant = constant_of(node.src[0])
    carried = [first_value(state, value) for value in node.src[1:]]
    loop = Loop(node, Imm(0), state.label(), carried)
    if constant is None:
        size = state.value(node.src[0])
        loop.exit = state.label()
        state.emit(form("test", "r64", "r64"), size, size)
        state.emit(form("jle", "rel32"), loop.exit)
    loop.steps = counting.begin(state, node)
    loop.limit = limit_of(state, node.src[0], loop.steps[0][1])
    state.values.setdefault(node, loop.steps[0][0])
    state.loops.append(loop)
    if constant == 1:
        state.unsteady.update(carried)
    else:
        state.out.append(label(loop.body.name))


def limit_of(state: Selector, size: UOp, step: int) -> Imm | VReg:
    """What the first counter of a loop goes up to."""
    constant = constant_of(size)
    if constant is not None and constant * step < 1 << 31:
        return Imm(constant * step)
    if constant is not None:
        return state.constant(constant * step, size)
    if step == 1:
        return state.value(size)
    limit = state.register("r64")
    state.emit(form("imul", "r64", "r64", "imm32"), limit, state.value(size), Imm(step))
    return limit


def carried_kind(state: Selector, node: UOp) -> str:
    """The register kind of a carried value: without AVX-512 bool vectors have lanes of 4 bytes (8: two
    lanes).
    """
    if not state.wide and node.dtype is dt.bool_ and node.shape:
        return VECTOR[max(128, node.shape[0] * 32)]
    return state.place(node)


def carried_value(state: Selector, node: UOp) -> VReg:
    """A value as it is carried."""
    if not state.wide and node.dtype is dt.bool_ and node.shape:
        bits = max(128, node.shape[0] * 32)
        if constant_of(node) is not None:
            return lanes.constant_mask(state, bool(constant_of(node)), node.shape[0], bits)
        return lanes.resize_mask(state, state.value(node), node.shape[0], bits)
    return state.value(node)


def first_value(state: Selector, node: UOp) -> VReg:
    """A carried value's register, holding its first value."""
    register = state.register(carried_kind(state, node))
    state.copy(register, carried_value(state, node))
    return register


def carry(state: Selector, node: UOp) -> None:
    """CARRY: the register of the loop, which the next value takes over when nothing else reads it."""
    loop = next(loop for loop in reversed(state.loops) if loop.node is node.src[0])
    register = state.values[node] = loop.carried[node.arg]
    following = state.user.get(node)
    if following is not None and following in state.carried and state.carried[following].id == 0:
        state.carried[following] = register


def close_loop(state: Selector, node: UOp) -> None:
    """END: carried values to their registers, the counter, the branch back."""
    loop = state.loops[-1]
    state.bases.clear()
    for i, value in enumerate(node.src[1:]):
        if value in state.late:
            state.carried[value] = loop.carried[i]
            state.select_row(value)
    following = [carried_value(state, value) for value in node.src[1:]]
    taken = set(loop.carried)
    for i, register in enumerate(following):
        if (
            register in taken and register != loop.carried[i]
        ):  # it is written before it is read: keep it aside
            state.next_id += 1
            following[i] = VReg(state.next_id, register.bank, register.bits)
            state.copy(following[i], register)
    for register, source in zip(loop.carried, following, strict=True):
        state.copy(register, source)
    if constant_of(loop.node.src[0]) != 1:
        for counter, step in reversed(loop.steps):
            state.emit(form("add", "r64", "imm8" if step < 128 else "imm32"), counter, Imm(step))
        kind = "r64" if isinstance(loop.limit, VReg) else "imm8" if loop.limit.value < 128 else "imm32"
        state.emit(form("cmp", "r64", kind), loop.steps[0][0], loop.limit)
        state.emit(form("jl", "rel32"), loop.body)
    if loop.exit is not None:
        state.out.append(label(loop.exit.name))
    state.closed[node] = loop.carried
    state.loops.pop()
    if not state.loops:
        state.out[state.loop_start : state.loop_start] = state.early
        state.early = []


def result(state: Selector, node: UOp) -> None:
    """RESULT: the register that the loop carried the value in."""
    state.values[node] = state.closed[node.src[0]][node.arg]


# -- leaves ----------------------------------------------------------------------------------------


def param(state: Selector, node: UOp) -> None:
    """PARAM: its pointer from the argument block."""
    register = state.register("r64")
    state.emit(form("mov", "r64", "m64"), register, Mem(state.block, disp=8 * node.arg[0]))
    state.values[node] = register


def variable(state: Selector, node: UOp) -> None:
    """VARIABLE: its value from the argument block."""
    register = state.register("r64")
    state.emit(form("mov", "r64", "m64"), register, Mem(state.block, disp=8 * node.arg[3]))
    state.values[node] = register


def grid(state: Selector, node: UOp) -> None:
    """GRID: the second argument."""
    state.values[node] = state.grid


def nothing(_state: Selector, _node: UOp) -> None:
    """Lines that are made where they are used."""


Handler = Callable[[Selector, UOp], None]
HANDLERS: dict[Op, Handler] = {
    ops.CONST: nothing,
    ops.LOCAL: nothing,
    ops.INDEX: nothing,
    ops.PARAM: param,
    ops.VARIABLE: variable,
    ops.GRID: grid,
    ops.RANGE: open_loop,
    ops.CARRY: carry,
    ops.END: close_loop,
    ops.RESULT: result,
    ops.LOAD: memory.load,
    ops.STORE: memory.store,
    ops.BROADCAST: lanes.broadcast,
    ops.LANES: lanes.lanes,
    ops.SLICE: lanes.slice_,
    ops.STACK: lanes.stack,
    ops.BITCAST: lanes.bitcast,
    ops.CAST: lanes.cast,
}

__all__ = ["Inst", "select"]

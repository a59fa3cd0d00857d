"""Loads and stores: what is folded, what a mask does, how bools stand in memory (bytes, 0
or 1).

Memory that is masked off is never touched: vector masks are the instruction's own (which does not
fault where it is off), a scalar mask makes a load read a zero of the constant pool instead and
makes a store jump over itself. Where the hardware has no masked form (bytes and scatters without
AVX-512), lanes go one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baregrad import dtype as dt
from baregrad.ir import UOp, const, ops
from baregrad.isa.form import Imm, Mem, VReg
from baregrad.isa.x86 import form
from baregrad.lower import STREAM
from baregrad.render.machine import label
from baregrad.render.x86 import lanes, narrow
from baregrad.render.x86.address import address, vector_address
from baregrad.render.x86.rows import constant_of
from baregrad.render.x86.strided import load_every_second
from baregrad.render.x86.template import BITS, VECTOR

if TYPE_CHECKING:
    from baregrad.render.x86.selector import Selector

SCALARS = {32: "vmovss", 64: "vmovsd"}


# -- folding ---------------------------------------------------------------------------------------


def fold(state: Selector, node: UOp) -> bool:
    """Whether a load became a memory operand of its only user."""
    if state.uses.get(node, 0) != 1 or len(node.src[0].src) > 2 or node.dtype.bits < 32 or node.src[0].shape:
        return False
    user = state.user[node]
    same = user.op is ops.BITCAST and user.dtype.is_float == node.dtype.is_float  # no line reads it
    if same or state.epoch[user] != state.epoch[node]:
        return False
    if user.op is ops.BROADCAST:
        if fold_broadcast(state, node, user):
            return True
        state.values[node] = address(state, node.src[0])  # vbroadcastss reads memory
        return True
    return fold_into(state, node, user, node)


def fold_broadcast(state: Selector, node: UOp, broadcast: UOp) -> bool:
    """Whether a load repeated in every lane became an embedded broadcast of the only user of that."""
    if not state.wide or state.uses.get(broadcast, 0) != 1:
        return False
    user = state.user[broadcast]
    return state.epoch[user] == state.epoch[node] and fold_into(state, broadcast, user, node)


def fold_into(state: Selector, source: UOp, user: UOp, node: UOp) -> bool:
    """Make the load `node`, which `source` is or repeats, a memory operand of `user`, if its row takes
    one there.
    """
    if not user.op.elementwise or user in state.fold_of or user in state.late or user in state.lazy:
        return False
    if user.op in (ops.IDIV, ops.MOD):  # divide.py reads its sources more than once
        return False
    plan = state.plan_of(user)
    if plan is None:
        return False
    place = user.src.index(source)
    taken = plan.folds.get(place)
    if taken is None and place < 2 and (user.op.commutes or user.op is ops.FMA):
        taken = plan.folds.get(1 - place)
        if (
            taken is None
            or constant_of(user.src[1 - place]) is not None
            or user.src[0].dtype is not user.src[1].dtype
        ):
            return False
        swapped = True
    else:
        swapped = False
    if taken is None:
        return False
    repeated = source is not node
    if repeated or not taken.whole:
        if not taken.broadcast or (not repeated and (source.shape or BITS[state.place(source)] < 128)):
            return False
        where = address(state, node.src[0])
        where = Mem(where.base, where.index, where.scale, where.disp, None, taken.broadcast)
    else:
        where = address(state, node.src[0])
    if swapped:
        state.swapped.add(user)
    state.fold_of[user] = source
    state.values[node] = state.values[source] = where
    return True


# -- loads -----------------------------------------------------------------------------------------


def load(state: Selector, node: UOp) -> None:
    """LOAD: a scalar, neighbouring lanes, or a gather."""
    index = node.src[0]
    if fold(state, node):
        return
    mask = index.src[2] if len(index.src) > 2 else None
    if mask is not None and constant_of(mask) is True:
        mask = None
    if index.src[1].shape:
        if mask is not None or not load_every_second(state, node):
            gather(state, node, mask)
    elif mask is None:
        load_plain(state, node, address(state, index))
    elif mask.shape:
        load_masked(state, node, address(state, index), mask)
    else:
        load_plain(state, node, guarded(state, address(state, index), mask))


def guarded(state: Selector, where: Mem, mask: UOp) -> Mem:
    """The address where a scalar mask is on, else that of zeros."""
    pointer, zeros = state.register("r64"), state.register("r64")
    on = state.value(mask)
    if where.base is not None:
        state.roots[pointer] = where.base
    state.emit(form("lea", "r64", "m"), pointer, where)
    state.emit(form("lea", "r64", "m"), zeros, state.pooled(bytes(64)))
    state.emit(form("test", "r32", "r32"), on, on)
    state.emit(form("cmove", "r64", "r64"), pointer, zeros)
    return Mem(pointer)


def load_plain(state: Selector, node: UOp, where: Mem) -> None:
    """An unmasked load."""
    if node.shape and node.dtype is dt.bool_:
        load_bools(state, node, where)
        return
    register = state.result(node)
    if node.dtype in narrow.STORED:
        narrow.load(state, node, register, where)
    elif node.shape:
        state.do("vmovups", f"{VECTOR[register.bits]} [", register, where)
    elif node.dtype.is_float:
        state.do(SCALARS[node.dtype.bits], "xmm [", register, where)
    elif node.dtype is dt.bool_:
        state.emit(form("movzx", "r32", "m8"), register, where)
    else:
        kind = f"{node.dtype.bits}"
        state.emit(form("mov", f"r{kind}", f"m{kind}"), register, where)


def load_bools(state: Selector, node: UOp, where: Mem) -> None:
    """Bytes to a bool vector."""
    count = node.shape[0]
    if state.wide:
        bytes_ = state.register("xmm")
        if count == 2:
            pair = state.register("r32")
            state.emit(form("movzx", "r32", "m16"), pair, where)
            state.do("vmovd", "xmm r32", bytes_, pair)
        else:
            state.do(narrow.MOVES[count], "xmm [", bytes_, where)
        state.do("vptestmb", "k xmm xmm", state.result(node), bytes_, bytes_)
        return
    register = state.result(node)
    kind = VECTOR[register.bits]
    name = "vpmovzxbq" if register.bits == 64 * count else "vpmovzxbd"
    state.do(name, f"{kind} [", register, where)
    lanes.spread_low_bit(state, register, register.bits // count)


def load_masked(state: Selector, node: UOp, where: Mem, mask: UOp) -> None:
    """Neighbouring lanes where a mask is on, 0 elsewhere."""
    count = node.shape[0]
    if node.dtype is dt.bool_:
        if not state.wide:
            load_each(state, node)
            return
        bytes_ = state.register("xmm")
        state.do("vmovdqu8", "xmm [", bytes_, where, mask=low_mask(state, mask, count), zeroing=True)
        state.do("vptestmb", "k xmm xmm", state.result(node), bytes_, bytes_)
        return
    if node.dtype in narrow.STORED and not state.wide:
        load_each(state, node)
        return
    register = state.result(node)
    kind = VECTOR[register.bits]
    if node.dtype in narrow.STORED:
        narrow.load(state, node, register, where, state.value(mask))
        return
    if state.wide:
        name = "vmovups" if node.dtype.bits == 32 else "vmovdqu64"
        state.do(name, f"{kind} [", register, where, mask=state.value(mask), zeroing=True)
        return
    name = "vmaskmovps" if node.dtype.bits == 32 else "vpmaskmovq"
    on = lanes.mask_for(state, mask, count, register.bits)
    state.do(name, f"{kind} {kind} [", register, on, where)


def gather(state: Selector, node: UOp, mask: UOp | None) -> None:
    """Lanes from a vector of offsets."""
    if node.dtype.bits < 32:
        load_each(state, node)
        return
    where, offset_bits = vector_address(state, node.src[0])
    count = node.shape[0]
    register = state.register(VECTOR[count * node.dtype.bits])
    letter = {(32, 32): "dps", (32, 64): "dpd", (64, 32): "qps", (64, 64): "qpd"}[
        offset_bits, node.dtype.bits
    ]
    kind = VECTOR[register.bits]
    state.copy(register, state.vector_constant(bytes(4), kind))
    if state.wide:
        k = state.register("k")
        if mask is None:
            lanes.set_mask(state, k, count)
        else:
            state.copy(k, state.value(mask))
        state.emit(
            lanes.indexed_form(f"vgather{letter}", kind, offset_bits * count, True), register, where, mask=k
        )
    else:
        on = state.register(kind)
        if mask is None:
            state.copy(on, state.vector_constant(b"\xff" * 4, kind))
        else:
            state.copy(on, lanes.mask_for(state, mask, count, register.bits))
        state.emit(
            lanes.indexed_form(f"vgather{letter}", kind, offset_bits * count, False), register, where, on
        )
    state.values[node] = register


# -- stores ----------------------------------------------------------------------------------------


def store(state: Selector, node: UOp) -> None:
    """STORE: a scalar, neighbouring lanes, or a scatter."""
    index, value = node.src[0], node.src[1]
    mask = index.src[2] if len(index.src) > 2 else None
    if mask is not None and constant_of(mask) is True:
        mask = None
    small = value.dtype.bits < 32 and value.shape
    if index.src[1].shape:
        if not state.wide or small:
            store_each(state, node)
        else:
            scatter(state, index, value, mask)
        return
    if small and mask is not None and mask.shape and not state.wide:
        store_each(state, node)
        return
    held = (
        state.value(value)
        if value.dtype is not dt.bool_ or not value.shape
        else lanes.mask_value(state, value)
    )
    where = address(state, index)
    if node.arg == STREAM and state.streams is not None:
        state.streams.add(index.src[0].arg[0])
        state.do("vmovntps", f"[ {VECTOR[held.bits]}", where, held)
    elif mask is None:
        store_plain(state, value, held, where)
    elif mask.shape:
        store_masked(state, value, held, where, mask)
    else:
        over = state.label()
        on = state.value(mask)
        prepared = prepare_bools(state, value, held)
        state.emit(form("test", "r32", "r32"), on, on)
        state.emit(form("je", "rel32"), over)
        store_prepared(state, value, prepared, where)
        state.out.append(label(over.name))


def prepare_bools(state: Selector, value: UOp, held: VReg) -> VReg:
    """Bool vectors as bytes in an xmm; other values as they are."""
    if value.dtype is dt.bool_ and value.shape:
        return lanes.mask_to_bytes(state, held, value.shape[0])
    return held


def store_plain(state: Selector, value: UOp, held: VReg, where: Mem) -> None:
    """An unmasked store."""
    store_prepared(state, value, prepare_bools(state, value, held), where)


def store_prepared(state: Selector, value: UOp, held: VReg, where: Mem) -> None:
    """The instruction of a store."""
    if value.shape and value.dtype is dt.bool_:
        count = value.shape[0]
        if count == 2:
            state.do("vpextrw", "[ xmm #0", where, held, Imm(0))
        else:
            state.do(narrow.MOVES[count], "[ xmm", where, held)
    elif value.dtype in narrow.STORED:
        narrow.store(state, value, held, where)
    elif value.shape:
        state.do("vmovups", f"[ {VECTOR[held.bits]}", where, held)
    elif value.dtype.is_float:
        state.do(SCALARS[value.dtype.bits], "[ xmm", where, held)
    elif value.dtype is dt.bool_:
        state.emit(form("mov", "m8", "r8"), where, held)
    else:
        state.emit(form("mov", f"m{held.bits}", f"r{held.bits}"), where, held)


def store_masked(state: Selector, value: UOp, held: VReg, where: Mem, mask: UOp) -> None:
    """Neighbouring lanes where a mask is on."""
    count = value.shape[0]
    if value.dtype is dt.bool_:
        bytes_ = lanes.mask_to_bytes(state, held, count)
        state.do("vmovdqu8", "[ xmm", where, bytes_, mask=low_mask(state, mask, count))
        return
    if value.dtype in narrow.STORED:
        narrow.store(state, value, held, where, state.value(mask))
        return
    kind = VECTOR[held.bits]
    if state.wide:
        name = "vmovups" if value.dtype.bits == 32 else "vmovdqu64"
        state.do(name, f"[ {kind}", where, held, mask=state.value(mask))
        return
    name = "vmaskmovps" if value.dtype.bits == 32 else "vpmaskmovq"
    state.do(name, f"[ {kind} {kind}", where, lanes.mask_for(state, mask, count, held.bits), held)


def low_mask(state: Selector, mask: UOp, count: int) -> VReg:
    """A mask whose bits above its lanes are 0: for bytes in an xmm that has more lanes than the mask."""
    held = state.value(mask)
    if count == 16:
        return held
    cut, low = state.register("k"), state.register("k")
    lanes.set_mask(state, low, count)
    state.do("kandw", "k k k", cut, held, low)
    return cut


def scatter(state: Selector, index: UOp, value: UOp, mask: UOp | None) -> None:
    """Lanes to a vector of offsets, in their order."""
    held = state.value(value)
    where, offset_bits = vector_address(state, index)
    count = value.shape[0]
    letter = {(32, 32): "dps", (32, 64): "dpd", (64, 32): "qps", (64, 64): "qpd"}[
        offset_bits, value.dtype.bits
    ]
    k = state.register("k")
    if mask is None:
        lanes.set_mask(state, k, count)
    else:
        state.copy(k, state.value(mask))
    chosen = lanes.indexed_form(f"vscatter{letter}", VECTOR[held.bits], offset_bits * count, True)
    state.emit(chosen, where, held, mask=k)


# -- lane by lane ----------------------------------------------------------------------------------


def each_offset(state: Selector, index: UOp, count: int) -> list[UOp]:
    """The scalar INDEX of each lane of a vector access, mask included."""
    base, offset = index.src[0], index.src[1]
    mask = index.src[2] if len(index.src) > 2 else None
    found = []
    for place in range(count):
        if offset.shape:
            at = lanes.lane(state, offset, place)
        else:
            # The arg keeps it apart from a sum of the list that is the same: that one is computed.
            at = UOp(ops.ADD, offset.dtype, (offset, const(place, offset.dtype)), "lane")
            state.lazy.add(at)
        parts = (
            (base, at) if mask is None else (base, at, lanes.lane(state, mask, place) if mask.shape else mask)
        )
        found.append(UOp(ops.INDEX, index.dtype, parts))
    return found


def load_each(state: Selector, node: UOp) -> None:
    """A vector load as scalar loads."""
    loads = []
    for index in each_offset(state, node.src[0], node.shape[0]):
        one = UOp(ops.LOAD, node.dtype, (index, *node.src[1:]))
        load(state, one)
        loads.append(one)
    together = UOp(ops.STACK, node.dtype, tuple(loads))
    lanes.stack(state, together)
    state.values[node] = state.values[together]


def store_each(state: Selector, node: UOp) -> None:
    """A vector store as scalar stores, in the order of the lanes."""
    value = node.src[1]
    for place, index in enumerate(each_offset(state, node.src[0], value.shape[0])):
        store(state, UOp(ops.STORE, dt.void, (index, lanes.lane(state, value, place), *node.src[2:])))

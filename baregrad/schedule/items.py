"""What schedule hands on: kernels in order, where each root is, and why the graph was cut where it
was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from baregrad.dtype import DType
from baregrad.ir import Size, UOp

NewBuffer = Callable[[tuple[Size, ...], DType], UOp]


class Item(NamedTuple):
    """One kernel: `ast` is a KERNEL SINK whose PARAM slots index `buffers`; it stores to the slots `writes`.

    Two items write the buffer of a SCATTER: its base, and then values over what is there.
    The slots behind the buffers are those of `variables`, by name.

    `donates` are (slot of a new version, slot of the old one): the new version may be put into the memory of
    the old one, if nobody outside of the schedule needs that. One that `copies` has nothing to do then.
    """

    ast: UOp
    buffers: tuple[UOp, ...]
    writes: tuple[int, ...]
    donates: tuple[tuple[int, int], ...]
    variables: tuple[str, ...] = ()
    copies: bool = False


class Decision(NamedTuple):
    """A node that is stored, the position of the item that does it, and the reason."""

    node: UOp
    item: int
    reason: str


class Schedule(NamedTuple):
    """`items` in order. `outputs[root]` is the BUFFER that holds the root's elements, row-major.

    A root that is a BUFFER, or a RESHAPE of one, is held by that buffer itself, and roots that are reshapes
    of one another share one: the buffer's shape may differ from the root's, their elements do not.
    """

    items: Sequence[Item]
    outputs: dict[UOp, UOp]
    decisions: Sequence[Decision]

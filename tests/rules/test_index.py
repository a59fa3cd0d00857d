"""Index expressions of views: reshapes, windows, pooling, flips and padding come out free of divisions.

`address` writes the expression as naively as can be: every RESHAPE flattens and splits again, every PAD
shifts.
"""

import itertools

import pytest

from baregrad import dtype as dt
from baregrad.ir import Buffer, UOp, const, index, ops, simplify


def loop(size, number):
    return UOp(ops.RANGE, dt.int64, (index(size),), (number, "loop"))


def address(node, where):
    """The row-major offset in the buffer below a view of an element, and the mask under which it is there."""
    mask = const(True, dt.bool_)
    while node.op is not ops.BUFFER:
        source = node.src[0]
        if node.op is ops.RESHAPE:
            where = split(flat(where, node.shape), source.shape)
        elif node.op is ops.PERMUTE:
            where = [where[node.arg.index(axis)] for axis in range(len(where))]
        elif node.op is ops.EXPAND:
            where = [
                index(0) if a != b else w for w, a, b in zip(where, source.shape, node.shape, strict=True)
            ]
        elif node.op is ops.SHRINK:
            where = [w + begin for w, (begin, _) in zip(where, node.arg, strict=True)]
        elif node.op is ops.FLIP:
            where = [(node.shape[a] - 1) - w if a in node.arg else w for a, w in enumerate(where)]
        else:
            for axis, (before, after) in enumerate(node.arg):
                where[axis] = where[axis] - before
                if before:
                    mask = mask & (where[axis] >= 0)
                if after:
                    mask = mask & (where[axis] < source.shape[axis])
        node = source
    return flat(where, node.shape), mask


def flat(where, shape):
    total = index(0)
    for w, size in zip(where, shape, strict=True):
        total = total * size + w
    return total


def split(offset, shape):
    made = []
    for size in reversed(shape):
        made.append(offset % size)
        offset = offset // size
    return made[::-1]


def text(node):
    if node.op is ops.CONST:
        return str(node.arg)
    if node.op is ops.RANGE:
        return "abcdefgh"[node.arg[0]]
    if node.op.symbol:
        return f"({text(node.src[0])} {node.op.symbol} {text(node.src[1])})"
    return f"{node.op.name}({', '.join(map(text, node.src))})"


def plain(node):
    """A canonical text without the brackets of sums."""
    if node.op is ops.ADD:
        return f"{plain(node.src[0])} + {plain(node.src[1])}"
    if node.op is ops.AND:
        return f"{plain(node.src[0])} & {plain(node.src[1])}"
    if node.op in (ops.MUL, ops.CMPLT):
        return f"{plain(node.src[0])}{'*' if node.op is ops.MUL else ' < '}{plain(node.src[1])}"
    return text(node)


def buffer(*shape):
    return UOp(ops.BUFFER, dt.float32, (), Buffer(0, shape))


def dilated(x, size, count):
    """Windows by the trick of one element more a row: (..., n) -> (..., size, count), element k + i."""
    (*front, n) = x.shape
    f, whole = tuple(front), tuple((0, s) for s in front)
    repeats = -(-size * (n + 1) // n)
    x = x.reshape((*f, 1, n)).expand((*f, repeats, n)).reshape((*f, repeats * n))
    x = x.shrink((*whole, (0, size * (n + 1)))).reshape((*f, size, n + 1))
    return x.shrink((*whole, (0, size), (0, count)))


def strided(x, stride):
    """Every stride-th element of the last axis, by padding, reshaping and cutting."""
    (*front, n) = x.shape
    f, whole = tuple(front), tuple((0, s) for s in front)
    count = -(-n // stride)
    none = tuple((0, 0) for _ in front)
    x = x.pad((*none, (0, count * stride - n))).reshape((*f, count, stride))
    return x.shrink((*whole, (0, count), (0, 1))).reshape((*f, count))


X = buffer(4, 6)
IMAGE = buffer(2, 3, 8, 8)
CASES = [  # name, view, expected offset, expected mask
    ("flatten", X.reshape((24,)), "a", "True"),
    ("split", buffer(24).reshape((4, 6)), "a*6 + b", "True"),
    ("resplit", X.reshape((2, 2, 3, 2)), "a*12 + b*6 + c*2 + d", "True"),
    ("permute", X.permute((1, 0)), "a + b*6", "True"),
    ("permute_flat", X.permute((1, 0)).reshape((24,)).reshape((6, 4)), "a + b*6", "True"),
    ("permute_split", X.permute((1, 0)).reshape((2, 3, 2, 2)), "a*3 + b + c*12 + d*6", "True"),
    (
        "five_axes",
        buffer(2, 3, 4, 5, 6).permute((4, 2, 0, 1, 3)).reshape((24, 30)).reshape((6, 4, 2, 3, 5)),
        "a + b*30 + c*360 + d*120 + e*6",
        "True",
    ),
    ("flip", X.flip((0, 1)), "a*-6 + b*-1 + 23", "True"),
    ("flip_flat", X.reshape((24,)).flip((0,)).reshape((4, 6)), "a*-6 + b*-1 + 23", "True"),
    ("flip_split", X.flip((1,)).reshape((4, 2, 3)), "a*6 + b*-3 + c*-1 + 5", "True"),
    ("pad", X.pad(((0, 0), (1, 2))), "a*6 + b + -1", "0 < b & b < 7"),
    ("pad_flat", X.pad(((0, 0), (1, 1))).reshape((32,)).reshape((4, 8)), "a*6 + b + -1", "0 < b & b < 7"),
    (
        "pad_of_split",
        buffer(24).reshape((4, 6)).pad(((1, 1), (1, 1))),
        "a*6 + b + -7",
        "0 < a & a < 5 & 0 < b & b < 7",
    ),
    ("pad_of_merged", X.reshape((24,)).pad(((3, 0),)), "a + -3", "2 < a"),
    (
        "pad_of_blocks",
        X.permute((1, 0)).reshape((24,)).pad(((4, 4),)).reshape((8, 4)),
        "a + b*6 + -1",
        "0 < a & a < 7",
    ),
    ("windows", dilated(buffer(9), 3, 7), "a + b", "True"),
    (
        "windows_2d",
        dilated(dilated(IMAGE, 3, 6).permute((0, 1, 3, 4, 2)), 3, 6),
        "a*192 + b*64 + c + d + e*8 + f*8",
        "True",
    ),
    ("strided", strided(buffer(9), 2), "a*2", "True"),
    ("strided_windows", strided(dilated(buffer(9), 3, 7), 2), "a + b*2", "True"),
    ("padded_windows", dilated(buffer(9).pad(((1, 1),)), 3, 9), "a + b + -1", "0 < a + b & a + b < 10"),
    (
        "pooling",
        IMAGE.reshape((2, 3, 4, 2, 4, 2)).permute((0, 1, 2, 4, 3, 5)),
        "a*192 + b*64 + c*16 + d*2 + e*8 + f",
        "True",
    ),
    (
        "pooling_flat",
        IMAGE.reshape((2, 3, 4, 2, 4, 2))
        .permute((0, 1, 2, 4, 3, 5))
        .reshape((2, 48, 4))
        .reshape((2, 3, 4, 4, 2, 2)),
        "a*192 + b*64 + c*16 + d*2 + e*8 + f",
        "True",
    ),
    (
        "flat_image_padded",
        IMAGE.reshape((2, 192)).reshape((2, 3, 8, 8)).pad(((0, 0), (0, 0), (1, 1), (1, 1))),
        "a*192 + b*64 + c*8 + d + -9",
        "0 < c & c < 9 & 0 < d & d < 9",
    ),
    ("expand", X.reshape((4, 1, 6)).expand((4, 5, 6)).reshape((20, 6)).reshape((4, 5, 6)), "a*6 + c", "True"),
]


@pytest.mark.parametrize("name, view, offset, mask", CASES, ids=[row[0] for row in CASES])
def test_views_have_plain_indices(name, view, offset, mask):
    loops = [loop(size, n) for n, size in enumerate(view.shape)]
    found = address(view, list(loops))
    memory = UOp(ops.PARAM, dt.float32, (), (0, 10000))
    place = simplify(UOp(ops.INDEX, dt.float32, (memory, *found)))
    assert plain(place.src[1]) == offset
    assert (plain(place.src[2]) if len(place.src) > 2 else "True") == mask
    check_values(loops, found, place)


def check_values(loops, found, place):
    """Offset and mask are what they were, wherever the mask is true."""
    sizes = [node.src[0].arg for node in loops]
    points = list(itertools.product(*[range(size) for size in sizes]))
    for point in points[:: max(1, len(points) // 60)]:
        given = dict(zip(loops, point, strict=True))
        on = value(found[1], given)
        assert on == (value(place.src[2], given) if len(place.src) > 2 else True)
        assert not on or value(found[0], given) == value(place.src[1], given)


def value(node, given):
    known = dict(given)
    for part in node.toposort():
        if part not in known:
            known[part] = part.arg if part.op is ops.CONST else part.op.meaning(*[known[s] for s in part.src])
    return known[node]

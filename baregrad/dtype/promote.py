"""Promotion as data: which dtype an op on several dtypes works in.

The rows say which dtypes each dtype promotes to at once; the common dtype of two is the least that both
reach. Where two have no least one (int64 with uint64, the two float8 with each other) there is an error, not
a surprise. The rules are those of PyTorch where it has any; a Python number is weak: it changes the kind of
the result, never its width.
"""

from __future__ import annotations

from baregrad.base import memo
from baregrad.base.errors import DTypeError
from baregrad.dtype.table import ALL, BY_NAME, DType, Kind, bool_, float32, int64, void

# fmt: off
EDGES: dict[str, str] = {
    "bool":       "uint8 int8",
    "uint8":      "uint16 int16",
    "int8":       "int16",
    "uint16":     "uint32 int32",
    "int16":      "int32",
    "uint32":     "uint64 int64",
    "int32":      "int64",
    "uint64":     "float8e4m3 float8e5m2",     # from int to float only the kind counts, as for a Python float
    "int64":      "float8e4m3 float8e5m2",
    "float8e4m3": "float16 bfloat16",
    "float8e5m2": "float16 bfloat16",
    "float16":    "float32",
    "bfloat16":   "float32",
    "float32":    "float64",
    "float64":    "",
}
# fmt: on

WEAK: dict[type, DType] = {
    bool: bool_,
    int: int64,
    float: float32,
}  # what a Python number is when it is alone


@memo
def reachable(dtype: DType) -> frozenset[DType]:
    """The dtypes that a dtype promotes to, itself included.

    >>> sorted(d.name for d in reachable(float32))
    ['float32', 'float64']
    """
    nearest = (reachable(BY_NAME[name]) for name in EDGES[dtype.name].split())
    return frozenset({dtype}).union(*nearest)


@memo
def common_dtype(a: DType, b: DType) -> DType:
    """The least dtype that both promote to.

    Errors: DTypeError if there is none.

    >>> from baregrad.dtype import float16, int8, uint8
    >>> common_dtype(int8, uint8), common_dtype(BY_NAME["int64"], float16)
    (int16, float16)
    """
    if a is b:
        return a
    if a is void or b is void:
        raise DTypeError(
            f"{a} and {b} have no common dtype", why="void holds no values", mend="use a value instead"
        )
    both = reachable(a) & reachable(b)
    least = [dtype for dtype in ALL if dtype in both and both <= reachable(dtype)]
    if not least:
        why = "no dtype is the least that both promote to"
        raise DTypeError(f"{a} and {b} have no common dtype", why=why, mend="cast one of them")
    return least[0]


def result_dtype(*operands: DType | type) -> DType:
    """The dtype in which an op on operands of these dtypes works; Python's bool, int and float are weak.

    A weak operand counts only if no other is of its kind (bool < int < float) or above; then it is int64 or
    float32.

    >>> from baregrad.dtype import float16, int8
    >>> result_dtype(int8, int), result_dtype(int8, float), result_dtype(float16, float)
    (int8, float32, float16)
    """
    assert operands, "an op without operands has no dtype to find"
    strong: DType | None = None
    weak: DType | None = None
    for operand in operands:
        if isinstance(operand, DType):
            strong = operand if strong is None else common_dtype(strong, operand)
        else:
            row = WEAK[operand]
            weak = row if weak is None or _rank(row) > _rank(weak) else weak
    if strong is None or (weak is not None and _rank(weak) > _rank(strong)):
        assert weak is not None, "either kind of operand is there"
        return weak
    return strong


def _rank(dtype: DType) -> int:
    """Bool, then int, then float."""
    return (0, 0, 1, 1, 2)[dtype.kind.value] if dtype.kind is not Kind.VOID else -1

# ruff: noqa: E501 - one operation is one row
"""Records of products: tensor/ops/linear.py and products.py. Read record.py first."""

from __future__ import annotations

import math

from baregrad.tensor.records.record import NONE, Array, Kind, Sample, array, call, edge, op, refused

PRODUCT = Kind("int float")
FLOATS = Kind("float")
ELEMENTS = Kind("bool int float")

LINE = array(7)
MATRIX = array(3, 5)
TURNED = array(5, 4)
CUBE = array(2, 3, 4)
POINT = array()
ONE = array(1, 1)
Q, K, V = array(2, 3, 4), array(2, 5, 4), array(2, 5, 3)
SEEN = Array(
    (3, 5),
    dtype="bool",
    data=(True, False, True, True, False, True, True, False, False, False, False, False, True, False, False),
)
BLIND = Array(
    (3, 5),
    dtype="bool",
    data=(True, False, True, True, False, *(False,) * 5, False, False, True, False, False),
)
FAR = Array(
    (3, 5),
    data=(
        0.0,
        -math.inf,
        0.5,
        0.0,
        -math.inf,
        *(-math.inf,) * 5,
        -math.inf,
        -math.inf,
        1.0,
        -math.inf,
        -math.inf,
    ),
)


def einsum(formula: str, *shapes: tuple[int, ...]) -> Sample:
    """A formula of random tensors."""
    return call(formula, *(array(*shape) for shape in shapes))


def summed(formula: str, *shapes: tuple[int, ...]) -> tuple[Sample, Sample]:
    """A formula without a product, whose sums of integers are int64."""
    sample = einsum(formula, *shapes)
    return sample.only("float"), sample.only("int").giving("total")


# fmt: off
RECORDS = (
    op("matmul",  PRODUCT, "np.matmul(x, other)", call(MATRIX, TURNED), call(CUBE, array(2, 4, 2)), call(CUBE, array(4, 2)), call(array(5), TURNED), call(array(4, 5), array(5)), call(LINE, LINE), call(array(3, 0), array(0, 4)), call(ONE, ONE), shapes="0-d: it has no axis", tolerance=4, operator="x @ other", errors=(refused("multiply", MATRIX, MATRIX), refused("multiply", MATRIX, POINT))),
    op("mm",      PRODUCT, "np.matmul(x, other)", call(MATRIX, TURNED), call(array(0, 3), array(3, 2)), call(ONE, ONE), shapes="0-d: it is no matrix", same="x.matmul(other)", tinygrad="matmul", errors=(refused("mm", LINE, LINE),)),
    op("bmm",     PRODUCT, "np.matmul(x, other)", call(CUBE, array(2, 4, 3)), call(array(0, 2, 3), array(0, 3, 2)), call(array(1, 1, 1), array(1, 1, 1)), shapes="0-d: it is no batch", same="x.matmul(other)", tinygrad="matmul", errors=(refused("first axis", CUBE, array(3, 4, 3)), refused("bmm", MATRIX, TURNED))),
    op("mv",      PRODUCT, "np.matmul(x, vector)", call(MATRIX, array(5)), call(array(0, 3), array(3)), call(ONE, array(1)), shapes="0-d: it is no matrix", same="x.matmul(vector)", tinygrad="matmul", errors=(refused("mv", LINE, LINE),)),
    op("dot",     PRODUCT, "np.dot(x, other)", call(LINE, LINE), call(array(0), array(0)), call(array(1), array(1)), shapes="0-d: it is no vector", same="x.matmul(other)", tolerance=4, errors=(refused("dot", MATRIX, LINE),)),
    op("outer",   ELEMENTS, "np.outer(x, other)", call(array(3), array(5)), call(array(0), array(2)), call(array(1), array(1)), shapes="0-d: it is no vector", tinygrad=NONE, errors=(refused("outer", MATRIX, LINE),)),
    op("addmm",   PRODUCT, "beta * x + alpha * (a @ b)", call(array(4), MATRIX, TURNED), call(array(3, 4), MATRIX, TURNED, beta=3, alpha=2), call(array(2), array(0, 3), array(3, 2)), call(POINT, ONE, ONE), tolerance=4, tinygrad=NONE, errors=(refused("mm", POINT, LINE, LINE),)),
    op("baddbmm", PRODUCT, "beta * x + alpha * (a @ b)", call(array(3, 3), CUBE, array(2, 4, 3)), call(array(2, 3, 3), CUBE, array(2, 4, 3), beta=3, alpha=2), call(array(2), array(0, 2, 3), array(0, 3, 2)), call(POINT, array(1, 1, 1), array(1, 1, 1)), tolerance=4, tinygrad=NONE, errors=(refused("bmm", POINT, MATRIX, TURNED),)),
    op("cross",   PRODUCT, "np.cross(x, other, axis=axis)", call(array(4, 3), array(4, 3)), call(array(3, 4), array(3, 4), 0), call(array(0, 3), array(0, 3)), shapes="0-d and size 1: the axis has 3 elements", torch="torch.linalg.cross(x, other, dim=axis)", tinygrad=NONE, errors=(refused("3 elements", array(2), array(2)),)),
    op("linear",  PRODUCT,  "x @ weight.T + (0 if bias is None else bias)", call(array(2, 5), array(4, 5), array(4)), call(array(2, 3, 5), array(4, 5)), call(array(0, 3), array(2, 3), array(2)), call(ONE, ONE), shapes="0-d: it has no axis", tolerance=4, torch="F.linear", errors=(refused("multiply", MATRIX, TURNED),)),
    op("einsum",  PRODUCT, "np.einsum(formula, *operands)",
       einsum("ij,jk->ik", (3, 4), (4, 5)), einsum("bij,bkj->bik", (2, 3, 4), (2, 5, 4)), einsum("ij->ji", (3, 4)), *summed("ij->", (3, 4)), *summed("ij->j", (3, 4)),
       einsum("ii->i", (3, 3)), *summed("ii", (3, 3)), *summed("iji->j", (3, 2, 3)), einsum("i,j->ij", (3,), (4,)), einsum("i,i", (3,), (3,)), einsum("ij,ij->ij", (2, 3), (2, 3)),
       einsum("ba,c", (2, 3), (4,)), einsum("bhqd, bhkd -> bhqk", (2, 2, 3, 4), (2, 2, 5, 4)), einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), einsum("ij,j,i->", (2, 3), (3,), (2,)),
       einsum("ijk,lj->ikl", (2, 3, 4), (5, 3)), einsum("aab,bc->ac", (2, 2, 3), (3, 4)), *summed("ij,kl->ik", (2, 3), (4, 5)), einsum(",i->i", (), (3,)), einsum("ij,jk->ik", (0, 2), (2, 1)), einsum("ij,jk", (1, 1), (1, 1)),
       tolerance=4, torch="torch.einsum(formula, *operands)",
       errors=(refused("einsum", "i..->i", array(2)), refused("one size", "ij,jk", array(2, 3), array(2, 3)), refused("einsum", "ij,jk", array(2, 3)), refused("einsum", "ij->k", array(2, 3)))),
    op("scaled_dot_product_attention", FLOATS, "attention(x, key, value, attn_mask, is_causal, scale)",
       call(Q, K, V), call(Q, K, V, scale=0.3), call(Q, K, V, SEEN), call(Q, K, V, array(3, 5)), call(Q, K, V, is_causal=True), edge(Q, K, V, BLIND), edge(Q, K, V, FAR), call(array(0, 2, 3), array(0, 2, 3), array(0, 2, 3)), call(ONE, ONE, ONE),
       shapes="0-d: it has no axes", tolerance=8, torch="F.scaled_dot_product_attention(x, key, value, attn_mask, 0.0, is_causal, scale=scale)",
       errors=(refused("queries", Q, V, V), refused("attend", Q, array(3, 5, 4), array(3, 5, 4)), refused("is_causal", Q, K, V, SEEN, 0.0, True), refused("mask of int64", Q, K, V, array(3, 5, dtype="int64"), kind="DTypeError"), refused("one dtype", Q, K, array(2, 5, 3, dtype="float64"), kind="DTypeError"))),
    op("attention_weights", FLOATS, "attention_weights(x, key, attn_mask, is_causal, scale)", call(Q, K), call(Q, K, scale=0.3), call(Q, K, SEEN), call(Q, K, array(3, 5)), call(Q, K, is_causal=True), edge(Q, K, BLIND), call(array(0, 2, 3), array(0, 2, 3)), call(ONE, ONE), shapes="0-d: it has no axes", tolerance=8, torch=NONE, tinygrad=NONE),
    # -- of other shapes
    op("addmv",     PRODUCT, "beta * x + alpha * (matrix @ vector)", call(array(3), MATRIX, array(5)), call(POINT, MATRIX, array(5), beta=3, alpha=2), call(array(0), array(0, 3), array(3)), call(array(1), ONE, array(1)), tolerance=4, tinygrad=NONE, errors=(refused("mv", LINE, LINE, LINE),)),
    op("inner",     PRODUCT, "np.inner(x, other)", call(MATRIX, array(2, 5)), call(CUBE, array(4)), call(LINE, LINE), call(array(0, 3), array(2, 3)), call(POINT, array(3)), call(ONE, ONE), tolerance=4, tinygrad=NONE, errors=(refused("", MATRIX, LINE),)),
    op("tensordot", PRODUCT, "np.tensordot(x, other, dims)", call(CUBE, array(3, 4, 2)), call(CUBE, array(4, 3), ([1, 2], [1, 0])), call(MATRIX, TURNED, 1), call(array(2), array(3), 0), call(array(0, 3), array(3, 2), 1), call(ONE, ONE, 1), call(POINT, POINT, 0), tolerance=4, torch="torch.tensordot(x, other, dims)", tinygrad=NONE, errors=(refused("", MATRIX, MATRIX, 1),)),
    op("kron",      PRODUCT, "np.kron(x, other)", call(array(2, 3), array(3, 2)), call(array(2), array(2, 2)), call(POINT, array(3)), call(array(0, 2), array(2, 2)), call(ONE, ONE), dtypes="bool int float", tinygrad=NONE),
    op("cdist",     FLOATS,  "norm(x[..., :, None, :] - other[..., None, :, :], p, -1, False)", call(MATRIX, array(4, 5)), call(CUBE, array(2, 2, 4), 1.0), call(MATRIX, array(4, 5), 3.0), call(array(0, 3), array(2, 3)), call(ONE, ONE), shapes="0-d: it has no rows", tolerance=8, torch="torch.cdist(x, other, p, compute_mode='donot_use_mm_for_euclid_dist')", tinygrad=NONE, errors=(refused("", MATRIX, TURNED),)),
)
# fmt: on

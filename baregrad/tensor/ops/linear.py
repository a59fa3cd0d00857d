"""Products of matrices: views, one multiplication and one reduction each; the compiler does the rest."""

from __future__ import annotations

from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.ir import UOp
from baregrad.tensor import check
from baregrad.tensor.base import TensorBase
from baregrad.tensor.ops.reduce import Reduce


class Linear(Reduce):
    """matmul and linear."""

    __slots__ = ()

    def __matmul__(self, other: TensorBase) -> Self:
        """The product of matrices."""
        return self.matmul(other)

    @check.takes("int float")
    def matmul(self, other: TensorBase) -> Self:
        """The product of matrices, with vectors and batches as in torch.

        Shapes: (…, n, k) @ (…, k, m) -> (…, n, m); a vector counts as a row on the left and a column on the
        right.
        Errors: ShapeError unless the inner sizes agree.
        """
        a, b = self, other
        if not a.ndim or not b.ndim or a.shape[-1] != b.shape[-1 if b.ndim == 1 else -2]:
            raise ShapeError(
                f"cannot multiply matrices {a.shape} and {b.shape}",
                why="the last axis of the left must be as long as the second last of the right",
                mend="transpose or reshape one of them",
            )
        dtype = dt.result_dtype(self.dtype, other.dtype)
        left = self.cast(dtype).reshape((1, *a.shape) if a.ndim == 1 else a.shape)
        right: Self = other.cast(dtype).reshape((*b.shape, 1) if b.ndim == 1 else b.shape)  # type: ignore[attr-defined]
        product = left._matrix_product(right)
        return product.reshape(_vector_shape(product.shape, a.ndim == 1, b.ndim == 1))

    def _matrix_product(self, other: Self) -> Self:
        batch = check.broadcast([self.shape[:-2], other.shape[:-2]], "matmul")
        n, k, m = self.shape[-2], self.shape[-1], other.shape[-1]

        def build(x: UOp, y: UOp) -> UOp:
            left = x.expand((*batch, n, k)).reshape((*batch, n, 1, k)).expand((*batch, n, m, k))
            turned = (*range(y.ndim - 2), y.ndim - 1, y.ndim - 2)
            right = (
                y.permute(turned).expand((*batch, m, k)).reshape((*batch, 1, m, k)).expand((*batch, n, m, k))
            )
            return (left * right).reduce("add", (len(batch) + 2,)).reshape((*batch, n, m))

        return self.apply(build, other)

    def linear(self, weight: TensorBase, bias: TensorBase | None = None) -> Self:
        """x @ weight.T + bias. Shapes: (…, in), (out, in), (out,) -> (…, out)."""
        product = self.matmul(weight.transpose(-1, -2))  # type: ignore[attr-defined]  # one public class
        return product if bias is None else product + bias


def _vector_shape(shape: tuple[int, ...], row: bool, column: bool) -> tuple[int, ...]:
    without_column = shape[:-1] if column else shape
    if not row:
        return without_column
    return (*shape[:-2], shape[-1]) if not column else shape[:-2]

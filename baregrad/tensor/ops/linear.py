"""Products of matrices and convolutions: views, one multiplication and one reduction each; the compiler does
the rest.
"""

from __future__ import annotations

from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.ir import UOp
from baregrad.tensor import check
from baregrad.tensor.base import TensorBase
from baregrad.tensor.ops.reduce import Reduce

Pair = int | tuple[int, int]


class Linear(Reduce):
    """matmul, linear, conv2d, pooling."""

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

    @check.takes("int float")
    def conv2d(
        self,
        weight: TensorBase,
        bias: TensorBase | None = None,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
    ) -> Self:
        """Cross-correlation of images with filters.

        Shapes: (n, groups * c, h, w), (out, c, kh, kw), (out,) -> (n, out, h', w') with
        h' = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1.
        Errors: ShapeError unless channels and groups agree and a window fits.
        """
        if (
            self.ndim != 4
            or weight.ndim != 4
            or self.shape[1] != groups * weight.shape[1]
            or weight.shape[0] % groups
        ):
            raise ShapeError(
                f"cannot convolve {self.shape} with {weight.shape} in {groups} groups",
                why="images are (n, groups * c, h, w), filters (out, c, kh, kw), groups divide out",
                mend="reshape, or give other groups",
            )
        n, (out, inner, kh, kw) = self.shape[0], weight.shape
        rows, oh, ow = _windows(self.shape, (kh, kw), _pair(stride), _pair(padding), _pair(dilation))
        shape = (n, groups, out // groups, oh, ow, inner, kh, kw)

        def build(x: UOp, w: UOp) -> UOp:
            split = x.reshape((n, groups, inner, *x.shape[2:]))
            seen = split.view(shape, _rows_in(shape, ((0,), (1,), (5,)), rows))
            filters = w.reshape((1, groups, out // groups, 1, 1, inner, kh, kw)).expand(shape)
            return (seen * filters).reduce("add", (5, 6, 7)).reshape((n, out, oh, ow))

        x, w = self._same_dtype(weight)
        result = x.apply(build, w)
        return result if bias is None else result + bias.reshape(1, out, 1, 1)  # type: ignore[attr-defined]

    def _same_dtype(self, other: TensorBase) -> tuple[Self, Self]:
        dtype = dt.result_dtype(self.dtype, other.dtype)
        return self.cast(dtype), other.cast(dtype)  # type: ignore[attr-defined]  # one public class

    def _pool_windows(self, size: Pair, stride: Pair | None, padding: Pair) -> Self:
        """The windows of the last two axes, two axes inside of each: a reshape where they tile the image."""
        kernel = _pair(size)
        step = kernel if stride is None else _pair(stride)
        if self.ndim < 2:
            raise ShapeError(f"pooling of {self.shape}", why="it works on the last two axes", mend="add axes")
        lead = self.shape[:-2]
        rows, oh, ow = _windows(self.shape, kernel, step, _pair(padding), (1, 1))
        shape = (*lead, oh, ow, *kernel)
        if step == kernel and not any(_pair(padding)) and (oh * step[0], ow * step[1]) == self.shape[-2:]:
            apart = self.reshape(*lead, oh, kernel[0], ow, kernel[1])
            return apart.transpose(-3, -2)
        within = _rows_in(shape, tuple((a,) for a in range(len(lead))), rows)
        return self.apply(lambda x: x.view(shape, within))

    def max_pool2d(self, size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Self:
        """The greatest element of each window. Shapes: (…, h, w) -> (…, h', w'), as conv2d counts; stride
        defaults to size.
        """
        ph, pw = _pair(padding)
        x = self._laid_down() if self.requires_grad else self  # the image, not its windows
        if ph or pw:
            least = check.least(self.dtype)
            x = self.pad([(0, 0)] * (self.ndim - 2) + [(ph, ph), (pw, pw)], least)
        return x._pool_windows(size, stride, 0).max((-2, -1))

    def avg_pool2d(self, size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Self:
        """The mean of each window, padding counted in. Shapes: as max_pool2d."""
        return self._pool_windows(size, stride, padding).mean((-2, -1))


def _vector_shape(shape: tuple[int, ...], row: bool, column: bool) -> tuple[int, ...]:
    without_column = shape[:-1] if column else shape
    if not row:
        return without_column
    return (*shape[:-2], shape[-1]) if not column else shape[:-2]


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


WindowRow = tuple[int, int, int]  # begin, step of the window, step inside of it


def _windows(
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[tuple[WindowRow, WindowRow], int, int]:
    """The rows of the last two axes' windows, and how many windows there are along each."""
    counts = []
    for size, k, s, p, d in zip(shape[-2:], kernel, stride, padding, dilation, strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        if room < 0 or s < 1 or d < 1 or p < 0 or k < 1:
            raise ShapeError(
                f"windows of {kernel} on {shape}: stride {stride}, padding {padding}, dilation {dilation}",
                why="a window must fit, strides and dilations are at least 1, padding at least 0",
                mend="pad more, or use smaller windows",
            )
        counts.append(room // s + 1)
    rows = tuple((-p, s, d) for p, s, d in zip(padding, stride, dilation, strict=True))
    return (rows[0], rows[1]), counts[0], counts[1]


def _rows_in(
    shape: tuple[int, ...], lead: tuple[tuple[int], ...], rows: tuple[WindowRow, WindowRow]
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Rows of a VIEW: the leading axes of the source stand at the given axes of the result, then the two
    window rows.

    The windows' places are the axes before those inside the windows: with 8 axes (…, oh, ow, c, kh, kw), else
    (…, oh, ow, kh, kw).
    """
    ndim = len(shape)
    first = ndim - 5 if ndim == 8 else ndim - 4
    result = []
    for (axis,) in lead:
        result.append((0, tuple(int(a == axis) for a in range(ndim))))
    for i, (begin, stride, dilation) in enumerate(rows):
        steps = [0] * ndim
        steps[first + i], steps[ndim - 2 + i] = stride, dilation
        result.append((begin, tuple(steps)))
    return tuple(result)

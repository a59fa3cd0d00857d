"""Where windows stand along axes: kernel, stride, dilation, padding; how many there are, and their view."""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.base.errors import ShapeError

Sizes = int | Sequence[int]
Rows = tuple[tuple[int, tuple[int, ...]], ...]  # of a VIEW


def each(value: Sizes, axes: int) -> tuple[int, ...]:
    """One number an axis. Errors: ShapeError for another count."""
    sizes = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(sizes) != axes:
        raise ShapeError(f"{sizes} for {axes} axes", why="one number for each", mend="give as many")
    return sizes


class Windows:
    """Kernel, stride and dilation of each axis, with padding before and behind it.

    ceil: windows that begin inside but end outside count, too.
    """

    __slots__ = ("after", "ceil", "dilation", "kernel", "padding", "stride")

    def __init__(
        self,
        axes: int,
        kernel: Sizes,
        stride: Sizes | None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        *,
        after: Sizes | None = None,
        ceil: bool = False,
    ) -> None:
        self.kernel = each(kernel, axes)
        self.stride = self.kernel if stride is None else each(stride, axes)
        self.padding, self.dilation, self.ceil = each(padding, axes), each(dilation, axes), ceil
        self.after = self.padding if after is None else each(after, axes)

    def counts(self, sizes: Sequence[int]) -> list[int]:
        """How many windows there are along each axis. Errors: ShapeError unless one fits."""
        found = []
        facts = zip(sizes, self.kernel, self.stride, self.padding, self.after, self.dilation, strict=True)
        for size, k, s, before, after, d in facts:
            room = size + before + after - d * (k - 1) - 1
            if room < 0 or s < 1 or d < 1 or before < 0 or after < 0 or k < 1:
                raise ShapeError(
                    f"windows of {self.kernel} on {tuple(sizes)}: stride {self.stride}, "
                    f"padding {self.padding}, dilation {self.dilation}",
                    why="a window must fit, strides and dilations are at least 1, padding at least 0",
                    mend="pad more, or use smaller windows",
                )
            count = (-(-room // s) if self.ceil else room // s) + 1
            found.append(count - (self.ceil and (count - 1) * s >= size + before))
        return found

    def tiles(self, sizes: Sequence[int]) -> bool:
        """Whether the windows lie side by side and cover everything."""
        exact = all(size % k == 0 for size, k in zip(sizes, self.kernel, strict=True))
        plain = not any((*self.padding, *self.after)) and all(d == 1 for d in self.dilation)
        return exact and plain and self.stride == self.kernel

    def rows(self, lead: Sequence[int], first: int, inside: int, ndim: int) -> Rows:
        """Rows of a VIEW: leading source axes at the result's axes `lead`, then the windows' axes: places
        from `first` on, elements from `inside` on.
        """
        found = [(0, tuple(int(a == axis) for a in range(ndim))) for axis in lead]
        for i, (s, p, d) in enumerate(zip(self.stride, self.padding, self.dilation, strict=True)):
            steps = [0] * ndim
            steps[first + i], steps[inside + i] = s, d
            found.append((-p, tuple(steps)))
        return tuple(found)

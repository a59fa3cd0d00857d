"""Products of tensors by torch's names: dot, outer, bmm, einsum, attention; all end in matmul."""

from __future__ import annotations

import math
from collections.abc import Sequence
from string import ascii_letters
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError, ShapeError
from baregrad.tensor import check
from baregrad.tensor.ops.statistics import Statistics


class Products(Statistics):
    """Products of vectors, matrices and batches of them."""

    __slots__ = ()

    def dot(self, other: Self) -> Self:
        """The sum of the products of two vectors. Shapes: (n,), (n,) -> (). Errors: ShapeError otherwise."""
        return self._of_axes("dot", other, 1).matmul(other)

    def mv(self, vector: Self) -> Self:
        """A matrix times a vector. Shapes: (n, m), (m,) -> (n,). Errors: ShapeError otherwise."""
        return self._of_axes("mv", vector, 2, 1).matmul(vector)

    def mm(self, other: Self) -> Self:
        """The product of two matrices. Shapes: (n, k), (k, m) -> (n, m). Errors: ShapeError otherwise."""
        return self._of_axes("mm", other, 2).matmul(other)

    def bmm(self, other: Self) -> Self:
        """Products of matrices of equal batches. Shapes: (b, n, k), (b, k, m) -> (b, n, m).

        Errors: ShapeError otherwise.
        """
        if self.shape[:1] != other.shape[:1]:
            self._unfit("bmm", other, "both have the same first axis")
        return self._of_axes("bmm", other, 3).matmul(other)

    def baddbmm(self, a: Self, b: Self, *, beta: float = 1, alpha: float = 1) -> Self:
        """beta * x + alpha * bmm(a, b)."""
        return self * beta + a.bmm(b) * alpha

    def addmm(self, a: Self, b: Self, *, beta: float = 1, alpha: float = 1) -> Self:
        """beta * x + alpha * mm(a, b)."""
        return self * beta + a.mm(b) * alpha

    def outer(self, other: Self) -> Self:
        """All products of elements of two vectors. Shapes: (n,), (m,) -> (n, m)."""
        return self._of_axes("outer", other, 1).unsqueeze(1) * other.unsqueeze(0)

    def cross(self, other: Self, axis: int = -1) -> Self:
        """The vector at right angles to both, of 3 elements along an axis. Errors: ShapeError otherwise."""
        a, b = self.operands("cross", other)
        axis = check.axis_in(axis, a.ndim, "cross")
        if not a.ndim or a.shape[axis] != 3:
            self._unfit("cross", other, "the axis has 3 elements")
        return a.roll(-1, axis) * b.roll(1, axis) - a.roll(1, axis) * b.roll(-1, axis)

    def addmv(self, matrix: Self, vector: Self, *, beta: float = 1, alpha: float = 1) -> Self:
        """beta * x + alpha * mv(matrix, vector)."""
        return self * beta + matrix.mv(vector) * alpha

    def inner(self, other: Self) -> Self:
        """Sums of products along the last axes of both. Shapes: (…, n), (***, n) -> (…, ***)."""
        if not self.ndim or not other.ndim:
            return self * other
        return self.tensordot(other, ([-1], [-1]))

    def tensordot(self, other: Self, dims: int | tuple[Sequence[int], Sequence[int]] = 2) -> Self:
        """Sums of products over axes of both: pairs of them, or the last ones here and the first ones there.

        Shapes: the axes that are left, those of x first. Errors: ShapeError unless the sizes agree.
        """
        if isinstance(dims, int):
            dims = (tuple(range(self.ndim - dims, self.ndim)), tuple(range(dims)))
        mine = [check.axis_in(a, self.ndim, "tensordot") for a in dims[0]]
        theirs = [check.axis_in(a, other.ndim, "tensordot") for a in dims[1]]
        if [self.shape[a] for a in mine] != [other.shape[a] for a in theirs]:
            self._unfit("tensordot", other, f"axes {mine} are as long as axes {theirs}")
        left = [a for a in range(self.ndim) if a not in mine]
        right = [a for a in range(other.ndim) if a not in theirs]
        shape = [*(self.shape[a] for a in left), *(other.shape[a] for a in right)]
        joined = math.prod(self.shape[a] for a in mine)
        x = self.permute([*left, *mine]).reshape(math.prod(self.shape[a] for a in left), joined)
        y = other.permute([*theirs, *right]).reshape(joined, math.prod(other.shape[a] for a in right))
        return x.matmul(y).reshape(shape)

    def kron(self, other: Self) -> Self:
        """Each element times the whole other tensor, laid where the element was."""
        ndim = max(self.ndim, other.ndim)
        a = (1,) * (ndim - self.ndim) + self.shape
        b = (1,) * (ndim - other.ndim) + other.shape
        x = self.reshape([n for size in a for n in (size, 1)])
        y = other.reshape([n for size in b for n in (1, size)])
        return (x * y).reshape([m * n for m, n in zip(a, b, strict=True)])

    @check.takes("float")
    def cdist(self, other: Self, p: float = 2.0) -> Self:
        """The p-norm of the difference of each row and each other row.

        Shapes: (…, n, d), (…, m, d) -> (…, n, m). Errors: ShapeError for other shapes.
        """
        if self.ndim < 2 or other.ndim < 2 or self.shape[-1] != other.shape[-1]:
            self._unfit("cdist", other, "rows are (…, n, d) and (…, m, d)")
        return (self.unsqueeze(-2) - other.unsqueeze(-3)).norm(p, -1)

    def _of_axes(self, what: str, other: Self, mine: int, others: int | None = None) -> Self:
        """Itself, if both have as many axes as they should."""
        wanted = mine if others is None else others
        if (self.ndim, other.ndim) != (mine, wanted):
            self._unfit(what, other, f"it is of {mine} and {wanted} axes")
        return self

    def _unfit(self, what: str, other: Self, why: str) -> None:
        raise ShapeError(
            f"{what} of {self.shape} and {other.shape}", why=why, mend="reshape, or use matmul()"
        )

    # -- einsum ------------------------------------------------------------------------------------------

    @classmethod
    def einsum(cls, formula: str, *operands: Self) -> Self:
        """Sums of products over named axes: "ij,jk->ik". A name that is twice in one operand is its diagonal.

        Without an arrow the result has the names that stand once, in the order of the alphabet. Operands are
        joined from left to right, two by a product of matrices. An ellipsis stands for axes without a name,
        which broadcast; they come first in a result without an arrow.
        Errors: ShapeError for a formula that does not fit.
        """
        formula, operands = cls._without_ellipses(formula, operands)
        inputs, output = _parsed(formula, [t.shape for t in operands])
        for t in operands:
            check.taken(t.dtype, "int float", "einsum")
        terms = [t._with_names(names) for names, t in zip(inputs, operands, strict=True)]
        names, total = terms[0]
        for i, (others, term) in enumerate(terms[1:], 1):
            later = set(output).union(*(rest for rest, _ in terms[i + 1 :]))
            names, total = total._contracted(names, term, others, later)
        extra = [axis for axis, name in enumerate(names) if name not in output]
        if extra:
            total = total.sum(extra)
            names = "".join(name for name in names if name in output)
        return total.permute([names.index(name) for name in output]) if output else total

    @classmethod
    def _without_ellipses(cls, formula: str, operands: tuple[Self, ...]) -> tuple[str, tuple[Self, ...]]:
        """Ellipses as letters that are free; axes of size 1 that others broadcast are left out."""
        text = formula.replace(" ", "")
        left, arrow, right = text.partition("->")
        terms = left.split(",")
        if "..." not in text or len(terms) != len(operands):
            return formula, operands
        free = [letter for letter in ascii_letters if letter not in text]
        counts = [
            t.ndim - len(term) + 3 if "..." in term else 0 for t, term in zip(operands, terms, strict=True)
        ]
        most = max(0, *counts)
        letters = "".join(free[:most])
        wide: dict[str, int] = {}
        names = [letters[most - count :] if count > 0 else "" for count in counts]
        for t, term, mine in zip(operands, terms, names, strict=True):
            start = term.find("...")
            for place, letter in enumerate(mine):
                wide[letter] = max(wide.get(letter, 1), int(t.shape[start + place]))
        found = []
        for i, (t, term, mine) in enumerate(zip(operands, terms, names, strict=True)):
            start = term.find("...")
            gone = [p for p, letter in enumerate(mine) if t.shape[start + p] == 1 and wide[letter] > 1]
            for place in reversed(gone):
                t = t.squeeze(start + place)
            kept = "".join(letter for p, letter in enumerate(mine) if p not in gone)
            terms[i] = term.replace("...", kept)
            found.append(t)
        every = "".join(terms)
        named = "".join(sorted(n for n in set(every) - set(letters) if every.count(n) == 1))
        output = right.replace("...", letters) if arrow else letters + named
        return f"{','.join(terms)}->{output}", tuple(found)

    def _with_names(self, names: str) -> tuple[str, Self]:
        """Names, each once, and the tensor with the diagonals of names that stood twice."""
        x = self
        while len(set(names)) < len(names):
            name = next(n for n in names if names.count(n) > 1)
            first, second = names.index(name), names.rindex(name)
            names = names[:first] + names[first + 1 : second] + names[second + 1 :] + name
            x = x.diagonal(0, first, second)
        return names, x

    def _contracted(self, mine: str, other: Self, theirs: str, later: set[str]) -> tuple[str, Self]:
        """Two operands as one product of matrices: batch, left, right and summed names."""
        x, mine = self._summed(mine, later.union(theirs))
        y, theirs = other._summed(theirs, later.union(mine))
        shared = [n for n in mine if n in theirs]
        batch = [n for n in shared if n in later]
        summed = [n for n in shared if n not in later]
        left, right = [n for n in mine if n not in shared], [n for n in theirs if n not in shared]
        size = {**dict(zip(theirs, y.shape, strict=True)), **dict(zip(mine, x.shape, strict=True))}

        def count(names: list[str]) -> int:
            return math.prod(size[n] for n in names)

        a = x.permute([mine.index(n) for n in (*batch, *left, *summed)])
        b = y.permute([theirs.index(n) for n in (*batch, *summed, *right)])
        a = a.reshape(count(batch), count(left), count(summed))
        product = a.matmul(b.reshape(count(batch), count(summed), count(right)))
        names = "".join((*batch, *left, *right))
        return names, product.reshape([size[n] for n in names])

    def _summed(self, names: str, wanted: set[str]) -> tuple[Self, str]:
        """Summed over the names that nobody wants."""
        gone = [axis for axis, name in enumerate(names) if name not in wanted]
        kept = "".join(name for name in names if name in wanted)
        return (self.sum(gone) if gone else self), kept

    # -- attention ---------------------------------------------------------------------------------------

    def scaled_dot_product_attention(
        self,
        key: Self,
        value: Self,
        attn_mask: Self | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        *,
        scale: float | None = None,
    ) -> Self:
        """softmax(q @ k.T * scale + mask) @ v, scale being 1 / sqrt(d) unless given.

        A bool mask says where to look, a float one is added; is_causal looks at keys up to the query's place.
        A query that may look nowhere gives zeros.
        Shapes: (…, n, d), (…, m, d), (…, m, e), mask that broadcasts to (…, n, m) -> (…, n, e).
        Errors: ShapeError, DTypeError unless they fit; ShapeError for a mask together with is_causal.
        Source: Vaswani and others 2017, eq. 1.
        """
        _check_attention(self, key, value, attn_mask, is_causal)
        weights = self.attention_weights(key, attn_mask, is_causal, scale=scale)
        return weights.dropout(dropout_p).matmul(value)

    @check.takes("float")
    def attention_weights(
        self, key: Self, attn_mask: Self | None = None, is_causal: bool = False, *, scale: float | None = None
    ) -> Self:
        """softmax(q @ k.T * scale + mask): what scaled_dot_product_attention multiplies the values with.

        Shapes: (…, n, d), (…, m, d), mask that broadcasts to (…, n, m) -> (…, n, m).
        Errors: ShapeError, DTypeError unless they fit.
        """
        size = 1 / math.sqrt(max(self.shape[-1], 1)) if scale is None else scale
        scores = (self * size).matmul(key.transpose(-2, -1))
        n, m = scores.shape[-2:]
        if is_causal:
            attn_mask = self._places(m, 1, 2) <= self._places(n, 0, 2)
        if attn_mask is None:
            return scores.softmax(-1)
        _check_mask(scores.shape, attn_mask)
        scores = scores if self.dtype.has_inf else scores.cast(dt.float32)
        whether = attn_mask.dtype is dt.bool_
        scores = scores.where(attn_mask, -math.inf) if whether else scores + attn_mask.cast(scores.dtype)
        return scores._attention_weights().cast(self.dtype)

    def _attention_weights(self) -> Self:
        """softmax of the last axis, with zeros where all of it is -inf."""
        top = self.max(-1, keepdim=True).detach()
        blind = top.eq(-math.inf)
        seen = self.ne(-math.inf)
        powers = (self - top.where(~blind, 0)).where(seen, 0).exp().where(seen, 0)
        total = powers.sum(-1, keepdim=True)
        return powers / total.where(~blind, 1)


def _parsed(formula: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The names of each operand and of the result."""
    text = formula.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    every = "".join(inputs)
    output = right if arrow else "".join(sorted(n for n in set(every) if every.count(n) == 1))
    sizes: dict[str, int] = {}
    fits = len(inputs) == len(shapes) and all(len(a) == len(s) for a, s in zip(inputs, shapes, strict=False))
    if fits:
        for names, shape in zip(inputs, shapes, strict=True):
            fits &= all(sizes.setdefault(name, size) == size for name, size in zip(names, shape, strict=True))
    letters = all(name.isalpha() for name in every + output)
    if not fits or not letters or len(set(output)) != len(output) or not set(output) <= set(every):
        raise ShapeError(
            f"einsum {formula!r} of {shapes}",
            why="each operand has a letter for each axis, each letter one size, the result its letters once",
            mend="write letters, commas and one -> that fit the shapes",
        )
    return inputs, output


def _check_attention(
    query: Products, key: Products, value: Products, mask: Products | None, is_causal: bool
) -> None:
    shapes = query.shape, key.shape, value.shape
    if min(map(len, shapes)) < 2 or shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise ShapeError(
            f"attention of {shapes[0]} to {shapes[1]} with values {shapes[2]}",
            why="queries (…, n, d), keys (…, m, d), values (…, m, e)",
            mend="transpose or reshape them",
        )
    check.broadcast([shape[:-2] for shape in shapes], "attend")
    if mask is not None and is_causal:
        raise ShapeError(
            "attention with a mask and is_causal", why="is_causal is a mask", mend="join both to one mask"
        )
    kinds = {query.dtype, key.dtype, value.dtype}
    if len(kinds) > 1 or not query.dtype.is_float:
        raise DTypeError(
            f"attention of {', '.join(map(str, (query.dtype, key.dtype, value.dtype)))}",
            why="queries, keys and values have one dtype of floats",
            mend="cast them",
        )


def _check_mask(shape: tuple[int, ...], mask: Products) -> None:
    if check.broadcast([shape, mask.shape], "mask") != shape:
        raise ShapeError(
            f"attention of {shape} with a mask of {mask.shape}",
            why="the mask broadcasts to the scores, (…, n, m), and not the other way round",
            mend="reshape the mask",
        )
    if mask.dtype is not dt.bool_ and not mask.dtype.is_float:
        raise DTypeError(
            f"attention with a mask of {mask.dtype}",
            why="a mask is bool (where to look) or of floats (added)",
            mend="cast it to one of these",
        )

"""Division and remainder of sums by constants: the functions behind rows of integer.py.

Over unbounded integers and for n > 0, with floor division:
  (n*a + b) // n = a + b // n               (n*a + b) % n = b % n
  (g*a + b) // (g*m) = a // m               (g*a + b) % (g*m) = g*(a % m) + b       where 0 <= b < g
  (x // m) // n = x // (m*n)                (x % (n*m)) // n = x // n % m           (x % (n*m)) % n = x % n
Sums are in sums.py.
"""

from __future__ import annotations

from baregrad.ir import ops
from baregrad.ir.rules.sums import Sum, sum_of
from baregrad.ir.uop import UOp, const


def divide(root: UOp) -> UOp | None:
    """x // n with what is known of the sum x."""
    x, n = root.src[0], root.src[1].arg
    form = sum_of(x)
    if n <= 0 or form is None:
        return None
    low, high = form.bounds()
    if low < form.dtype.min or high > form.dtype.max:
        return None
    if n == 1 or low // n == high // n:
        return x if n == 1 else const(low // n, root.dtype)
    whole, rest = form.split(n)
    whole.terms = {atom: factor // n for atom, factor in whole.terms.items()}
    whole.constant = rest.bounds()[0] // n  # so that what is left to divide is not negative
    rest.constant -= whole.constant * n
    if not rest.fits():
        return None
    made = _divide_rest(rest, n, x)
    if made is None:
        if not whole.terms and not whole.constant:
            return None
        made = UOp(ops.IDIV, root.dtype, (rest.node(), root.src[1]))
    whole.add(made)
    made = whole.node()
    return None if made is root else made


def _divide_rest(rest: Sum, n: int, x: UOp) -> UOp | None:
    """The quotient of a sum without multiples of n; None if it is no better than it was."""
    low, high = rest.bounds()
    if low // n == high // n:
        return const(low // n, rest.dtype)
    for g in rest.factors(n):
        whole, small = rest.split(g)
        up, small.constant = small.constant // g, small.constant % g
        low, high = small.bounds()
        if low >= 0 and high < g:
            above = whole.divided(g)
            above.constant = up
            return _quotient(above.node(), n // g)
    atom = _single(rest)
    return None if atom is None else _nested(atom, rest.constant, n)


def _single(form: Sum) -> UOp | None:
    """The atom of atom + constant."""
    if len(form.terms) == 1:
        ((atom, factor),) = form.terms.items()
        if factor == 1 and atom.op in (ops.IDIV, ops.MOD) and atom.src[1].op is ops.CONST:
            return atom
    return None


def _nested(atom: UOp, constant: int, n: int) -> UOp | None:
    """(y // m + k) // n -> (y + k*m) // (m*n); (y % m) // n -> (y // n) % (m // n) if n divides m."""
    y, m = atom.src[0], atom.src[1].arg
    if m <= 0:
        return None
    if atom.op is ops.MOD:
        if constant or m % n:
            return None
        return UOp(ops.MOD, atom.dtype, (_quotient(y, n), const(m // n, atom.dtype)))
    form = sum_of(y)
    if form is None or m * n > form.dtype.max or not form.fits():
        return None
    form.constant += constant * m
    return _quotient(form.node(), m * n) if form.fits() else None


def _quotient(x: UOp, n: int) -> UOp:
    return x if n == 1 else UOp(ops.IDIV, x.dtype, (x, const(n, x.dtype)))


def remainder(root: UOp) -> UOp | None:
    """x % n with what is known of the sum x."""
    n = root.src[1].arg
    form = sum_of(root.src[0])
    if n <= 0 or form is None or not form.fits():
        return None
    made = _decided(form, n)
    if made is not None:
        return made.node()
    form = _unwrap(form, n)
    # Coefficients modulo n: all positive, or as near to zero as they can be, whichever decides more.
    positive = Sum(form.dtype, {a: f % n for a, f in form.terms.items() if f % n}, form.constant % n)
    near = Sum(form.dtype, {a: _near(f, n) for a, f in positive.terms.items()}, _near(positive.constant, n))
    made = _decided(positive, n) or _decided(near, n)
    if made is None:
        made = _split_remainder(positive, n)
    if made is None:
        reduced = all(abs(factor) < n for factor in (form.constant, *form.terms.values()))
        keep = (reduced and form.bounds()[0] >= 0) or not positive.fits()
        node = UOp(ops.MOD, root.dtype, ((form if keep else positive).node(), root.src[1]))
    else:
        node = made.node()
    return None if node is root else node


def _near(factor: int, n: int) -> int:
    factor %= n
    return factor - n if 2 * factor > n else factor


def _decided(form: Sum, n: int) -> Sum | None:
    """The remainder of a sum whose quotient is the same everywhere."""
    low, high = form.bounds()
    if low // n != high // n:
        return None
    return Sum(form.dtype, dict(form.terms), form.constant - low // n * n)


def _unwrap(form: Sum, n: int) -> Sum:
    """f*(y % m) -> f*y below a remainder by n, if n divides f*m."""
    made = form
    for atom, factor in form.terms.items():
        if atom.op is ops.MOD and atom.src[1].op is ops.CONST and atom.src[1].arg > 0:
            inner = sum_of(atom.src[0])
            if not factor * atom.src[1].arg % n and inner is not None and inner.fits():
                other = made.copy()
                other.put(atom, -factor)
                if other.add(atom.src[0], factor) and other.fits():
                    made = other
    return made


def _split_remainder(form: Sum, n: int) -> Sum | None:
    """g*(a % m) + b."""
    for g in form.factors(n):
        whole, small = form.split(g)
        up, small.constant = small.constant // g, small.constant % g
        low, high = small.bounds()
        if low >= 0 and high < g and (small.terms or small.constant or g > 1):
            above = whole.divided(g)
            above.constant = up
            if n // g > 1:
                m = const(n // g, form.dtype)
                small.put(UOp(ops.MOD, form.dtype, (above.node(), m)), g)
            return small
    return None

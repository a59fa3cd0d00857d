"""SELECT: masks that are known, branches that are equal, nested selections by one mask.

Laws of every dtype.
"""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.ir.match import Rules, rules
from baregrad.ir.pattern import any_, bools, select

m, k, x, y, z = any_("m"), any_("k"), any_("x"), any_("y"), any_("z")


@memo
def table() -> Rules:
    """The table."""
    # fmt: off
    return rules("select", [
        # name          pattern                          result              when
        ("true",        select(True, x, y),              x),
        ("false",       select(False, x, y),             y),
        ("same",        select(m, x, x),                 x),
        ("not_mask",    select(~m, x, y),                select(m, y, x)),
        ("mask",        select(m, True, False),          m,                  bools),
        ("mask_not",    select(m, False, True),          ~m,                 bools),
        ("and",         select(m, x, False),             m & x,              bools),
        ("or",          select(m, True, x),              m | x,              bools),
        ("inner_else",  select(m, x, select(m, y, z)),   select(m, x, z)),
        ("inner_then",  select(m, select(m, x, y), z),   select(m, x, z)),
        ("both_else",   select(m, x, select(k, x, y)),   select(m | k, x, y)),
        ("both_then",   select(m, select(k, x, y), y),   select(m & k, x, y)),
    ])
    # fmt: on

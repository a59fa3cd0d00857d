"""The tables of scalar code in one: values of KERNEL and LINEAR, everything that does not change loops."""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.ir.match import Rules, join
from baregrad.ir.rules import boolean, cast, identities, integer, select
from baregrad.ir.rules import float as float_


@memo
def table() -> Rules:
    """The table."""
    parts = (identities, boolean, select, float_, cast, integer)
    return join("value", *[part.table() for part in parts], integer.comparisons())

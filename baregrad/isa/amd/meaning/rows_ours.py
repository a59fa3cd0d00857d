"""Who has a meaning of ours, and which: the one place to ask.

The texts are in the other rows_*.py; what the manual gives is not here.
"""

from __future__ import annotations

from collections.abc import Mapping

from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.rows_formats import formatted
from baregrad.isa.amd.meaning.rows_given import Given, Refused
from baregrad.isa.amd.meaning.rows_matrix import matrix
from baregrad.isa.amd.meaning.rows_memory import memory
from baregrad.isa.amd.meaning.rows_scalar import scalar
from baregrad.isa.amd.meaning.rows_wave import wave


def ours(form: Form, fields: Mapping[str, int], constant: bool = False) -> Given | Refused | None:
    """The meaning of ours that a form has, the reason why it has none, or None for one that the manual gives.

    `fields` are the modifiers as raw bits by name; those that are missing are 0. `constant` says that S2 of a
    matrix product is a constant and no register.
    """
    found = matrix(form, fields, constant) or wave(form, fields) or formatted(form, fields)
    return found or memory(form) or scalar(form)

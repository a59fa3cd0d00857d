"""Records of the public operations: what each takes, gives and refuses, as data. Not imported with baregrad.

Read record.py first, then a table_*.py. tests/tensor/test_records*.py is made from them, `make compare` runs
them against torch, and docs/reference/operations.md lists them.
"""

from __future__ import annotations

from functools import cache

from baregrad.tensor.records import (
    table_activation,
    table_create,
    table_elementwise,
    table_gathering,
    table_loss,
    table_movement,
    table_products,
    table_random,
    table_reduce,
    table_sorting,
    table_windows,
)
from baregrad.tensor.records.record import VALUED, Array, Record, Refusal, Sample, gives, is_one

TABLES = (
    table_elementwise,
    table_activation,
    table_movement,
    table_gathering,
    table_reduce,
    table_products,
    table_windows,
    table_loss,
    table_create,
    table_sorting,
    table_random,
)

# Public names of Tensor that have no record, and why.
WITHOUT_RECORD = {
    "it puts elements elsewhere, or takes them out": "to assign realize tolist item numpy torch from_dlpack",
    "it works on the tape": "backward gradient register_hook retain_grad requires_grad_ requires_grad grad",
    "it is a fact of the tensor": "shape dtype device ndim numel value is_leaf",
    "operations are made with it": "of apply constant fit operands",
    "it gives nothing": "manual_seed",
}


@cache
def records() -> dict[str, Record]:
    """All records by name."""
    found: dict[str, Record] = {}
    for table in TABLES:
        for row in table.RECORDS:
            assert row.name not in found, f"{row.name} has two records"
            found[row.name] = row
    return found


__all__ = [
    "TABLES",
    "VALUED",
    "WITHOUT_RECORD",
    "Array",
    "Record",
    "Refusal",
    "Sample",
    "gives",
    "is_one",
    "records",
]

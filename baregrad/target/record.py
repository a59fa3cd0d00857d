"""The Target record: limits and abilities that passes ask for, instead of asking for a chip's name.

Pure data: the rows stand in render/targets.py, the CPU is asked there too. Reading order: the fields.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """What code for one kind of machine may use.

    `vector_bytes` is the widest vector; narrower powers of two down to `least_vector_bytes` exist too.
    `native_ops` are names of ops' rows; an op that is missing is decomposed. `native_dtypes` can be computed
    with, `storage_dtypes` at least be loaded, stored and converted. `local_bytes` is the scratch memory that
    one item of a grid may have in all. Cache sizes are bytes, of one core (l3: of all; 0: not known);
    `threads` is how many run at once; `convention` is how functions are called, where that is a choice.

    >>> Target("demo", "x86-64", vector_bytes=32, native_dtypes=frozenset({"float32"})).lanes(4)
    8
    """

    name: str
    arch: str
    features: frozenset[str] = frozenset()
    vector_bytes: int = 0
    least_vector_bytes: int = 16
    vector_registers: int = 0
    mask_registers: int = 0
    gprs: int = 0
    native_ops: frozenset[str] = frozenset()
    native_dtypes: frozenset[str] = frozenset()
    storage_dtypes: frozenset[str] = frozenset()
    threads: int = 1
    cache_line: int = 64
    l1_bytes: int = 32 * 1024
    l2_bytes: int = 1024 * 1024
    l3_bytes: int = 0
    max_lanes: int = 64
    local_bytes: int = 64 * 1024
    convention: str = "system-v"

    def lanes(self, itemsize: int) -> int:
        """How many elements of so many bytes the widest vector has."""
        return min(self.vector_bytes // itemsize, self.max_lanes) if self.vector_bytes else 1

    def has(self, *features: str) -> bool:
        """Whether all of the features are there."""
        return self.features.issuperset(features)

    def computes(self, dtype: str) -> bool:
        """Whether arithmetic in the dtype of this name is native."""
        return dtype in self.native_dtypes

    def stores(self, dtype: str) -> bool:
        """Whether the dtype of this name can be loaded, stored and converted natively."""
        return dtype in self.native_dtypes or dtype in self.storage_dtypes

    def cache_key(self) -> tuple[object, ...]:
        """All facts that code depends on, in a fixed order: a part of every key of the kernel cache."""
        values = (getattr(self, name) for name in self.__slots__)
        return tuple(tuple(sorted(value)) if isinstance(value, frozenset) else value for value in values)

"""Number formats: one row a dtype (table), promotion as data (promote), bit-exact conversion and storage (convert)."""

from baregrad.dtype.normalize import normalize
from baregrad.dtype.table import (
    ALL, BY_NAME, DType, Kind, bfloat16, bool_, float8e4m3, float8e5m2, float16, float32, float64,
    int8, int16, int32, int64, uint8, uint16, uint32, uint64, void,
)  # fmt: skip

__all__ = [
    "ALL", "BY_NAME", "DType", "Kind", "bfloat16", "bool_", "float8e4m3", "float8e5m2", "float16", "float32", "float64",
    "int8", "int16", "int32", "int64", "normalize", "uint8", "uint16", "uint32", "uint64", "void",
]  # fmt: skip

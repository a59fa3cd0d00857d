"""Write tests/dtype/promotion_torch.txt: what PyTorch says of every pair of dtypes; needs torch.

python tools/promotion_table.py > tests/dtype/promotion_torch.txt
"""

from __future__ import annotations

import torch

NAMES = {
    "bool": "bool",
    "uint8": "uint8",
    "uint16": "uint16",
    "uint32": "uint32",
    "uint64": "uint64",
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "int64": "int64",
    "float8e4m3": "float8_e4m3fn",
    "float8e5m2": "float8_e5m2",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "float32": "float32",
    "float64": "float64",
}
OURS = {getattr(torch, theirs): ours for ours, theirs in NAMES.items()}
WEAK = {"weak_bool": True, "weak_int": 1, "weak_float": 1.0}


def pair(a: str, b: str) -> str:
    """The common dtype, or a dash where PyTorch has none."""
    try:
        return OURS[torch.promote_types(getattr(torch, NAMES[a]), getattr(torch, NAMES[b]))]
    except RuntimeError:
        return "-"


def weak(a: str, number: object) -> str:
    """The dtype of an op on a tensor and a Python number."""
    try:
        return OURS[torch.result_type(torch.zeros(1, dtype=getattr(torch, NAMES[a])), number)]
    except RuntimeError:
        return "-"


print("# Promotion of dtypes, as stored facts of another implementation.")
print(f"# maker: tools/promotion_table.py, torch {torch.__version__.partition('+')[0]}; - is: refused there")
print("# columns: left, right, common dtype")
for left in NAMES:
    for right in NAMES:
        print(left, right, pair(left, right))
    for name, number in WEAK.items():
        print(left, name, weak(left, number))

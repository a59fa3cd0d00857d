"""The graph: UOps, their rows, rewriting, specs, text, interpreter, bounds, rules. Holds no memory. Read ops.py first."""

from baregrad.ir import ops
from baregrad.ir.ops import Op
from baregrad.ir.uop import Buffer, Scalar, Size, UOp, const, index, is_const, size_node, toposort

__all__ = ["Buffer", "Op", "Scalar", "Size", "UOp", "const", "index", "is_const", "ops", "size_node", "toposort"]

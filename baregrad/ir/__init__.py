"""The graph: UOps, their rows, rewriting, specs, text, interpreter, bounds, rules. Holds no memory.

Read ops.py first.
"""

from baregrad.ir import ops, pattern
from baregrad.ir.bounds import bounds, exact, ranges_of
from baregrad.ir.interpret import compile_kernel, compile_linear, evaluate, run_kernel, run_linear
from baregrad.ir.match import Rules, join
from baregrad.ir.match import rules as rule_table
from baregrad.ir.ops import Op
from baregrad.ir.passes import Pass, Pipeline, pipeline
from baregrad.ir.rewrite import rewrite, substitute, substitute_all
from baregrad.ir.rules import simplify, simplify_tensor
from baregrad.ir.spec import KERNEL, LINEAR, TENSOR, verify
from baregrad.ir.text import parse, text
from baregrad.ir.uop import Buffer, Scalar, Size, UOp, const, index, is_const, toposort

__all__ = [
    "bounds",
    "Buffer",
    "compile_kernel",
    "compile_linear",
    "const",
    "evaluate",
    "exact",
    "index",
    "is_const",
    "join",
    "KERNEL",
    "LINEAR",
    "Op",
    "ops",
    "parse",
    "Pass",
    "pattern",
    "Pipeline",
    "pipeline",
    "ranges_of",
    "rewrite",
    "rule_table",
    "Rules",
    "run_kernel",
    "run_linear",
    "Scalar",
    "simplify",
    "simplify_tensor",
    "Size",
    "substitute",
    "substitute_all",
    "TENSOR",
    "text",
    "toposort",
    "UOp",
    "verify",
]

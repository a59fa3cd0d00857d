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
from baregrad.ir.size import (
    Symbolic,
    Variable,
    bound_to,
    bounds_of,
    free_of,
    gather_variables,
    most,
    sized,
    value_of,
)
from baregrad.ir.spec import KERNEL, LINEAR, TENSOR, verify
from baregrad.ir.symbolic import (
    bound_graph,
    changed,
    free_graph,
    is_size,
    size_node,
    size_of_node,
    variable_node,
    variable_of,
    variables_of,
    with_numbers,
)
from baregrad.ir.text import parse, text
from baregrad.ir.uop import Buffer, Scalar, Size, UOp, const, index, is_const, toposort

__all__ = [
    "bound_graph",
    "bound_to",
    "bounds",
    "bounds_of",
    "Buffer",
    "changed",
    "compile_kernel",
    "compile_linear",
    "const",
    "evaluate",
    "exact",
    "free_graph",
    "free_of",
    "gather_variables",
    "index",
    "is_const",
    "is_size",
    "join",
    "KERNEL",
    "LINEAR",
    "most",
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
    "size_node",
    "size_of_node",
    "sized",
    "substitute",
    "substitute_all",
    "Symbolic",
    "TENSOR",
    "text",
    "toposort",
    "UOp",
    "value_of",
    "Variable",
    "variable_node",
    "variable_of",
    "variables_of",
    "verify",
    "with_numbers",
]

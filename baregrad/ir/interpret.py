"""The meaning of the IR, by running it: `evaluate` TENSOR graphs, `run_kernel` KERNEL graphs,
`run_linear` LINEAR lists.

Every backend is compared with these three. They are written for being right and easy to check, then for
speed: a conv net's training step is evaluated in seconds. One file a level: interpret_tensor,
interpret_kernel, interpret_linear; the arithmetic that they share is in interpret_values, the Python
source of scalar code in interpret_source.
"""

from baregrad.ir.interpret_kernel import compile_kernel, run_kernel
from baregrad.ir.interpret_linear import compile_linear, run_linear
from baregrad.ir.interpret_tensor import evaluate

__all__ = ["compile_kernel", "compile_linear", "evaluate", "run_kernel", "run_linear"]

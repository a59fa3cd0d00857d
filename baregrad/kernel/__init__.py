"""How a kernel is shaped for a target: axes, the optimisations as rows, the heuristic that chooses them.

Read axes.py, then opts.py.
"""

from baregrad.kernel.heuristic import heuristic
from baregrad.kernel.optimize import optimize
from baregrad.kernel.opts import Opt, parse, rows, show

__all__ = ["Opt", "heuristic", "optimize", "parse", "rows", "show"]

"""What targets lack, said with the ops that they have. Read table.py first: one row an op, with its error
bound.
"""

from baregrad.ir.decompose.table import ROWS, Decomposition, decompose, row_for, width_within

__all__ = ["ROWS", "Decomposition", "decompose", "row_for", "width_within"]

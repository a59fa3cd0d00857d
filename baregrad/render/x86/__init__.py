"""x86-64: LINEAR lists become machine code for AVX2 and AVX-512.

Reading order: rows.py and a table of rows_*.py (what an op becomes), template.py (the language of
the rows), selector.py, select.py (the pass and loops), counting.py, address.py, memory.py,
lanes.py, divide.py, then machine.py and abi.py (registers, frame), alias.py, and renderer.py, which
puts everything in a row.
"""

from baregrad.render.x86.renderer import render

__all__ = ["render"]

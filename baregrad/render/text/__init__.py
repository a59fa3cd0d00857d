"""Programs as text, for compilers that are not ours: c.py renders C11, from the rows of c_rows.py.

What is not here: compiling the text (runtime/c), and instructions (x86/).
"""

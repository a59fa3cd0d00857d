"""LINEAR lists to x86-64: selection by rows (rows_*.py), addresses and masks, frames, machine code.

Read rows.py and template.py first: how a row is written; then selector.py, and renderer.py for the order of it all.
"""

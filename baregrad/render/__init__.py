"""Renderers: LINEAR lists become programs. machine/ is what all instruction sets share; x86/ and the others
add theirs.
"""

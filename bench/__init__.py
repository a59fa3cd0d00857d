"""Measurements against PyTorch, side by side in one run; `make bench`. Not part of the package."""

"""What a piece of code is made for: the Target record. The rows, and what asks the CPU, are in render."""

from baregrad.target.record import Target

__all__ = ["Target"]

"""From KERNEL to LINEAR: `lower(ast, target)`. Read lower.py (the passes), then node.py, context.py, emit.py,
order.py.
"""

from baregrad.lower.foreign import COMPUTED_IN
from baregrad.lower.linear import STREAM, Linear
from baregrad.lower.lower import lower

__all__ = ["COMPUTED_IN", "Linear", "lower", "STREAM"]

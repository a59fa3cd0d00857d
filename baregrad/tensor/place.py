"""Where in the user's code a tensor was made: kept on the value, off the interned node, for the errors of
compilation.
"""

from __future__ import annotations

import os
import sys

import baregrad

_PACKAGE = os.path.dirname(baregrad.__file__) + os.sep


def user_line() -> str:
    """The innermost line outside of the package, as file:line."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        if frame.f_back is None:
            return ""
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"

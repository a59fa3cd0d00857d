"""What happened: figures of kernels (figures.py), listings (listing.py), debug output (debug.py), a
run's profile (profile.py).

Everything here hears of it through base.events; nothing depends on it.
"""

from baregrad.viz.debug import show, write
from baregrad.viz.figures import Figures, figures
from baregrad.viz.listing import assembly, hot_loop
from baregrad.viz.profile import KernelUse, Profile

__all__ = ["Figures", "KernelUse", "Profile", "assembly", "figures", "hot_loop", "show", "write"]

"""AMD's pseudocode, read into trees of our own. Read tree.py first."""

from __future__ import annotations

from baregrad.isa.pseudocode.parse import Unreadable, parse
from baregrad.isa.pseudocode.tree import Node, read, walk, written

__all__ = ["Node", "Unreadable", "parse", "read", "walk", "written"]

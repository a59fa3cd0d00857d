"""From a vendor's manual to tables: `extract(arch, paths)`, `show`, `report`.

Order: pdf.py or markdown.py (lines), entries.py and formats.py (what they say), merge.py (several readings),
tables.py (corrections, text), report.py.
"""

from __future__ import annotations

from baregrad.isa.amd.extract.report import report
from baregrad.isa.amd.extract.tables import Manual, extract, lines, show

__all__ = ["Manual", "extract", "lines", "report", "show"]

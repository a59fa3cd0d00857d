"""Write docs/reference from the tables of the package; with --check, say which pages are not current.

python tools/gen_docs.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from baregrad import dtype as dt
from baregrad.base import errors, load
from baregrad.base.config import knobs
from baregrad.base.errors import BaregradError, DTypeError

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
VALUED = [row for row in dt.ALL if row is not dt.void]


def table(head: list[str], rows: list[list[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def words(module: str) -> str:
    """What a module says of itself at its top, without its title."""
    return (load(module).__doc__ or "").partition("\n\n")[2].strip() + "\n"


def configuration() -> str:
    """The page of switches."""
    head = ["field", "environment", "default", "meaning", "in the cache key"]
    rows = [
        [f"`{k.name}`", f"`{k.env}`", f"{k.default!r}", k.sentence, "yes" if k.in_cache_key else ""]
        for k in knobs()
    ]
    return f"# Configuration\n\n{words('baregrad.base.config')}\n{table(head, rows)}"


def dtype_row(row: dt.DType) -> list[object]:
    """The facts of one dtype."""
    if not row.is_float:
        return [f"`{row.name}`", row.itemsize, "", f"{row.min} … {row.max}", ""]
    special = "inf, NaN" if row.has_inf else "NaN"
    span = f"±{row.max_finite:.6g}, step {row.epsilon:.3g} at 1"
    return [f"`{row.name}`", row.itemsize, f"{row.exponent} + {row.mantissa}", span, special]


def common(a: dt.DType, b: dt.DType) -> str:
    """The common dtype, or a dash where there is none."""
    try:
        return dt.common_dtype(a, b).name
    except DTypeError:
        return "–"


def dtypes() -> str:
    """The page of dtypes: rows, conversion, promotion."""
    head = ["name", "bytes", "exponent + mantissa", "range", "special values"]
    facts = table(head, [dtype_row(row) for row in VALUED])
    grid = table(
        ["", *(row.name for row in VALUED)], [[a.name, *(common(a, b) for b in VALUED)] for a in VALUED]
    )
    conversion, promotion = words("baregrad.dtype.convert"), words("baregrad.dtype.promote")
    return f"# Dtypes\n\n{facts}\n## Conversion\n\n{conversion}\n## Promotion\n\n{promotion}\n{grid}"


def error_section(kind: type[BaregradError]) -> str:
    """What one error means, with its example."""
    sentence, _, example = (kind.__doc__ or "").partition("\n\n")
    lines = dedent(example).rstrip()
    return f"## {kind.__name__}\n\n{sentence}\n\n```pycon\n{lines}\n```\n"


def error_page() -> str:
    """The page of errors: the tree, then each with a cause."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BaregradError)
    ]
    tree = (errors.__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0]
    sections = "\n".join(error_section(kind) for kind in kinds)
    return f"# Errors\n\n```text\n{dedent(tree).strip()}\n```\n\n{sections}"


PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": configuration,
    "dtypes.md": dtypes,
    "errors.md": error_page,
}
HEADER = "<!-- Written by tools/gen_docs.py from the tables of the package; do not edit. -->\n"


def pages() -> dict[Path, str]:
    """Each page's path and what it should be."""
    return {REFERENCE / name: HEADER + make() for name, make in PAGES.items()}


def main() -> int:
    """Write the pages, or check that they are what would be written."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: python tools/gen_docs.py")
        return 1 if stale else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(pages()[path])
    print(f"{len(stale)} of {len(PAGES)} pages written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

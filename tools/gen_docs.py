"""Write docs/reference from the tables of the package; with --check, say which pages are not current.

python tools/gen_docs.py [--check] [PAGE ...]
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from textwrap import dedent

from baregrad import dtype as dt
from baregrad.base import errors, load
from baregrad.base.config import knobs
from baregrad.base.errors import BaregradError, DTypeError
from baregrad.ir import ops, rules
from baregrad.ir.decompose import table as decompositions
from baregrad.ir.pattern import Dtypes
from baregrad.isa import Form
from baregrad.isa.amd.effects import effects
from baregrad.isa.amd.explain import effect_lines, signature
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.latency import latency_class
from baregrad.isa.amd.meaning import explained
from baregrad.isa.x86 import FORMS
from baregrad.isa.x86.builder import TABLES
from baregrad.kernel import rows as opts
from baregrad.lower.lower import PASSES
from baregrad.render import TARGETS
from baregrad.runtime import DEVICES, HostView, PeerCopy, Timestamps
from baregrad.tensor import Tensor
from baregrad.tensor.records import TABLES as RECORD_TABLES
from baregrad.tensor.records import WITHOUT_RECORD, Record

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
VALUED = [row for row in dt.ALL if row is not dt.void]

# ---- what pages say besides

OPS = """
Levels: T(ENSOR), K(ERNEL), L(INEAR). ulp: how far a target may be from the meaning in float32; nothing: not
at all. Flops: what one element costs, for the scheduler and for figures. Without it: what a target that
lacks the op computes instead (`ir/decompose/`), and how exactly that was measured to be.
"""
RULES = """
In patterns x y z m k match anything, c and d constants; a name that stands twice is one node. `exact`: as
ints, where the bounds show that nothing wraps. A rule whose result is a sentence computes it, or leaves the
node as it is. How a rule is written: `docs/guide/05_a_rewrite_rule.py`.
"""
PASS_ORDER = """
Before these, `schedule` makes KERNEL graphs and `kernel.optimize` shapes them; after them `render` makes
bytes. `python -m baregrad passes FILE` shows what each one made.
"""
INSTRUCTIONS = """
Needs: the CPU features that every form of the name asks for. Cycles: the latency that the ordering pass
counts with. `python -m baregrad disasm --hex BYTES` reads them.
"""
CHIP = """
One row an encoding of an instruction in the manual; what DPP, SDWA and addressing add is left out. Operands
are written as role:kind of so many bits. Scope: how often the meaning is done, a dash for none.
`python -m baregrad isa explain NAME --arch {chip}` prints every form of one with its bits and its meaning.
"""
OPERATIONS = """
Each has a record in `baregrad/tensor/records`, from which tests are made: values against numpy, gradients
against differences, edges, views, every dtype, the CPU against the reference device, jit against eager.
`make compare` runs them against torch {torch}. Dtypes: float, int and bool are all of a kind. Gives: float is
float32 for integers and bool, total is int64 for them. Gradient: twice is also a second derivative. Torch's
names are methods of `torch.Tensor` where nothing stands before them, F is `torch.nn.functional`; tinygrad's
are methods of `Tensor` in version {tinygrad}. A dash: nothing of the kind.
"""
OPERATORS = """
Operators (`+ - * / // % ** @ & | ^ ~ < <= > >= == !=`, indexing, `len`, `float`) are methods too.
"""


def table(head: list[str], rows: Iterable[list[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line).strip() + " |" for line in cells) + "\n"


def code(value: object) -> str:
    """Text in the font of code; nothing for nothing."""
    return f"`{value}`" if str(value) else ""


def first_sentence(documented: object) -> str:
    """What a function or class says of itself first, on one line."""
    paragraph = (inspect.getdoc(documented) or "").partition("\n\n")[0].replace("\n", " ")
    sentence, dot, _ = paragraph.partition(". ")
    return sentence + dot.strip()


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


# ---- ops


def decomposition_text(row: decompositions.Decomposition) -> str:
    """What an op becomes, and how exactly."""
    bound = f"{row.build.__module__.rpartition('.')[2]}.{row.build.__name__}"
    return f"{bound}, {row.ulp} ulp" if row.ulp else bound


def op_row(row: ops.Op) -> list[object]:
    """The facts of one op."""
    sources = "any" if row.arity is None else row.arity
    bound = "; ".join(map(decomposition_text, decompositions.by_op().get(row, ())))
    return [
        code(row.name),
        sources,
        row.levels,
        row.dtype,
        "yes" if row.gradient else "",
        row.ulp or "",
        row.flops or "",
        bound,
        f"{code(row.symbol)} {row.doc}".strip(),
    ]


def op_page() -> str:
    """The page of ops: elementwise ones, then the others."""
    head = ["op", "sources", "levels", "dtype rule", "gradient", "ulp", "flops", "without it", "meaning"]
    rows = ops.BY_NAME.values()
    both = [
        table(head, [op_row(row) for row in rows if row.elementwise is wanted]) for wanted in (True, False)
    ]
    about = words("baregrad.ir.ops")
    return f"# Ops\n\n{about}{OPS}\n## Elementwise\n\n{both[0]}\n## The others\n\n{both[1]}"


# ---- rules


@cache
def lambdas(path: str) -> list[ast.Lambda]:
    """The lambdas of a source file."""
    return [node for node in ast.walk(ast.parse(Path(path).read_text())) if isinstance(node, ast.Lambda)]


def lambda_text(function: Callable[..., object]) -> str:
    """What a lambda gives, as text: found by its line and the place of its first instruction."""
    inner = function.__code__
    places = {(line, column) for line, _, column, _ in inner.co_positions() if column is not None}
    line = inner.co_firstlineno
    for node in lambdas(inner.co_filename):
        inside = any((part.lineno, part.col_offset) in places for part in ast.walk(node.body)
                     if isinstance(part, ast.expr))  # fmt: skip
        if node.lineno == line and inside:
            return code(ast.unparse(node.body))
    return "computed"


def part_text(part: object) -> str:
    """One part of a rule: a pattern, a set of dtypes, or a function by what it says of itself."""
    if isinstance(part, Dtypes):
        return part.name
    if callable(part):
        return (
            lambda_text(part) if part.__name__ == "<lambda>" else first_sentence(part) or code(part.__name__)
        )
    return code(part)


def rule_page() -> str:
    """The page of rewrite rules, table by table."""
    sections = []
    for each in rules.tables():
        rows = [
            [
                row.name.partition(".")[2],
                code(row.pattern),
                part_text(row.result),
                ", ".join(map(part_text, row.when)),
            ]
            for row in each.rows
        ]
        sections.append(f"## {each.name}\n\n" + table(["name", "pattern", "result", "when"], rows))
    return f"# Rewrite rules\n{RULES}\n" + "\n".join(sections)


# ---- kernels, passes, targets, devices


def opt_page() -> str:
    """The page of kernel optimisations."""
    rows = []
    for row in opts().values():
        arguments, _, effect = row.doc.partition(": ")
        rows.append([code(row.name), arguments, effect])
    facts = table(["name", "arguments", "effect"], rows)
    return f"# Optimisations of kernels\n\n{words('baregrad.kernel.opts')}\n{facts}"


def pass_page() -> str:
    """The page of passes below KERNEL, in their order."""
    rows = [[code(p.name), p.spec or "", ", ".join(map(code, p.after)), p.why] for p in PASSES.passes]
    return f"# Passes\n{PASS_ORDER}\n{table(['pass', 'gives', 'after', 'why'], rows)}"


def target_page() -> str:
    """The page of targets."""
    rows = [
        [
            code(t.name),
            t.vector_bytes,
            f"{t.gprs} general, {t.vector_registers} vector, {t.mask_registers} mask",
            " ".join(sorted(t.native_dtypes)),
            " ".join(sorted(t.features)),
            t.local_bytes // 1024,
        ]
        for t in TARGETS
    ]
    head = ["target", "vector bytes", "registers", "dtypes", "needs of the CPU", "KiB of scratch memory"]
    return f"# Targets\n\n{words('baregrad.render.targets')}\n{table(head, rows)}"


def device_page() -> str:
    """The page of devices."""
    rows = []
    for name, row in DEVICES.items():
        kind = getattr(load(row.module), row.cls)
        able = [p.__name__ for p in (HostView, Timestamps, PeerCopy) if issubclass(kind, p)]
        wants = ", ".join(row.wants)
        rows.append([code(name), row.sentence, code(f"{row.module}.{row.cls}"), ", ".join(able), wants])
    head = ["device", "what it is", "class", "besides the contract", "wants from above"]
    return f"# Devices\n\n{words('baregrad.runtime.device')}\n{table(head, rows)}"


# ---- instructions


def encodings(forms: tuple[Form, ...]) -> str:
    """The encodings that the forms of a name have."""
    return " ".join(dict.fromkeys(type(form.encoding).__name__ for form in forms))


def instruction_page() -> str:
    """The page of x86-64 instructions: one line a name, in the order of the tables."""
    head = ["name", "forms", "encodings", "needs", "cycles"]
    names = dict.fromkeys(line.name for each in TABLES for line in each)
    rows = []
    for name in names:
        forms = FORMS[name]
        needs = " ".join(sorted(frozenset.intersection(*(form.needs for form in forms))))
        cycles = sorted({form.latency for form in forms})
        span = str(cycles[0]) if len(cycles) == 1 else f"{cycles[0]}-{cycles[-1]}"
        rows.append([name, len(forms), encodings(forms), needs, span])
    total = sum(len(FORMS[name]) for name in names)
    return (
        f"# Instructions of x86-64\n\n{len(names)} names, {total} forms.\n{INSTRUCTIONS}\n{table(head, rows)}"
    )


# ---- methods


def methods(kind: type) -> list[list[object]]:
    """The public methods and properties that a class itself defines."""
    rows: list[list[object]] = []
    for name, value in vars(kind).items():
        inner = getattr(value, "__func__", getattr(value, "fget", value))
        if name.startswith("_") or not inspect.isfunction(inner):
            continue
        names = [n for n in inspect.signature(inner).parameters if n not in ("self", "cls")]
        shown = name if isinstance(value, property) else f"{name}({', '.join(names)})"
        row = ops.BY_NAME.get(name)
        rows.append([code(shown), first_sentence(inner) or (row.doc if row else "")])
    return rows


def file_of(kind: type) -> str:
    """The file that a class of the package stands in."""
    return kind.__module__.removeprefix("baregrad.").replace(".", "/") + ".py"


def tensor_page() -> str:
    """The page of Tensor: its methods by the file that they stand in."""
    head = ["method", "what it gives"]
    sections = [
        f"## {file_of(kind)}\n\n{table(head, rows)}" for kind in Tensor.__mro__ if (rows := methods(kind))
    ]
    return f"# Tensor\n{OPERATORS}\n" + "\n".join(sections)


def gradient_text(row: Record) -> str:
    """Whether there is a gradient, or why not."""
    if row.gradient:
        return f"no: {row.gradient}"
    return f"once: {row.second}" if row.second else "twice"


def operation_row(row: Record) -> list[object]:
    """The facts of one operation."""
    theirs = row.torch_name.removeprefix("Tensor.").replace("x.", "")
    unlike = [row.differs, *(sample.differs for sample in row.samples)]
    notes = [f"torch: {text}" for text in dict.fromkeys(unlike) if text]
    notes += [f"as {code(row.same)}"] if row.same else []
    notes += [row.random] if row.random else []
    return [
        code(row.name) + (f" {code(row.operator)}" if row.operator else ""),
        row.dtypes or "–",
        " ".join(dict.fromkeys((row.gives, *(s.gives for s in row.samples if s.gives)))),
        gradient_text(row),
        code(theirs) or "–",
        code(row.tinygrad) or "–",
        "; ".join(notes),
    ]


def operation_page() -> str:
    """The page of public operations: a line a record."""
    head = ["operation", "dtypes", "gives", "gradient", "torch", "tinygrad", "notes"]
    sections = []
    for each in RECORD_TABLES:
        title = each.__name__.rpartition("table_")[2]
        sections.append(f"## {title}\n\n{table(head, map(operation_row, each.RECORDS))}")
    rest = table(
        ["names", "why they have no record"], [[names, why] for why, names in WITHOUT_RECORD.items()]
    )
    about = OPERATIONS.format(torch="2.13.0", tinygrad="0.14.0")
    return f"# Operations\n{about}\n" + "\n".join(sections) + f"\n## The others\n\n{rest}"


def chip_page(chip: str, wave: int) -> str:
    """The page of a chip of AMD: its instructions by format."""
    found: dict[str, dict[tuple[str, int], list[object]]] = {}
    for form in forms(chip, wave):
        entry = form.entry
        meaning = explained(form)
        scope = "–" if isinstance(meaning, str) else meaning.scope
        kind = latency_class(entry.format, entry.name).name
        said = "; ".join(effect_lines(effects(form)))
        row: list[object] = [code(form.name), entry.opcode, code(signature(form)), said, kind, scope]
        found.setdefault(entry.format, {}).setdefault((entry.name, entry.opcode), row)
    head = ["instruction", "opcode", "operands", "effects", "class", "scope"]
    parts = [f"## {name}\n\n{table(head, rows.values())}" for name, rows in found.items()]
    return f"# Instructions of {chip}, waves of {wave}\n{CHIP.format(chip=chip)}\n" + "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": configuration,
    "dtypes.md": dtypes,
    "errors.md": error_page,
    "ops.md": op_page,
    "rules.md": rule_page,
    "opts.md": opt_page,
    "passes.md": pass_page,
    "targets.md": target_page,
    "devices.md": device_page,
    "instructions.md": instruction_page,
    "tensor.md": tensor_page,
    "operations.md": operation_page,
    "amd-gfx1100.md": lambda: chip_page("gfx1100", 32),
    "amd-gfx950.md": lambda: chip_page("gfx950", 64),
}
HEADER = "<!-- Written by tools/gen_docs.py from the tables of the package; do not edit. -->\n"


def pages(names: Iterable[str]) -> dict[Path, str]:
    """The path of each of these pages and what it should be."""
    return {REFERENCE / name: HEADER + PAGES[name]() for name in names}


def main() -> int:
    """Write the pages, or check that they are what would be written."""
    made = pages([name for name in sys.argv[1:] if name != "--check"] or PAGES)
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: python tools/gen_docs.py")
        return 1 if stale else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(made[path])
    print(f"{len(stale)} of {len(made)} pages written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

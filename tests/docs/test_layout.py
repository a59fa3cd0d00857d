"""The style that checks itself: sizes, docstrings, messages, and what may stand in no file of the package.

What ruff, mypy and import-linter can say is theirs. Everything here reads the sources only.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from baregrad.render import TARGETS
from baregrad.runtime import DEVICES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "baregrad"
FILE_LINES, FUNCTION_LINES = 500, 60
EDGES = {"cli", "viz", "nn", "formats", "tensor"}  # the packages that may use libraries
LIBRARIES = {
    "numpy",
    "torch",
    "ml_dtypes",
    "sklearn",
    "safetensors",
    "rich",
    "click",
    "z3",
    "iced_x86",
    "capstone",
}
SELF = Path(__file__)

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "generated" not in path.parts)
SOURCES = [*MODULES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "tools").rglob("*.py"))]


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def area(path: Path) -> str:
    """The package below baregrad that a module is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def text(path: Path) -> str:
    return path.read_text()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


@pytest.fixture(scope="module", autouse=True)
def _parsed():
    """Read everything before the first test, whose own time it would be otherwise."""
    for path in SOURCES:
        nodes(path)


def is_table(path: Path) -> bool:
    """Whether a file is nothing but rows, by its name."""
    return path.stem == "table" or path.stem.startswith("table_")


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines_of(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = node.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = first.end_lineno - first.lineno + 1 if has_docstring else 0
    return node.end_lineno - node.lineno + 1 - docstring


@cache
def imports(path: Path) -> set[str]:
    """The full names of all imported modules, wherever the import stands."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@cache
def attributes(path: Path) -> set[str]:
    """Dotted names that are used, as "os.environ"."""
    used = (node for node in nodes(path) if isinstance(node, ast.Attribute))
    return {f"{node.value.id}.{node.attr}" for node in used if isinstance(node.value, ast.Name)}


def calls(path: Path) -> list[ast.Call]:
    return [node for node in nodes(path) if isinstance(node, ast.Call)]


def test_files_are_short():
    long = {
        short(p): text(p).count("\n") for p in SOURCES if not is_table(p) and text(p).count("\n") > FILE_LINES
    }
    assert not long, f"more than {FILE_LINES} lines; only files of rows, named table_*.py, may be: {long}"


def test_functions_are_short():
    long = [
        f"{short(path)}:{node.lineno} {node.name}: {lines_of(node)}"
        for path in SOURCES
        for node in functions(path)
        if lines_of(node) > FUNCTION_LINES
    ]
    assert not long, f"more than {FUNCTION_LINES} lines: {long}"


def test_every_file_begins_with_what_it_is():
    bare = [short(path) for path in SOURCES if text(path).strip() and not ast.get_docstring(tree(path))]
    assert not bare, f"no docstring at the top: {bare}"


def public_without_docstring(path: Path) -> list[str]:
    """Public classes, functions and methods that say nothing of themselves."""
    missing = []

    def visit(node: ast.Module | ast.ClassDef, prefix: str) -> None:
        for inner in node.body:
            named = isinstance(inner, ast.FunctionDef | ast.ClassDef) and not inner.name.startswith("_")
            if not named or (isinstance(inner, ast.FunctionDef) and is_exempt(inner)):
                continue
            if not ast.get_docstring(inner):
                missing.append(f"{short(path)}:{inner.lineno} {prefix}{inner.name}")
            if isinstance(inner, ast.ClassDef):
                visit(inner, f"{prefix}{inner.name}.")

    visit(tree(path), "")
    return missing


def is_exempt(node: ast.FunctionDef) -> bool:
    """An overload, a setter, or a whole function on one line: what it does can be seen beside it."""
    if node.lineno == node.end_lineno:
        return True
    shown = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(name.endswith(("overload", ".setter")) for name in shown)


def test_public_names_have_docstrings():
    missing = [name for path in MODULES for name in public_without_docstring(path)]
    assert not missing, missing


def says_nothing(node: ast.Raise) -> bool:
    """Whether a raise makes an error without a message."""
    made = node.exc
    if isinstance(made, ast.Call):
        return not made.args and not made.keywords
    return isinstance(made, ast.Name) and made.id[0].isupper()


def test_every_raise_has_a_message():
    silent = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Raise) and says_nothing(node)
    ]
    assert not silent, f"what happened, why, and the mend: {silent}"


def test_every_assert_has_a_message():
    silent = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Assert) and node.msg is None
    ]
    assert not silent, silent


def test_no_error_is_swallowed():
    swallowed = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(inner, ast.Pass) for inner in node.body)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert not swallowed, swallowed


def test_nothing_is_left_undone():
    words = re.compile(r"\b(TODO|HACK|FIXME|XXX)\b")
    found = [
        f"{short(path)}:{number}"
        for path in SOURCES
        if path != SELF
        for number, line in enumerate(text(path).splitlines(), 1)
        if words.search(line)
    ]
    assert not found, f"an issue or docs/decisions, not a mark in the code: {found}"


def test_nothing_prints_but_the_command_line():
    found = [
        f"{short(path)}:{call.lineno}"
        for path in MODULES
        if area(path) not in ("cli", "__main__")
        for call in calls(path)
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]
    assert not found, found


BANNED = [  # what                          where it may be           why
    ("os.environ", "baregrad/base/config.py", "switches are fields of Config"),
    ("os.getenv", "baregrad/base/config.py", "switches are fields of Config"),
    ("ctypes.Structure", "", "C structs are declared layouts over a memoryview"),
    ("ctypes.Union", "", "C structs are declared layouts over a memoryview"),
    ("pickle", "", "files that are read back are JSON, safetensors or our own checked binary"),
    ("marshal", "", "files that are read back are JSON, safetensors or our own checked binary"),
]


@pytest.mark.parametrize("name, allowed, why", BANNED, ids=[row[0] for row in BANNED])
def test_banned(name, allowed, why):
    found = [
        short(path) for path in MODULES if name in imports(path) | attributes(path) and short(path) != allowed
    ]
    assert not found, f"{name}: {why}: {found}"


def test_no_library_between_tensor_and_bytes():
    found = {
        short(path): used
        for path in MODULES
        if area(path) not in EDGES
        and (used := {name.partition(".")[0] for name in imports(path)} & LIBRARIES)
    }
    assert not found, found


def test_imports_stand_at_the_top():
    """An import inside a function is for a third-party package that only one feature needs."""
    found = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom | ast.Import) and "baregrad" in ast.unparse(node)
    ]
    assert not found, found


STATE = {  # module variables that change, which ARCHITECTURE.md names
    "baregrad/base/config.py _current": "the switches, per context",
    "baregrad/engine/session.py SESSION": "memory, and what lies in it",
    "baregrad/ir/uop.py _NODES": "the nodes that are alive",
    "baregrad/tensor/autograd.py _recording": "no_grad, per context",
}
CHANGES = {"append", "add", "clear", "discard", "extend", "insert", "pop", "popitem", "put", "remove",
           "reset", "set", "setdefault", "update"}  # fmt: skip
HOLDERS = {"ContextVar", "Session", "WeakTable", "local"}  # classes whose objects are there to be changed


def variables(path: Path) -> dict[str, ast.expr | None]:
    """The names that a module assigns, and what to."""
    found = {}
    for node in tree(path).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update((target.id, node.value) for target in targets if isinstance(target, ast.Name))
    return found


def changed_by(function: ast.FunctionDef) -> set[str]:
    """The names whose objects a function changes, but its own."""
    inner = list(ast.walk(function))
    stored = {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own = stored | {n.arg for n in inner if isinstance(n, ast.arg)}
    found = {name for n in inner if isinstance(n, ast.Global) for name in n.names}
    for node in inner:
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found |= {ast.unparse(node.value)} - own
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES
        ):
            found |= {ast.unparse(node.func.value)} - own
    return found


def test_modules_hold_no_state_but_the_named():
    found = set()
    for path in MODULES:
        own = variables(path)
        names = {name for function in functions(path) for name in changed_by(function)} & set(own)
        names |= {
            name
            for name, value in own.items()
            if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in HOLDERS
        }
        found |= {f"{short(path)} {name}" for name in names}
    assert found == set(STATE), f"not named in STATE: {found - set(STATE)}; gone: {set(STATE) - found}"


def test_nobody_asks_for_the_name_of_a_device_or_processor():
    """What a layer wants to know is a fact of a row: of the device, or of the Target."""
    named = set(DEVICES) | {name for target in TARGETS for name in (target.name, target.arch)}
    found = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        if area(path) not in ("render", "runtime", "cli")
        for node in nodes(path)
        if isinstance(node, ast.Compare)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and part.value in named
    ]
    assert not found, found


WORLDLY = {"__main__", "base", "cli", "engine", "formats", "nn", "runtime", "tensor", "viz"}
OUTSIDE = {"ctypes", "mmap", "multiprocessing", "os", "pathlib", "random", "shutil", "signal", "socket",
           "subprocess", "tempfile", "threading", "time"}  # fmt: skip
# An emulated device has gigabytes of memory, of which only what is used is taken.
ALLOWED = {"baregrad/emu/amd/memory.py": {"mmap"}}


def test_the_compiler_only_computes():
    """From graphs to bytes nothing reads a file, a clock or memory: equal graphs give equal code. What
    extracts tables from a manual stands beside that.
    """
    found = {
        short(path): used
        for path in MODULES
        if area(path) not in WORLDLY
        and "extract" not in path.parts
        and (
            used := {name.partition(".")[0] for name in imports(path)}
            & OUTSIDE - ALLOWED.get(short(path), set())
        )
    }
    assert not found, found


def named_paths(document: Path) -> list[str]:
    """What stands in backticks or is linked, and looks like a path of this repository."""
    written = re.findall(r"`([\w./-]+)`", text(document)) + re.findall(r"\]\(([\w./-]+)\)", text(document))
    return [name for name in written if "/" in name and not name.startswith(("/", "http", "."))]


DOCUMENTS = [
    *(ROOT / name for name in ("ARCHITECTURE.md", "README.md", "CONTRIBUTING.md")),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "reference" not in path.parts),
]


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if path.exists()], ids=lambda path: short(path)
)
def test_every_path_that_a_document_names_exists(document):
    gone = [
        name
        for name in named_paths(document)
        if not any((base / name).exists() for base in (ROOT, PACKAGE, document.parent))
    ]
    assert not gone, gone


def test_every_package_is_in_the_architecture():
    if not (ROOT / "ARCHITECTURE.md").exists():
        pytest.skip("there is no ARCHITECTURE.md")
    written = text(ROOT / "ARCHITECTURE.md")
    packages = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    missing = [name for name in packages if f"`{name}/`" not in written]
    assert not missing, missing


# ---- every module is reached by tests of its own package

COVERED_BY: dict[str, str] = {}  # a module that no test imports, and the test that runs it all the same


@cache
def named_modules(path: Path) -> set[Path]:
    """The files of the package that a source imports, or names in full (as lazy loading does)."""
    names = set(re.findall(r"baregrad(?:\.\w+)+", text(path)))
    lines = re.findall(r"^from (baregrad[.\w]*) import (\([^)]*\)|.*)$", text(path), re.MULTILINE)
    for parent, listed in lines:
        names |= {f"{parent}.{name}" for name in re.findall(r"\w+", listed)}
    bases = (ROOT / name.replace(".", "/") for name in names)
    files = (file for base in bases for file in (base.with_suffix(".py"), base / "__init__.py"))
    return {file for file in files if file.exists()}


def reached(package: str) -> set[Path]:
    """The modules of one package that tests import, and what these import of their own package."""
    tests = (ROOT / "tests").rglob("*.py")
    inside = {path for path in MODULES if area(path) == package}
    found: set[Path] = set()
    waiting = {path for test in tests for path in named_modules(test)} & inside
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= (named_modules(path) & inside) - found
    return found


def test_every_module_has_its_tests():
    packages = {area(path) for path in MODULES} - {"__init__", "__main__"}
    reachable = {path for package in packages for path in reached(package)}
    own = [path for path in MODULES if path.stem not in ("__init__", "__main__")]
    missing = [short(path) for path in own if path not in reachable and short(path) not in COVERED_BY]
    assert not missing, f"no test imports their package; write one, or add a row to COVERED_BY: {missing}"
    gone = [name for row in COVERED_BY.items() for name in row if not (ROOT / name).exists()]
    assert not gone, f"rows of COVERED_BY that name what is not there: {gone}"

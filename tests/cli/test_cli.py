"""Every verb answers; wrong arguments end with status 2 and say what is wrong; errors of ours with 1."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from baregrad.base import override
from baregrad.base.errors import ConfigError
from baregrad.cli import VERBS, main
from baregrad.cli.config import command as config_command
from baregrad.cli.demo import command as demo_command
from baregrad.cli.devices import command as devices_command
from baregrad.cli.disasm import command as disasm_command
from baregrad.cli.doctor import command as doctor_command
from baregrad.cli.help import command as help_command
from baregrad.cli.passes import command as passes_command
from baregrad.tensor import Tensor

ROOT = Path(__file__).parents[2]


def run(capsys, *arguments):
    """Status, output and errors of a call."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    printed = capsys.readouterr()
    return caught.value.code, printed.out, printed.err


def test_the_table_names_the_commands():
    commands = (
        config_command,
        demo_command,
        devices_command,
        disasm_command,
        doctor_command,
        help_command,
        passes_command,
    )
    assert {command.name for command in commands} <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help(capsys, verb):
    assert run(capsys, "help", verb)[0] == 0
    status, out, _ = run(capsys, verb, "--help")
    assert status == 0
    assert "Usage: baregrad" in out


def test_the_list_of_verbs(capsys):
    status, out, _ = run(capsys, "help")
    assert status == 0
    assert all(f"  {name}" in out and sentence in out for name, (_, sentence) in VERBS.items())


def test_version(capsys):
    assert "0.1.0" in run(capsys, "--version")[1]


# fmt: off
WRONG = [  # arguments, a word of the message
    (["nonsense"],                               "nonsense"),
    (["help", "nonsense"],                       "nonsense"),
    (["config", "more"],                         "more"),
    (["devices", "--all"],                       "--all"),
    (["disasm", "no_such_kernel"],               "no_such_kernel"),
    (["disasm", "--hex", "xyz"],                 "--hex"),
    (["disasm", "--hex", "c3", "kernel"],        "one of"),
    (["disasm", "--file", "/no/such/file"],      "/no/such/file"),
    (["passes"],                                 "FILE"),
    (["passes", "/no/such/file.py"],             "/no/such/file.py"),
    (["demo", "--epochs", "-1"],                 "--epochs"),
    (["demo", "--epochs", "many"],               "--epochs"),
    (["demo", "--device", "abacus"],             "abacus"),
    (["demo", "--load", "/no/such/file"],        "/no/such/file"),
]
# fmt: on


@pytest.mark.parametrize("arguments, word", WRONG, ids=[" ".join(row[0]) for row in WRONG])
def test_wrong_arguments(capsys, arguments, word):
    status, _, errors = run(capsys, *arguments)
    assert status == 2
    assert word in errors


def test_config(capsys):
    with override(debug=0, threads=3):
        _, out, _ = run(capsys, "config")
    assert "BG_THREADS" in out
    assert "3 (default 0)" in out


def test_devices(capsys):
    _, out, _ = run(capsys, "devices")
    assert all(name in out for name in ("cpu", "null", "reference", "features"))


def test_disasm_of_bytes(capsys, tmp_path):
    assert "mov eax, 0x2a" in run(capsys, "disasm", "--hex", "b8 2a 00 00 00 c3")[1]
    (tmp_path / "code").write_bytes(bytes.fromhex("b82a000000c3"))
    assert "ret" in run(capsys, "disasm", "--file", str(tmp_path / "code"))[1]


def test_disasm_of_the_cache(capsys, tmp_path):
    with override(cache_dir=str(tmp_path / "cache"), device="cpu"):
        (Tensor([1.0, 2.0, 5.0, 9.0, 11.0]) * 3 + 1.25).tolist()
        _, listed, _ = run(capsys, "disasm")
        name = listed.split()[-1]
        status, out, _ = run(capsys, "disasm", name)
    assert status == 0
    assert "ret" in out


def test_passes(capsys, tmp_path):
    program = tmp_path / "program.py"
    lines = ("import sys", "from baregrad import Tensor", "x = Tensor([1.0, 2.0])")
    program.write_text("\n".join((*lines, "print((x * 7 + 3).tolist(), sys.argv[1:])")))
    with override(device="cpu"):
        status, out, _ = run(capsys, "passes", str(program), "word")
    assert status == 0
    assert "[10.0, 17.0] ['word']" in out
    titles = [line.split(" after ")[1] for line in out.splitlines() if line.startswith("== ")]
    assert titles[0] == "schedule"
    assert titles[-1] == "bytes"
    assert {"kernel.optimize", "lower", "render"} <= set(titles)


def test_errors_of_ours_have_no_traceback(capsys, tmp_path, monkeypatch):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"")
    status, _, errors = run(capsys, "demo", "--epochs", "0", "--load", str(bad))
    assert status == 1
    assert errors.startswith("BadFile: ")
    assert "mend" in errors


def test_the_demo_says_what_it_lacks(capsys, monkeypatch):
    def lacking(package, *, wanted_for, extra):
        raise ConfigError(f"the package {package} is not installed", mend=f"pip install 'baregrad[{extra}]'")

    monkeypatch.setattr("baregrad.cli.digits.optional", lacking)
    status, _, errors = run(capsys, "demo")
    assert status == 1
    assert "baregrad[demo]" in errors


@pytest.mark.slow
def test_as_a_program():
    call = [sys.executable, "-m", "baregrad", "devices"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    call[-1] = "nonsense"
    assert subprocess.run(call, capture_output=True, cwd=ROOT, timeout=60).returncode == 2


@pytest.mark.slow
def test_importing_loads_little():
    timed = "t = time.perf_counter(); import baregrad; print(time.perf_counter() - t, *sys.modules)"
    code = "import sys, time; " + timed
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    seconds, *modules = done.stdout.split()
    assert float(seconds) < 0.3
    assert not {"numpy", "rich", "click", "safetensors", "baregrad.tensor", "baregrad.engine"} & set(modules)

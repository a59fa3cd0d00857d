"""Extraction finds what a manual says, in both kinds of file, and says what it does not find."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from baregrad.base.errors import BadFile
from baregrad.cli.isa import command
from baregrad.isa.amd import ARCHS, archs, errata
from baregrad.isa.amd.extract import extract, report, show
from baregrad.isa.pseudocode import written
from tests.isa.amd.manuals import MARKDOWN, printed


@pytest.fixture
def markdown(tmp_path: Path) -> Path:
    path = tmp_path / "manual.md"
    path.write_text(MARKDOWN)
    return path


def test_markdown(markdown: Path) -> None:
    manual = extract("new", [markdown])
    found = [
        (name, one.opcode, one.name, one.tree and written(one.tree)) for name, one in manual.instructions
    ]
    twist = "(do (= (. D0 u32) (^ (. S0 u32) (. S1 u32))))"
    assert found == [
        ("VOP2", 3, "V_TWIST_B32", twist),
        ("VOP2", 4, "V_ROLL_B32", "(do (= (. D0 u32) (<< (. S0 u32) 1)))"),
        ("VOP3A", 260, "V_TWIST_B32", twist),
    ]
    assert manual.instructions[1][1].examples == (("V_ROLL_B32", (1,), 2),)
    assert manual.promotions == {"VOP2": 0x100}
    formats = {one.name: one for one in manual.formats}
    assert [(f.name, f.parts) for f in formats["VOP2"].fields] == [
        ("SRC0", ((8, 0),)), ("VDST", ((16, 9),)), ("OP", ((30, 25),)), ("ENCODING", ((31, 31),)),
    ]  # fmt: skip
    assert formats["VOP3A"].encoding == "110100"


def test_pdf(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2", reason="PDFs are read with the extra isa")
    path = tmp_path / "manual.pdf"
    path.write_bytes(printed())
    manual = extract("new", [path])
    [(name, one)] = manual.instructions
    assert (name, one.name, one.opcode, one.page) == ("VOP2", "V_TWIST_B32", 3, 1)
    assert one.tree is not None
    assert written(one.tree) == "(do (if (> (. S0 u32) 3) (do (= (. D0 u32) (. S1 u32))) (do)))"
    assert [f.name for f in manual.formats[0].fields] == ["VDST", "OP", "ENCODING"]
    assert manual.formats[0].opcodes == {3: "V_TWIST_B32", 4: "V_ROLL_B32"}


def test_two_conversions_lose_different_lines(markdown: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text(
        MARKDOWN.replace("`D0.u32 = S0.u32 << 1`", "").replace("// twisted\n", "SCC = D0.u32 != 0\n")
    )
    manual = extract("new", [markdown, other])
    trees = {one.name: written(one.tree) for name, one in manual.instructions if name == "VOP2" and one.tree}
    assert trees["V_ROLL_B32"] == "(do (= (. D0 u32) (<< (. S0 u32) 1)))"
    assert "SCC" in trees["V_TWIST_B32"]
    assert manual.notes == ["V_TWIST_B32 3: 2 different bodies"]


def test_errata_are_applied_and_must_correct_something(
    markdown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (
        errata.Erratum("new", "opcodes", "VOP2 as VOP3A", "0x100", "259 is 3 + 0x100"),
        errata.Erratum("new", "field", "VOP3A.ENCODING", "31:25", "as an example"),
        errata.Erratum("new", "no body", "V_ROLL_B32", "", "as an example"),
    )
    monkeypatch.setattr(errata, "ERRATA", rows)
    manual = extract("new", [markdown])
    codes = {(name, one.name): one.opcode for name, one in manual.instructions}
    assert codes["VOP3A", "V_TWIST_B32"] == 259
    assert "1 entries without a body" in report(manual)
    monkeypatch.setattr(errata, "ERRATA", (rows[1]._replace(place="VOP9.OP"),))
    with pytest.raises(BadFile, match="corrects nothing"):
        extract("new", [markdown])


def test_tables_come_back_from_their_text(markdown: Path) -> None:
    manual = extract("new", [markdown])
    stored = archs.parse(show(manual), ARCHS[0])
    assert [(i.format, i.opcode, i.name) for i in stored.instructions] == [
        (name, one.opcode, one.name) for name, one in manual.instructions
    ]
    assert [stored.tree(i) for i in stored.instructions] == [one.tree for _, one in manual.instructions]
    assert len(stored.texts) == 2  # V_TWIST_B32 has one in both formats


def test_command_writes_and_checks(markdown: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "manual.json"
    arguments = ["extract", "--arch", "new", "--manual", str(markdown), "--out", str(out)]
    first = CliRunner().invoke(command, arguments)
    assert (first.exit_code, first.output) == (0, "new: 3 entries, 3 with a body\n")
    assert "current" in CliRunner().invoke(command, [*arguments, "--check"]).output
    out.write_text(out.read_text().replace("V_ROLL_B32", "V_ROLL_B64"))
    assert isinstance(CliRunner().invoke(command, [*arguments, "--check"]).exception, BadFile)


@pytest.mark.parametrize("text", ["", "# nothing\n", "| a |\n"])
def test_what_is_no_manual_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.md"
    path.write_text(text)
    with pytest.raises(BadFile, match="no instruction"):
        extract("new", [path])
    with pytest.raises(BadFile, match="is no manual"):
        extract("new", [path.with_suffix(".txt")])

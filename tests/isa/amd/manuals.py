"""A manual of three invented instructions, as Markdown and as a PDF, for tests of extraction."""

from __future__ import annotations

MARKDOWN = """# <span id="p1"></span>**Chapter 12. Instructions**

# **12.7. VOP2 Instructions**

#### **V\\_TWIST\\_B32 3**

Twists.

```text
D0.u32 = S0.u32 ^ S1.u32
// twisted
```

**V\\_ROLL\\_B32 4**

Rolls.

`D0.u32 = S0.u32 << 1`

#### **Notes**

```
not a body
```

V\\_ROLL\\_B32(0x1) => 0x2

### **12.7.1. VOP2 using VOP3 encoding**

The VOP3 opcode is: VOP2 opcode + 0x100.

## **12.11. VOP3A & VOP3B Instructions**

#### **V\\_TWIST\\_B32 260**

Twists.

```
D0.u32 = S0.u32 ^ S1.u32
```

# **13.3. Formats**

Table 79. VOP2 Fields

| Field Name | Bits | Format or Description |
|---|---|---|
| SRC0 | [8:0] | Source |
| VDST | [16:9] | Destination |
| OP | 30:25 | Opcode |
| ENCODING | [31] | Must be: 0 |

### Table 80. VOP2 Opcodes

| Opcode # | Name | Opcode # | Name |
|---|---|---|---|
| 3 | V_TWIST_B32 | 4 | V_ROLL_B32 |

Table 81. VOP3A Fields

| Field Name | Bits | Format or Description |
|---|---|---|
| OP | [25:16] | Opcode |
| ENCODING | [31:26] | Must be: 110100 |

Table 82. VOP3A Opcodes

| Opcode # | Name |
|---|---|
| 260 | V_TWIST_B32 |
"""

# (text, font, size, x, y) as the vendor sets them
PRINTED = (
    ("Chapter 16. Instructions", "Bold", 20, 58, 740),
    ("16.7. VOP2 Instructions", "Bold", 15, 58, 700),
    ("V_TWIST_B32 3", "Bold", 10, 60, 660),
    ("Twists.", "Regular", 10, 58, 640),
    ("if S0.u32 > 3 then", "Mono", 7.5, 69, 620),
    ("D0.u32 = S1.u32", "Mono", 7.5, 87, 608),
    ("endif", "Mono", 7.5, 69, 596),
    ("Notes", "Bold", 10, 58, 560),
    ("v_twist_b32 v0, v1, v2", "Mono", 7.5, 69, 540),
    ("15.3. Formats", "Bold", 15, 58, 500),
    ("Table 9. VOP2 Fields", "It", 10, 200, 480),
    ("Field Name Bits Format", "Bold", 9, 60, 460),
    ("VDST [24:17] Destination", "Regular", 9, 60, 446),
    ("OP [30:25] Opcode", "Regular", 9, 60, 432),
    ("ENCODING [31] 'b0", "Regular", 9, 60, 418),
    ("Table 10. VOP2 Opcodes", "It", 10, 200, 400),
    ("3 V_TWIST_B32 4 V_ROLL_B32", "Regular", 9, 60, 380),
    ("a running head of page 7", "Regular", 9, 60, 15),
)
FONTS = ("Regular", "Bold", "It", "Mono")


def printed() -> bytes:
    """The PDF: one page of `PRINTED`."""
    text = "".join(
        f"BT /{font} {size} Tf {x} {y} Td ({words.replace('(', chr(92) + '(')}) Tj ET\n"
        for words, font, size, x, y in PRINTED
    ).encode()
    fonts = " ".join(f"/{name} {5 + i} 0 R" for i, name in enumerate(FONTS))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
        b" /Resources << /Font << %s >> >> >>" % fonts.encode(),
        b"<< /Length %d >>\nstream\n%sendstream" % (len(text), text),
        *(f"<< /Type /Font /Subtype /Type1 /BaseFont /Printed-{name} >>".encode() for name in FONTS),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    count = len(objects) + 1
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % count + table
    return out + table + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(out))

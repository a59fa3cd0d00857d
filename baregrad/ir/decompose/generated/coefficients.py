"""Made by `python tools/fit.py`; not edited. Coefficients of polynomials by format and name.

Lowest power first. What each fits is a row of tools/fit.py; the error is the greatest weighted one before
rounding, in units of 2**-24 or 2**-53.
"""

from __future__ import annotations


def hexes(text: str) -> tuple[float, ...]:
    """The floats written in a text."""
    return tuple(map(float.fromhex, text.split()))


FLOAT32: dict[str, tuple[float, ...]] = {
    # EXP: 0.544 * 2**-24
    "EXP": hexes("""
        0x1.0000120000000p-1 0x1.55555e0000000p-3 0x1.5546ec0000000p-5 0x1.110aac0000000p-7
        0x1.7262ce0000000p-10 0x1.a5b0fc0000000p-13"""),
    # EXP2: 0.195 * 2**-24
    "EXP2": hexes("""
        0x1.62e4320000000p-1 0x1.ebfbfe0000000p-3 0x1.c6afe60000000p-5 0x1.3b1ee60000000p-7
        0x1.5dafd20000000p-10 0x1.4847ec0000000p-13 0x1.f856a00000000p-17"""),
    # LOG: 0.069 * 2**-24
    "LOG": hexes("""
        -0x1.fffff80000000p-2 0x1.5555500000000p-2 -0x1.00042a0000000p-2 0x1.99a4080000000p-3
        -0x1.5426d00000000p-3 0x1.226fd80000000p-3 -0x1.0f3a740000000p-3 0x1.08536c0000000p-3
        -0x1.383b2e0000000p-4"""),
    # TANH: 0.123 * 2**-24
    "TANH": hexes("""
        -0x1.55553a0000000p-2 0x1.1107a80000000p-3 -0x1.b83aa80000000p-5 0x1.51cf600000000p-6
        -0x1.737abc0000000p-8"""),
    # EXP_HALF: 0.051 * 2**-24
    "EXP_HALF": hexes("""
        0x1.fffffc0000000p-2 0x1.5554920000000p-3 0x1.5558f00000000p-5 0x1.1239f60000000p-7
        0x1.6a25f20000000p-10"""),
    # EXPM1: 0.008 * 2**-24
    "EXPM1": hexes("""
        0x1.0000000000000p-1 0x1.5555560000000p-3 0x1.5554700000000p-5 0x1.1110ac0000000p-7
        0x1.6da7800000000p-10 0x1.a17e1a0000000p-13"""),
    # EXP2_HALF: 0.065 * 2**-24
    "EXP2_HALF": hexes("""
        0x1.62e4320000000p-1 0x1.ebfbe00000000p-3 0x1.c6ae2c0000000p-5 0x1.3b29e40000000p-7
        0x1.5f88fe0000000p-10 0x1.446c7e0000000p-13"""),
    # LOG_QUOTIENT: 0.047 * 2**-24
    "LOG_QUOTIENT": hexes("""
        0x1.55557a0000000p-1 0x1.995ae00000000p-2 0x1.3270840000000p-2"""),
    # LOG_TAIL: 0.056 * 2**-24
    "LOG_TAIL": hexes("""
        0x1.997b3a0000000p-2 0x1.2f55440000000p-2"""),
    # SIN: 0.109 * 2**-24
    "SIN": hexes("""
        -0x1.5555460000000p-3 0x1.1106ba0000000p-7 -0x1.9906be0000000p-13"""),
    # COS: 0.004 * 2**-24
    "COS": hexes("""
        0x1.55554e0000000p-5 -0x1.6c0e780000000p-10 0x1.9a6f180000000p-16"""),
    # ASIN: 0.139 * 2**-24
    "ASIN": hexes("""
        0x1.5555ae0000000p-3 0x1.3305620000000p-4 0x1.747a120000000p-5 0x1.8a0ed40000000p-6
        0x1.5c9b980000000p-5"""),
    # ATAN: 0.019 * 2**-24
    "ATAN": hexes("""
        -0x1.55554c0000000p-2 0x1.9991d80000000p-3 -0x1.23b1680000000p-3 0x1.b1648c0000000p-4
        -0x1.ee2f1a0000000p-5"""),
    # SINH: 0.001 * 2**-24
    "SINH": hexes("""
        0x1.5555560000000p-3 0x1.1111360000000p-7 0x1.9ffd040000000p-13 0x1.7a5d8a0000000p-19"""),
    # 1 / (2 pi) in chunks of 24 bits
    "TURN": hexes("""
        0x1.45f3000000000p-3 0x1.b727220000000p-1 0x1.529fc00000000p-6
        0x1.3abe800000000p-5 0x1.f534dc0000000p-2 0x1.c0db600000000p-2
        0x1.4acc9e0000000p-1 0x1.0e41000000000p-4 0x1.fe51600000000p-2"""),
}

FLOAT64: dict[str, tuple[float, ...]] = {
    # TANH: 0.165 * 2**-53
    "TANH": hexes("""
        -0x1.555555555552fp-2 0x1.111111110d1f2p-3 -0x1.ba1ba1b643900p-5 0x1.664f47a43b8b1p-6
        -0x1.226e1933d5877p-7 0x1.d6cf6bb35132fp-9 -0x1.7d6a664673077p-10 0x1.336ca76170f39p-11
        -0x1.df6a5f7545cecp-13 0x1.4384db06d3fd1p-14 -0x1.0d2f20385f12cp-16"""),
    # EXP_HALF: 0.068 * 2**-53
    "EXP_HALF": hexes("""
        0x1.0000000000009p-1 0x1.5555555555558p-3 0x1.5555555550451p-5 0x1.111111110f825p-7
        0x1.6c16c185f9234p-10 0x1.a01a01b006c6cp-13 0x1.a01993b57864cp-16 0x1.71ddf6b52b2aep-19
        0x1.28b41b7974737p-22 0x1.af6337eb3529ep-26"""),
    # EXPM1: 0.002 * 2**-53
    "EXPM1": hexes("""
        0x1.0000000000000p-1 0x1.5555555555559p-3 0x1.555555555553ep-5 0x1.111111110f6d5p-7
        0x1.6c16c16c1f106p-10 0x1.a01a01afd62dcp-13 0x1.a01a017b9cb95p-16 0x1.71ddf87830e7cp-19
        0x1.27e5368090bfcp-22 0x1.af5e818a746ffp-26 0x1.1ee80d2cc8e7bp-29"""),
    # EXP2_HALF: 0.030 * 2**-53
    "EXP2_HALF": hexes("""
        0x1.62e42fefa39efp-1 0x1.ebfbdff82c5a4p-3 0x1.c6b08d7049fe7p-5 0x1.3b2ab6fba0118p-7
        0x1.5d87fe78cd7a7p-10 0x1.4309130ed934fp-13 0x1.ffcbfba950d3ap-17 0x1.62bfc79c260e8p-20
        0x1.b5267d26d3724p-24 0x1.e61b51b5f3910p-28 0x1.e79b6fc497f64p-32"""),
    # LOG_QUOTIENT: 0.043 * 2**-53
    "LOG_QUOTIENT": hexes("""
        0x1.555555555557bp-1 0x1.9999999984a9cp-2 0x1.2492493f97ee7p-2 0x1.c71c52c69d10ap-3
        0x1.7466479e2854fp-3 0x1.399d139189f70p-3 0x1.2f52aceda0a9cp-3"""),
    # LOG_TAIL: 0.000 * 2**-53
    "LOG_TAIL": hexes("""
        0x1.9999999999b30p-2 0x1.2492492457cc3p-2 0x1.c71c722d74551p-3 0x1.745ce9de43de3p-3
        0x1.3b1eed06df05ep-3 0x1.0f7fd10e087ebp-3 0x1.0e439f3ac30fcp-3"""),
    # SIN: 0.000 * 2**-53
    "SIN": hexes("""
        -0x1.5555555555555p-3 0x1.111111111110cp-7 -0x1.a01a01a018c83p-13 0x1.71de3a5345563p-19
        -0x1.ae6452937d281p-26 0x1.6120863af0904p-33 -0x1.aa9b9e8430f94p-41"""),
    # COS: 0.000 * 2**-53
    "COS": hexes("""
        0x1.5555555555555p-5 -0x1.6c16c16c16c15p-10 0x1.a01a01a019764p-16 -0x1.27e4fb7694dabp-22
        0x1.1eed8d411d857p-29 -0x1.9393dcb664bbcp-37 0x1.ab09dcd9f9ee2p-45"""),
    # ASIN: 0.017 * 2**-53
    "ASIN": hexes("""
        0x1.5555555555562p-3 0x1.33333333306c7p-4 0x1.6db6db709adf3p-5 0x1.f1c71b09a1123p-6
        0x1.6e8bd465c6f08p-6 0x1.1c4a86a7f63a2p-6 0x1.ca14a6bc02f90p-7 0x1.75c78448fa309p-7
        0x1.603f1c8010a4fp-7 0x1.eec41d8b4e42ep-9 0x1.629c69c73a4c9p-6 -0x1.58b5e918a0d07p-6
        0x1.0c1a7fd01b2dep-5"""),
    # ATAN: 0.001 * 2**-53
    "ATAN": hexes("""
        -0x1.5555555555555p-2 0x1.999999999978bp-3 -0x1.249249247cb16p-3 0x1.c71c71b9e00cdp-4
        -0x1.745d14fbf38fbp-4 0x1.3b137220ea5b3p-4 -0x1.110c9698bd1a9p-4 0x1.e1735752e33d9p-5
        -0x1.ab7ecab417a35p-5 0x1.70d9fff3fe4c7p-5 -0x1.11dbadaf4c127p-5 0x1.efd395c0188eep-7"""),
    # SINH: 0.000 * 2**-53
    "SINH": hexes("""
        0x1.5555555555555p-3 0x1.1111111111111p-7 0x1.a01a01a019fc8p-13 0x1.71de3a5573cecp-19
        0x1.ae64567402525p-26 0x1.61246b2cd9d0cp-33 0x1.ae753c13c8aa1p-41 0x1.9a8a257cb639bp-49"""),
    # 1 / (2 pi) in chunks of 53 bits
    "TURN": hexes("""
        0x1.45f306dc9c880p-3 0x1.529fc2757d1f5p-1 0x1.a6ee06db14accp-3
        0x1.3c439041fe514p-3 0x1.1d5ef5de2b0dbp-1 0x1.246e3a424dd2ep-1
        0x1.924bba8274600p-10 0x1.21cfe1deb1cb0p-3 0x1.29a73ee88235ep-2
        0x1.52ebb4484e99cp-1 0x1.c09ad17df904ep-2 0x1.91d639835339cp-3
        0x1.a4e422fc5defcp-1 0x1.283b1ff897ffdp-1 0x1.c0b301fde5e23p-1
        0x1.6b414da3eda68p-4 0x1.3f6793e584dbap-1 0x1.e8c7ecd3cbfd4p-2
        0x1.6ba93dd63f5f0p-3 0x1.7c5ecf41ce7dep-1 0x1.4a525d4d7f6bcp-3
        0x1.b11f8d5d08560p-1 0x1.98237e3db5d5cp-3"""),
}

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
    # LOG_TAIL: 0.000 * 2**-24
    "LOG_TAIL": hexes("""
        0x1.999a000000000p-2 0x1.24529a0000000p-2 0x1.df9cfe0000000p-3"""),
    # CBRT: 631.791 * 2**-24
    "CBRT": hexes("""
        0x1.dfe05e0000000p+0 -0x1.dca07e0000000p+0 0x1.8fb1080000000p+0 -0x1.679e4e0000000p-1
        0x1.06e5b20000000p-3"""),
    # ERF: 0.665 * 2**-24
    "ERF": hexes("""
        0x1.06eba20000000p-3 -0x1.8126740000000p-2 0x1.ce093e0000000p-4 -0x1.b5a3140000000p-6
        0x1.4245280000000p-8 -0x1.2739540000000p-11"""),
    # ERF_FAR: 0.000 * 2**-24
    "ERF_FAR": hexes("""
        -0x1.d97fc00000000p+0 -0x1.51c9b00000000p+1 -0x1.afabbc0000000p-1 -0x1.547cf00000000p-5
        0x1.4933ba0000000p-7 -0x1.07b64e0000000p-9 0x1.2f97360000000p-12 -0x1.6bd6d00000000p-16"""),
    # ERFC: 0.077 * 2**-24
    "ERFC": hexes("""
        0x1.1ba0380000000p-2 -0x1.7bf5da0000000p-4 -0x1.5407fc0000000p-3 0x1.4ff8ac0000000p-3
        -0x1.bc18280000000p-5 -0x1.06455e0000000p-7 0x1.1baa640000000p-7 0x1.2b29220000000p-10
        -0x1.4adea80000000p-10 -0x1.cedafa0000000p-13"""),
    # ERFINV: 0.023 * 2**-24
    "ERFINV": hexes("""
        0x1.db29fc0000000p-3 0x1.7a720c0000000p-7 -0x1.3205320000000p-9 -0x1.0d66180000000p-13
        0x1.86fe9a0000000p-15 0x1.45bb820000000p-19 -0x1.72ec8e0000000p-20 0x1.cacb5a0000000p-24"""),
    # ERFINV_FAR: 0.070 * 2**-24
    "ERFINV_FAR": hexes("""
        0x1.5a9d7e0000000p+1 0x1.f793b60000000p-24 0x1.ff70ac0000000p-1 0x1.a7617a0000000p-7
        -0x1.6bb5300000000p-7 0x1.0e81620000000p-7 -0x1.339b540000000p-8 0x1.84226e0000000p-10
        0x1.2def2e0000000p-12 -0x1.33f0420000000p-11 0x1.9abe100000000p-13 0x1.029c0a0000000p-14
        -0x1.5555a20000000p-15 0x1.11384a0000000p-23"""),
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
        0x1.9999999999996p-2 0x1.2492492493038p-2 0x1.c71c71c58008ep-3 0x1.745d1832811eap-3
        0x1.3b1362a99573fp-3 0x1.1120b78334fe3p-3 0x1.de33240f03a2dp-4 0x1.eb13a0a6abe14p-4"""),
    # CBRT: 339190084715.885 * 2**-53
    "CBRT": hexes("""
        0x1.dfe05eb23064fp+0 -0x1.dca07ec74efe0p+0 0x1.8fb1085a34b50p+0 -0x1.679e4e7b2855fp-1
        0x1.06e5b1933dd19p-3"""),
    # ERF: 0.066 * 2**-53
    "ERF": hexes("""
        0x1.06eba8214db68p-3 -0x1.812746b0379bdp-2 0x1.ce2f21a040d12p-4 -0x1.b82ce311fa781p-6
        0x1.565bccf9265d8p-8 -0x1.c02db03cf6281p-11 0x1.f9a2ba90d53bfp-14 -0x1.f4ca4bd322e48p-17
        0x1.b97fc29e6f6a1p-20 -0x1.5c06b64b961b8p-23 0x1.d717d900ee010p-27 -0x1.aba44285af09dp-31"""),
    # ERF_FAR: 0.059 * 2**-53
    "ERF_FAR": hexes("""
        -0x1.d97fbf27aa2a1p+0 -0x1.51c9b0006c21ap+1 -0x1.afabc11a2afd3p-1 -0x1.5477f099b715dp-5
        0x1.48c9d37fc876dp-7 -0x1.033f5a1322caep-9 0x1.f1b04a80a2321p-13 0x1.b92ddc6bfb440p-16
        -0x1.c852b286b0d2cp-16 0x1.4484828db6016p-17 -0x1.1e25060bd96afp-19 0x1.b7d6e9de2a936p-23
        0x1.f24a03b7a0bdep-25 -0x1.1ed0e10d27420p-25 0x1.24afbe27cb5fdp-27 -0x1.6a90d5a7d5f23p-30
        0x1.06601e94bc629p-33 -0x1.564ddb7592366p-38"""),
    # ERFC: 0.007 * 2**-53
    "ERFC": hexes("""
        0x1.f054cd07748a0p-3 -0x1.1ebd220ea593cp-3 -0x1.59e2c284b11ebp-7 0x1.8f702ec6b33b1p-4
        -0x1.d76830c35321ap-4 0x1.686106046d8b8p-4 -0x1.8ff5ef76d11c0p-5 0x1.38ec66717b1aap-6
        -0x1.143c4ca75579dp-8 -0x1.3cf36a6e6ccc8p-12 0x1.27e664db6509dp-11 -0x1.fda8f4f26885fp-14
        -0x1.66e22413a9397p-15 0x1.9707a387ddc17p-16 0x1.3880da001da52p-19 -0x1.ffeed28ed219dp-19
        -0x1.7c91c394f7411p-25 0x1.420aef235a56ep-21 -0x1.0dccd3afa8090p-27 -0x1.8e63a34960b52p-24
        0x1.28840957751afp-31 0x1.621cf7195c216p-27"""),
    # ERFINV: 0.029 * 2**-53
    "ERFINV": hexes("""
        0x1.db29fb2fee5e1p-3 0x1.7a72e72c1f844p-7 -0x1.3211025e30c02p-9 -0x1.0c86b83cc5693p-13
        0x1.87014ba52b065p-15 0x1.0f1ee0cb582d5p-19 -0x1.0fd10817c37bep-20 -0x1.3fc18dad5c060p-25
        0x1.860a9eb182007p-26 0x1.ce714d41a5309p-31 -0x1.435390c95cfb8p-31 0x1.5d73bf83bb5b0p-36
        -0x1.d87251253a89ap-39 0x1.81193eadeef11p-38 -0x1.aa1d7d179ecc9p-40 0x1.aa32e8bf47d3dp-43
        -0x1.561945b2c24a1p-47 -0x1.9d1a38c1b7351p-52 0x1.3b37ecdcc8488p-54 -0x1.76a861208c2b6p-59"""),
    # ERFINV_FAR: 0.026 * 2**-53
    "ERFINV_FAR": hexes("""
        0x1.6a9efbd66eae6p+1 0x1.5580b2a31ba94p-53 0x1.006dca7a9c22bp+0 0x1.3582c8114bed2p-7
        -0x1.f4f1c6f0c6f21p-8 0x1.7495888eb6beap-8 -0x1.d2754fd086b31p-9 0x1.84f3ed66bf6fcp-10
        -0x1.384311513c364p-13 -0x1.28e09f4abd851p-12 0x1.aeffefb17a490p-13 -0x1.85bd6addb697fp-15
        -0x1.7fc166b6805bbp-16 0x1.70025085b260ap-16 -0x1.8f049daefa91ep-18 -0x1.bbcac867940dcp-20
        0x1.0bc495bc910e1p-19 -0x1.592a6c777a603p-21 -0x1.2fc4cf9412c0bp-24 0x1.6386ca07bf0fcp-23
        -0x1.3eac82aa1fbf0p-24 0x1.a122c559bfbbcp-33 0x1.2da355ca33a38p-26 -0x1.a03cddab38775p-28
        -0x1.8523d41e544b8p-30 0x1.d8ac5939baddap-31"""),
    # ERFINV_END: 0.047 * 2**-53
    "ERFINV_END": hexes("""
        0x1.3664ddd1ad7fbp+2 -0x1.5f3671653ca9ep-54 0x1.02a30d1fba10dp+0 -0x1.22ea5df1d1959p-13
        -0x1.c2f36aa2471c5p-13 0x1.3ebf4efc3b3bbp-14 -0x1.4a348fc32bac4p-16 0x1.2fbcfcd666e83p-18
        -0x1.0a9073b02b8c2p-20 0x1.ebe388f2b3af7p-23 -0x1.222726439ce5fp-24 0x1.f28035be4b289p-26
        -0x1.0612e66ad092cp-26 0x1.0cdba9b5d3959p-27 -0x1.dd1e285d4e314p-29 0x1.68de8ae9da0c8p-30
        -0x1.e1262e3c1e511p-32 0x1.38f466abf4577p-34 0x1.796b2675e80ccp-35 -0x1.6c8b0ec337bbep-36"""),
    # LGAMMA: 0.001 * 2**-53
    "LGAMMA": hexes("""
        0x1.b0ee6072093cep-2 0x1.7093d51534a93p-58 0x1.4a34cc4a60fa6p-2 -0x1.13e001a55760ap-4
        0x1.51322ac7d84f0p-6 -0x1.e404fc218dcc0p-8 0x1.7add6eada709dp-9 -0x1.38ac5c2d3d138p-10
        0x1.0b36af8e8dad5p-11 -0x1.d3fd4b6ebab3cp-13 0x1.a127ac18dc76ap-14 -0x1.78de996e31714p-15
        0x1.580ea71eb64eep-16 -0x1.3cb3e1184c3a6p-17 0x1.25802cef76820p-18 -0x1.1274c47f01334p-19
        0x1.01fbb03643254p-20 -0x1.ce3c07f501572p-22 0x1.a6512abc891acp-23 -0x1.1fc894fb7d665p-23
        0x1.2917e2dfc947ep-24"""),
    # STIRLING: 0.000 * 2**-53
    "STIRLING": hexes("""
        0x1.5555555555555p-4 -0x1.6c16c16c13d60p-9 0x1.a01a017c18462p-11 -0x1.381350231953ep-11
        0x1.b92f599ca8e15p-11 -0x1.f0159a6844c8dp-10 0x1.4fcc4fbb5ba73p-8"""),
    # SINPI: 0.000 * 2**-53
    "SINPI": hexes("""
        -0x1.a51a6625307d3p+0 0x1.9f9cb402bc46cp-1 -0x1.86a8e4720db3bp-3 0x1.ac6805cf327d0p-6
        -0x1.33816aa317a29p-9 0x1.374719370c8dap-13 -0x1.d4240b5269874p-18 0x1.0fab00c007b7fp-22
        -0x1.e76fd08acd8d8p-28"""),
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

"""Twenty-two kernels in Triton, compiled to code objects for gfx1100 and gfx950: real inputs for isa/amd.

Made with Triton 3.9.0 on a machine without a GPU: `python kernels.py DIRECTORY`, then
`python pack.py DIRECTORY` writes code_objects.tar.xz from them. No test imports this file or needs Triton.
"""

from __future__ import annotations

import pathlib
import sys

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


@triton.jit
def add(x, y, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    m = i < n
    tl.store(out + i, tl.load(x + i, m) + tl.load(y + i, m), m)


@triton.jit
def softmax(x, out, cols, B: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, B)
    v = tl.load(x + row * cols + i, i < cols, -float("inf"))
    e = tl.exp(v - tl.max(v, 0))
    tl.store(out + row * cols + i, e / tl.sum(e, 0), i < cols)


@triton.jit
def layernorm(x, w, b, out, cols, eps, B: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, B)
    m = i < cols
    v = tl.load(x + row * cols + i, m, 0.0)
    mean = tl.sum(v, 0) / cols
    d = tl.where(m, v - mean, 0.0)
    var = tl.sum(d * d, 0) / cols
    y = d * tl.rsqrt(var + eps) * tl.load(w + i, m) + tl.load(b + i, m)
    tl.store(out + row * cols + i, y, m)


@triton.jit
def gelu(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    v = tl.load(x + i, i < n)
    y = 0.5 * v * (1.0 + tl.erf(v * 0.7071067811865476))
    tl.store(out + i, y, i < n)


@triton.jit
def matmul(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, ACC: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), ACC)
    for kk in range(0, K, BK):
        x = tl.load(a + m[:, None] * K + (kk + k)[None, :])
        y = tl.load(b + (kk + k)[:, None] * N + n[None, :])
        acc = tl.dot(x, y, acc, out_dtype=ACC)
    tl.store(c + m[:, None] * N + n[None, :], acc)


@triton.jit
def matmul_scaled(a, sa, b, sb, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    pair = tl.arange(0, BK // 2)
    group = tl.arange(0, BK // 32)
    acc = tl.zeros((BM, BN), tl.float32)
    for k in range(0, K, BK):
        x = tl.load(a + m[:, None] * (K // 2) + (k // 2 + pair)[None, :])
        y = tl.load(b + n[None, :] * (K // 2) + (k // 2 + pair)[:, None])
        sx = tl.load(sa + m[:, None] * (K // 32) + (k // 32 + group)[None, :])
        sy = tl.load(sb + n[:, None] * (K // 32) + (k // 32 + group)[None, :])
        acc = tl.dot_scaled(x, sx, "e2m1", y, sy, "e2m1", acc)
    tl.store(c + m[:, None] * N + n[None, :], acc)


@triton.jit
def attention(q, k, v, out, n, scale, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, D)
    qq = tl.load(q + i[:, None] * D + d[None, :])
    best = tl.full((BM,), -float("inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    for start in range(0, n, BN):
        j = start + tl.arange(0, BN)
        kk = tl.load(k + j[None, :] * D + d[:, None])
        s = tl.dot(qq, kk) * scale
        new = tl.maximum(best, tl.max(s, 1))
        p = tl.exp(s - new[:, None])
        fade = tl.exp(best - new)
        total = total * fade + tl.sum(p, 1)
        vv = tl.load(v + j[:, None] * D + d[None, :])
        acc = acc * fade[:, None] + tl.dot(p.to(vv.dtype), vv)
        best = new
    tl.store(out + i[:, None] * D + d[None, :], acc / total[:, None])


@triton.jit
def atomics(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    v = tl.load(x + i, i < n, 0)
    tl.atomic_add(out + (v & 15), 1, i < n)
    tl.atomic_max(out + 16, tl.max(v, 0))


@triton.jit
def scan(x, out, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out + i, tl.cumsum(tl.load(x + i), 0))


@triton.jit
def sort(x, out, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out + i, tl.sort(tl.load(x + i)))


@triton.jit
def philox(out, n, seed, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out + i, tl.rand(seed, i), i < n)


@triton.jit
def transpose(x, out, M, N, B: tl.constexpr):
    m = tl.program_id(0) * B + tl.arange(0, B)
    n = tl.program_id(1) * B + tl.arange(0, B)
    v = tl.load(x + m[:, None] * N + n[None, :], (m[:, None] < M) & (n[None, :] < N))
    tl.store(out + n[:, None] * M + m[None, :], tl.trans(v), (n[:, None] < N) & (m[None, :] < M))


@triton.jit
def argmax(x, out, cols, B: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, B)
    v = tl.load(x + row * cols + i, i < cols, -float("inf"))
    tl.store(out + row, tl.argmax(v, 0))


@triton.jit
def integers(x, y, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    a = tl.load(x + i, i < n, 1)
    b = tl.load(y + i, i < n, 1)
    tl.store(out + i, (a // b) * 3 + (a % b) ^ (a << 2) | (b >> 1), i < n)


@triton.jit
def convert(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out + i, tl.load(x + i, i < n).to(tl.float16).to(tl.float32).to(tl.bfloat16), i < n)


@triton.jit
def double(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    v = tl.load(x + i, i < n)
    tl.store(out + i, tl.sqrt(v * v + 1.0) / (v + 2.0), i < n)


@triton.jit
def trig(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    v = tl.load(x + i, i < n)
    tl.store(out + i, tl.sin(v) + tl.cos(v) * tl.log(tl.abs(v) + 1.0) + tl.exp2(v), i < n)


MM = {"BM": 64, "BN": 64, "BK": 32}
LARGE = {"BM": 128, "BN": 128, "BK": 64}
SMALL = {"BM": 32, "BN": 32, "BK": 16}
ROWS = [
    ("add", add, "*fp32 *fp32 *fp32 i32", {"B": 256}),
    ("softmax", softmax, "*fp32 *fp32 i32", {"B": 1024}),
    ("layernorm", layernorm, "*fp32 *fp32 *fp32 *fp32 i32 fp32", {"B": 1024}),
    ("gelu", gelu, "*fp32 *fp32 i32", {"B": 256}),
    ("matmul_f32", matmul, "*fp32 *fp32 *fp32 i32 i32 i32", dict(SMALL, ACC=tl.float32)),
    ("matmul_f16", matmul, "*fp16 *fp16 *fp32 i32 i32 i32", dict(MM, ACC=tl.float32)),
    ("matmul_bf16", matmul, "*bf16 *bf16 *fp32 i32 i32 i32", dict(MM, ACC=tl.float32)),
    ("matmul_i8", matmul, "*i8 *i8 *i32 i32 i32 i32", dict(MM, ACC=tl.int32)),
    ("matmul_fp8", matmul, "*fp8e4nv *fp8e4nv *fp32 i32 i32 i32", dict(MM, ACC=tl.float32)),
    ("matmul_mxfp4", matmul_scaled, "*u8 *u8 *u8 *u8 *fp32 i32 i32 i32", {"BM": 32, "BN": 32, "BK": 128}),
    ("gemm_fp8", matmul, "*fp8e4nv *fp8e4nv *fp32 i32 i32 i32", dict(LARGE, ACC=tl.float32)),
    ("attention", attention, "*fp16 *fp16 *fp16 *fp32 i32 fp32", {"D": 64, "BM": 64, "BN": 32}),
    ("atomics", atomics, "*i32 *i32 i32", {"B": 256}),
    ("scan", scan, "*fp32 *fp32", {"B": 512}),
    ("sort", sort, "*i32 *i32", {"B": 256}),
    ("philox", philox, "*fp32 i32 i32", {"B": 256}),
    ("transpose", transpose, "*fp16 *fp16 i32 i32", {"B": 32}),
    ("argmax", argmax, "*fp32 *i32 i32", {"B": 512}),
    ("integers", integers, "*i32 *i32 *i32 i32", {"B": 256}),
    ("convert", convert, "*fp32 *bf16 i32", {"B": 256}),
    ("double", double, "*fp64 *fp64 i32", {"B": 256}),
    ("trig", trig, "*fp32 *fp32 i32", {"B": 256}),
]

ONLY = {"gemm_fp8": "gfx950"}  # the other chip has no such product: 40,000 instructions of conversions


def main() -> None:
    """Write each kernel's code object and assembly for both chips."""
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for chip, wave in (("gfx1100", 32), ("gfx950", 64)):
        for name, kernel, types, constants in ROWS:
            if name in ONLY and ONLY[name] != chip:
                continue
            names = [one for one in kernel.arg_names if one not in constants]
            signature = dict(zip(names, types.split())) | dict.fromkeys(constants, "constexpr")
            source = ASTSource(kernel, signature, constexprs=constants)
            got = triton.compile(source, target=GPUTarget("hip", chip, wave))
            (out / f"{name}.{chip}.hsaco").write_bytes(got.asm["hsaco"])
            (out / f"{name}.{chip}.s").write_text(got.asm["amdgcn"])


if __name__ == "__main__":
    main()

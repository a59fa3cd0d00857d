#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
_Static_assert(FLT_EVAL_METHOD == 0, "each operation is rounded to its own type");
#define BITS_AS(to, from, x) (((union { from a; to b; }){ .a = (x) }).b)

void kernel_k(void **args, int64_t grid_item)
{
    _Alignas(64) float m0[48];
    float *p2 = args[2];
    float *p0 = args[0];
    float *p1 = args[1];
    int64_t v1 = (uint64_t)grid_item << 3LL;
    for (int64_t i2 = 0; i2 < 6LL; i2++) {
        int64_t v3 = (uint64_t)i2 << 3LL;
        int64_t v4 = (uint64_t)i2 << 4LL;
        int64_t v5 = (uint64_t)v1 + (uint64_t)v4;
        float v6[8];
        for (int l = 0; l < 8; l++) v6[l] = p2[v5 + l];
        for (int l = 0; l < 8; l++) m0[v3 + l] = v6[l];
    }
    for (int64_t i7 = 0; i7 < 4LL; i7++) {
        int64_t v8 = (uint64_t)i7 << 4LL;
        int64_t v9 = (uint64_t)v1 + (uint64_t)v8;
        int64_t v10 = i7 * 6LL;
        float i11_0[8];
        for (int l = 0; l < 8; l++) i11_0[l] = 0.0f;
        for (int64_t i11 = 0; i11 < 6LL; i11++) {
            int64_t v12 = v10 + i11;
            float v13 = p1[v12];
            int64_t v14 = (uint64_t)i11 << 3LL;
            float v15[8];
            for (int l = 0; l < 8; l++) v15[l] = m0[v14 + l];
            float v16[8];
            for (int l = 0; l < 8; l++) v16[l] = i11_0[l];
            float v17[8];
            for (int l = 0; l < 8; l++) v17[l] = fmaf(v13, v15[l], v16[l]);
            for (int l = 0; l < 8; l++) i11_0[l] = v17[l];
        }
        float v18[8];
        for (int l = 0; l < 8; l++) v18[l] = i11_0[l] != i11_0[l] || i11_0[l] > 0.0f ? i11_0[l] : 0.0f;
        for (int l = 0; l < 8; l++) p0[v9 + l] = v18[l];
    }
}

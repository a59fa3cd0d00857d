#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
_Static_assert(FLT_EVAL_METHOD == 0, "each operation is rounded to its own type");
#define BITS_AS(to, from, x) (((union { from a; to b; }){ .a = (x) }).b)

void kernel_k(void **args, int64_t grid_item)
{
    float *p0 = args[0];
    float *p1 = args[1];
    float *p2 = args[2];
    float i1_0[8];
    for (int l = 0; l < 8; l++) i1_0[l] = 0.0f;
    float i1_1[8];
    for (int l = 0; l < 8; l++) i1_1[l] = 0.0f;
    for (int64_t i1 = 0; i1 < 6LL; i1++) {
        float v2 = p1[i1];
        int64_t v3 = (uint64_t)i1 << 3LL;
        float v4[8];
        for (int l = 0; l < 8; l++) v4[l] = p2[v3 + l];
        float v5[8];
        for (int l = 0; l < 8; l++) v5[l] = i1_0[l];
        float v6[8];
        for (int l = 0; l < 8; l++) v6[l] = fmaf(v2, v4[l], v5[l]);
        int64_t v7 = i1 + 6LL;
        float v8 = p1[v7];
        float v9[8];
        for (int l = 0; l < 8; l++) v9[l] = i1_1[l];
        float v10[8];
        for (int l = 0; l < 8; l++) v10[l] = fmaf(v8, v4[l], v9[l]);
        for (int l = 0; l < 8; l++) i1_0[l] = v6[l];
        for (int l = 0; l < 8; l++) i1_1[l] = v10[l];
    }
    float v11[8];
    for (int l = 0; l < 8; l++) v11[l] = i1_0[l] != i1_0[l] || i1_0[l] > 0.0f ? i1_0[l] : 0.0f;
    for (int l = 0; l < 8; l++) p0[0LL + l] = v11[l];
    float v12[8];
    for (int l = 0; l < 8; l++) v12[l] = i1_1[l] != i1_1[l] || i1_1[l] > 0.0f ? i1_1[l] : 0.0f;
    for (int l = 0; l < 8; l++) p0[8LL + l] = v12[l];
}

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
    float v1[8];
    for (int l = 0; l < 8; l++) v1[l] = p2[0LL + l];
    for (int64_t i2 = 0; i2 < 3LL; i2++) {
        int64_t v3 = (uint64_t)i2 << 3LL;
        float v4[8];
        for (int l = 0; l < 8; l++) v4[l] = p1[v3 + l];
        float v5[4];
        for (int l = 0; l < 4; l++) v5[l] = v4[l + 0] + v4[l + 4];
        float v6 = v5[0] + v5[1];
        float v7 = v5[2] + v5[3];
        float v8 = v6 + v7;
        float v9 = v8 * 0.125f;
        float v10[8];
        for (int l = 0; l < 8; l++) v10[l] = v4[l] - v9;
        float v11[8];
        for (int l = 0; l < 8; l++) v11[l] = v10[l] * v10[l];
        float v12[4];
        for (int l = 0; l < 4; l++) v12[l] = v11[l + 0] + v11[l + 4];
        float v13 = v12[0] + v12[1];
        float v14 = v12[2] + v12[3];
        float v15 = v13 + v14;
        float v16 = v15 * 0.125f;
        float v17 = v16 + 9.999999747378752e-06f;
        float v18 = sqrtf(v17);
        float v19[8];
        for (int l = 0; l < 8; l++) v19[l] = v10[l] / v18;
        float v20[8];
        for (int l = 0; l < 8; l++) v20[l] = v19[l] * v1[l];
        for (int l = 0; l < 8; l++) p0[v3 + l] = v20[l];
    }
}

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
    for (int64_t i1 = 0; i1 < 3LL; i1++) {
        int64_t v2 = (uint64_t)i1 << 6LL;
        float v3[8];
        for (int l = 0; l < 8; l++) v3[l] = p1[v2 + l];
        int64_t v4 = v2 + 8LL;
        float v5[8];
        for (int l = 0; l < 8; l++) v5[l] = p1[v4 + l];
        float v6[8];
        for (int l = 0; l < 8; l++) v6[l] = v3[l] + v5[l];
        int64_t v7 = v2 + 16LL;
        float v8[8];
        for (int l = 0; l < 8; l++) v8[l] = p1[v7 + l];
        int64_t v9 = v2 + 24LL;
        float v10[8];
        for (int l = 0; l < 8; l++) v10[l] = p1[v9 + l];
        float v11[8];
        for (int l = 0; l < 8; l++) v11[l] = v8[l] + v10[l];
        float v12[8];
        for (int l = 0; l < 8; l++) v12[l] = v6[l] + v11[l];
        int64_t v13 = v2 + 32LL;
        float v14[8];
        for (int l = 0; l < 8; l++) v14[l] = p1[v13 + l];
        int64_t v15 = v2 + 40LL;
        float v16[8];
        for (int l = 0; l < 8; l++) v16[l] = p1[v15 + l];
        float v17[8];
        for (int l = 0; l < 8; l++) v17[l] = v14[l] + v16[l];
        int64_t v18 = v2 + 48LL;
        float v19[8];
        for (int l = 0; l < 8; l++) v19[l] = p1[v18 + l];
        int64_t v20 = v2 + 56LL;
        float v21[8];
        for (int l = 0; l < 8; l++) v21[l] = p1[v20 + l];
        float v22[8];
        for (int l = 0; l < 8; l++) v22[l] = v19[l] + v21[l];
        float v23[8];
        for (int l = 0; l < 8; l++) v23[l] = v17[l] + v22[l];
        float v24[8];
        for (int l = 0; l < 8; l++) v24[l] = v12[l] + v23[l];
        float v25[4];
        for (int l = 0; l < 4; l++) v25[l] = v24[l + 0] + v24[l + 4];
        float v26[2];
        for (int l = 0; l < 2; l++) v26[l] = v25[l + 0] + v25[l + 2];
        float v27 = v26[0] + v26[1];
        p0[i1] = v27;
    }
}

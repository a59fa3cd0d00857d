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
    for (int64_t i1 = 0; i1 < 5LL; i1++) {
        int64_t v2 = (uint64_t)i1 << 3LL;
        int64_t v3 = i1 * (-8LL);
        int64_t v4 = v3 + 37LL;
        int32_t v5 = (int32_t)v4;
        bool v6[8];
        for (int l = 0; l < 8; l++) v6[l] = (l) < v5;
        float v7[8];
        for (int l = 0; l < 8; l++) v7[l] = v6[l] ? p1[v2 + l] : 0;
        float v8[8];
        for (int l = 0; l < 8; l++) v8[l] = v7[l] * 2.0f;
        float v9[8];
        for (int l = 0; l < 8; l++) v9[l] = v8[l] + 1.0f;
        for (int l = 0; l < 8; l++) if (v6[l]) p0[v2 + l] = v9[l];
    }
}

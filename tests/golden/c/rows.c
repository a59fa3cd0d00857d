#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
_Static_assert(FLT_EVAL_METHOD == 0, "each operation is rounded to its own type");
#define BITS_AS(to, from, x) (((union { from a; to b; }){ .a = (x) }).b)

void kernel_k(void **args, int64_t grid_item)
{
    float *p0 = args[0];
    float *p2 = args[2];
    int64_t *p1 = args[1];
    for (int64_t i1 = 0; i1 < 3LL; i1++) {
        int64_t v2 = (uint64_t)i1 << 3LL;
        int64_t v3 = p1[i1];
        int64_t v4 = (uint64_t)v3 << 3LL;
        float v5[8];
        for (int l = 0; l < 8; l++) v5[l] = p2[v4 + l];
        for (int l = 0; l < 8; l++) p0[v2 + l] = v5[l];
    }
}

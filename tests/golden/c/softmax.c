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
        int64_t v2 = i1 * 7LL;
        float i3_0 = (-INFINITY);
        for (int64_t i3 = 0; i3 < 7LL; i3++) {
            float v4 = i3_0;
            int64_t v5 = v2 + i3;
            float v6 = p1[v5];
            float v7 = v4 != v4 || v4 > v6 ? v4 : v6;
            i3_0 = v7;
        }
        float i8_0 = 0.0f;
        for (int64_t i8 = 0; i8 < 7LL; i8++) {
            float v9 = i8_0;
            int64_t v10 = v2 + i8;
            float v11 = p1[v10];
            float v12 = v11 - i3_0;
            float v13 = exp((double)v12);
            float v14 = v9 + v13;
            i8_0 = v14;
        }
        for (int64_t i15 = 0; i15 < 7LL; i15++) {
            int64_t v16 = v2 + i15;
            float v17 = p1[v16];
            float v18 = v17 - i3_0;
            float v19 = exp((double)v18);
            float v20 = v19 / i8_0;
            p0[v16] = v20;
        }
    }
}

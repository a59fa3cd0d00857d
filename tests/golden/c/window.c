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
    float *p3 = args[3];
    float v1 = p3[0LL];
    for (int64_t i2 = 0; i2 < 3LL; i2++) {
        int64_t v3 = (uint64_t)i2 << 3LL;
        for (int64_t i4 = 0; i4 < 8LL; i4++) {
            int64_t v5 = v3 + i4;
            float i6_0 = 0.0f;
            for (int64_t i6 = 0; i6 < 3LL; i6++) {
                float v7 = i6_0;
                int64_t v8 = (uint64_t)i6 << 3LL;
                int64_t v9 = v5 + v8;
                int64_t v10 = i2 + i6;
                bool v11 = 0LL < v10;
                bool v12 = v10 < 4LL;
                bool v13 = v11 & v12;
                int64_t v14 = i6 * 3LL;
                float i15_0 = v7;
                for (int64_t i15 = 0; i15 < 3LL; i15++) {
                    int64_t v16 = v9 + i15;
                    int64_t v17 = v16 + (-9LL);
                    int64_t v18 = i4 + i15;
                    bool v19 = 0LL < v18;
                    bool v20 = v13 & v19;
                    bool v21 = v18 < 9LL;
                    bool v22 = v20 & v21;
                    float v23 = v22 ? p1[v17] : 0;
                    int64_t v24 = v14 + i15;
                    float v25 = p2[v24];
                    float v26 = i15_0;
                    float v27 = fmaf(v23, v25, v26);
                    i15_0 = v27;
                }
                i6_0 = i15_0;
            }
            float v28 = i6_0 + v1;
            p0[v5] = v28;
        }
    }
}

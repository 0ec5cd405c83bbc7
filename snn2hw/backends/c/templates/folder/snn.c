@HEAD@
/* A layer's number in the names below counts from 0, the input; the comment above its code begins with its name in the model. */
#include <string.h>

#include "snn.h"
#include "weights.h"

/* What is assumed of the compiler; where it is not so, this does not compile. */
typedef char snn_int_has_32_bits[sizeof(int) >= 4 ? 1 : -1];
typedef char snn_right_shifts_are_arithmetic[(-1 >> 1) == -1 ? 1 : -1];
typedef char snn_conversions_wrap[(int32_t)UINT32_C(0x80000001) == -2147483647 ? 1 : -1];
typedef char snn_memory_is_as_stated[sizeof(snn_memory) <= SNN_MEMORY ? 1 : -1];
@LANES@
@RUN@

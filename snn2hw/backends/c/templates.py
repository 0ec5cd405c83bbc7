"""Files of the C folder that are the same for every network, and frames of the others. `@NAME@` is filled in."""

from __future__ import annotations

HEADER = """\
@HEAD@
#ifndef SNN_H
#define SNN_H

#include <stdint.h>

#define SNN_MODEL_SHA256 "@SHA@"

/* Input: @LAYOUT@
   @PAYLOAD@ */
typedef @TYPE@ snn_payload;
#define SNN_STEPS @STEPS@    /* that snn_run takes one sample through */
#define SNN_CHANNELS @CHANNELS@
#define SNN_HEIGHT @HEIGHT@
#define SNN_WIDTH @WIDTH@
#define SNN_INPUT @INPUT@    /* payloads of a sample */
#define SNN_LOWEST (@LO@)    /* payload */
#define SNN_HIGHEST @HI@    /* payload; what lies beyond is not checked and can overflow */

#define SNN_CLASSES @CLASSES@

/* What a run works in. It may hold anything before and holds nothing of use after. */
typedef struct {
@POOLS@
} snn_memory;
#define SNN_MEMORY @MEMORY@    /* bytes of it */

/* Runs one sample from the initial state of every neuron through all steps.
   readout[c] is the sum over the steps of the logits of class c; the class is the largest, the first of two that are equal.
   Needs no setup, keeps nothing, may be called from several threads, each with a memory of its own. */
void snn_run(const snn_payload input[SNN_INPUT], int32_t readout[SNN_CLASSES], snn_memory *memory);

#endif
"""

SOURCE = """\
@HEAD@
#include <string.h>

#include "snn.h"
#include "weights.h"

/* What is assumed of the compiler; where it is not so, this does not compile. */
typedef char snn_int_has_32_bits[sizeof(int) >= 4 ? 1 : -1];
typedef char snn_right_shifts_are_arithmetic[(-1 >> 1) == -1 ? 1 : -1];
typedef char snn_memory_is_as_stated[sizeof(snn_memory) <= SNN_MEMORY ? 1 : -1];
@RUN@"""

WEIGHTS = """\
@HEAD@
#ifndef SNN_WEIGHTS_H
#define SNN_WEIGHTS_H

#include <stdint.h>
@ARRAYS@
#endif
"""

VECTORS = """\
@HEAD@
#ifndef SNN_VECTORS_H
#define SNN_VECTORS_H

#include "snn.h"

#define VECTORS @COUNT@    /* of the @TOTAL@ samples in vectors.npz */

/* Number of each in vectors.npz, from 0. */
@SAMPLES@
@PAYLOADS@
/* What the reference executor gives. */
@READOUTS@
#endif
"""

MAIN = """\
@HEAD@
#include <stdio.h>
#include <string.h>

#include "snn.h"
#include "vectors.h"

/* Replays vectors.h. Prints every readout that differs; exit code 0 where none does, else 1. */
int main(void)
{
    static snn_memory memory;
    static int32_t readout[SNN_CLASSES];
    int differing = 0;
    for (int n = 0; n < VECTORS; ++n) {
        memset(&memory, 0xA5, sizeof memory); /* it may hold anything */
        snn_run(vector_input[n], readout, &memory);
        for (int c = 0; c < SNN_CLASSES; ++c)
            if (readout[c] != vector_readout[n][c]) {
                printf("sample %d, class %d: got %ld, expected %ld\\n", vector_sample[n], c, (long)readout[c],
                       (long)vector_readout[n][c]);
                ++differing;
            }
    }
    printf("%d samples, %d readouts, %d differ\\n", VECTORS, VECTORS * SNN_CLASSES, differing);
    return differing != 0;
}
"""

MAKEFILE = """\
CC ?= cc
CFLAGS ?= @FLAGS@

all: replay

test: replay
	./replay

replay: snn.o main.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ snn.o main.o

snn.o: snn.c snn.h weights.h
	$(CC) $(CFLAGS) -c -o $@ snn.c

main.o: main.c snn.h vectors.h
	$(CC) $(CFLAGS) -c -o $@ main.c

clean:
	rm -f replay snn.o main.o

.PHONY: all test clean
"""

README = """\
# A spiking network in C

Written by snn2hw @VERSION@ from the artefact whose model.onnx has the sha256
`@SHA@`.
C99, integers only, no allocation, no dependency but `memcpy`. Bit for bit what `snn2hw verify` compares.

    make test        # builds, replays @COUNT@ of the artefact's samples, compares every readout
    make CC=clang test

```c
#include "snn.h"

static snn_payload input[SNN_INPUT];
static int32_t readout[SNN_CLASSES];
static snn_memory memory;                  /* may hold anything */

snn_run(input, readout, &memory);          /* the class is the largest readout, the first of two that are equal */
```

Input: @LAYOUT@
@PAYLOAD@

| memory | bytes |
|---|---|
| `snn_memory`, given by the caller | @MEMORY@ |
| weights, biases, constants per channel, `const` | @CONST@ |
| input and readout | @GIVEN@ |
| largest local array, on the stack | @STACK@ |

In a program of your own: snn.c with snn.h and weights.h. vectors.h, main.c and the Makefile are for the test.

Limits: `int` has at least 32 bits and right shifts of negative numbers are arithmetic (checked when compiling); payloads are
not checked; a second network in the same program needs another name (`-Dsnn_run=...`, for all files that use it); from C++,
include snn.h within `extern "C"`.@LARGE@
"""

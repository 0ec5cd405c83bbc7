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
#define SNN_INPUT @INPUT@    /* spike values of a sample */
#define SNN_LOWEST (@LO@)    /* spike value */
#define SNN_HIGHEST @HI@    /* spike value; what lies beyond is not checked and can overflow */

#define SNN_CLASSES @CLASSES@

/* @MEANS@ */
typedef struct {
@POOLS@
} snn_memory;
#define SNN_MEMORY @MEMORY@    /* bytes of it */

/* Runs one sample from the initial state of every neuron through all steps.
   readout[c] is @READOUT@ of class c; the class is the largest, the first of two that are equal.
   Needs no setup, @KEEPS@
   May be called from several threads, each with a memory of its own. */
void snn_run(const snn_payload input[SNN_INPUT], int32_t readout[SNN_CLASSES], snn_memory *memory);
@STREAMING@

#endif

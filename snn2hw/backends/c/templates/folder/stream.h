
/* A step at a time, for what arrives while it is computed. Between calls, memory holds the states of all neurons: a memory for
   every stream. */
#define SNN_STEP_INPUT @STEP_INPUT@    /* spike values of a step: @STEP_LAYOUT@ */

/* Sets every neuron to its initial state; before the first step, and before each new sample. */
void snn_start(snn_memory *memory);

/* Takes one step. readout[c] is the logit of class c at this step; of a whole sample snn_run gives @WHOLE@.
   After SNN_STEPS steps nothing needs to end: states keep to their ranges however many steps follow. */
void snn_step(const snn_payload input[SNN_STEP_INPUT], int32_t readout[SNN_CLASSES], snn_memory *memory);

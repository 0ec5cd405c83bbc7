@FUNCTIONS@
void snn_start(snn_memory *memory)
{
@START@
}

void snn_step(const snn_payload input[SNN_STEP_INPUT], int32_t readout[SNN_CLASSES], snn_memory *memory)
{
@IGNORED@
@CALLS@
}

void snn_run(const snn_payload input[SNN_INPUT], int32_t readout[SNN_CLASSES], snn_memory *memory)
{
    int32_t logits[SNN_CLASSES];
    snn_start(memory);
    for (int c = 0; c < SNN_CLASSES; ++c) readout[c] = 0;
    for (int t = 0; t < SNN_STEPS; ++t) {
        snn_step(input@NEXT@, logits, memory);
        for (int c = 0; c < SNN_CLASSES; ++c) readout[c] @ADD@ logits[c];
    }
}

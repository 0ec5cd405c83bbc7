@FUNCTIONS@
void snn_run(const snn_payload input[SNN_INPUT], int32_t readout[SNN_CLASSES], snn_memory *memory)
{
@IGNORED@
@CALLS@
}

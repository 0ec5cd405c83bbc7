#include "arm_nnfunctions.h"
#include "parameters.h"

/* A linear layer as an int8 network calls it, with one scale for all outputs. */
static const cmsis_nn_fc_params linear = {INPUT_OFFSET, 0, OUTPUT_OFFSET, {-128, 127}};
static const cmsis_nn_dims entering = {1, 1, 1, INPUTS}, filter = {INPUTS, 1, 1, OUTPUTS};
static const cmsis_nn_dims biases = {1, 1, 1, OUTPUTS}, leaving = {1, 1, 1, OUTPUTS};

void buffer(int32_t *bytes)
{
    *bytes = arm_fully_connected_s8_get_buffer_size(&filter);
}

int layer(const int8_t *input, int8_t *output, void *scratch)
{
    const cmsis_nn_context context = {scratch, BUFFER};
    const cmsis_nn_per_tensor_quant_params scale = {multiplier[0], shift[0]};
    return arm_fully_connected_s8(&context, &linear, &scale, &entering, input, &filter, weight, &biases, bias, &leaving, output);
}

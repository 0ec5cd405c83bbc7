#include "arm_nnfunctions.h"
#include "parameters.h"

/* A depthwise convolution as an int8 network calls it: the wrapper chooses the kernel. */
static const cmsis_nn_dw_conv_params convolution = {
    INPUT_OFFSET, OUTPUT_OFFSET, 1, {1, 1}, {KERNEL / 2, KERNEL / 2}, {1, 1}, {-128, 127}};
static const cmsis_nn_dims entering = {1, SIZE, SIZE, INPUTS}, filter = {1, KERNEL, KERNEL, OUTPUTS};
static const cmsis_nn_dims biases = {1, 1, 1, OUTPUTS}, leaving = {1, SIZE, SIZE, OUTPUTS};

void buffer(int32_t *bytes)
{
    *bytes = arm_depthwise_conv_wrapper_s8_get_buffer_size(&convolution, &entering, &filter, &leaving);
}

int layer(const int8_t *input, int8_t *output, void *scratch)
{
    const cmsis_nn_context context = {scratch, BUFFER};
    const cmsis_nn_per_channel_quant_params scales = {(int32_t *)multiplier, (int32_t *)shift};
    return arm_depthwise_conv_wrapper_s8(&context, &convolution, &scales, &entering, input, &filter, weight, &biases, bias,
                                         &leaving, output);
}

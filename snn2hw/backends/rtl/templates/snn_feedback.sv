// The spikes of the step before: nothing at the first step of a sample; what fires at its last step is not needed.
module snn_feedback #(
    parameter int ADDRESS = 1,
    parameter int IN = 1,  // bits of a value that enters
    parameter bit IN_SIGNED = 0,
    parameter int VALUE = 1,
    parameter int STEPS = 1,
    parameter int STEP = 1
) (
    input logic clk,
    input logic reset,

    input  logic               in_valid,
    output logic               in_ready,
    input  logic               in_last,
    input  logic [ADDRESS-1:0] in_address,
    input  logic [IN-1:0]      in_value,

    output logic               out_valid,
    input  logic               out_ready,
    output logic               out_last,
    output logic [ADDRESS-1:0] out_address,
    output logic [VALUE-1:0]   out_value
);
  logic begin_sample, dropped;
  logic [STEP-1:0] step;
  assign dropped = step == STEP'(STEPS - 1);
  assign out_valid = begin_sample || (in_valid && !dropped);
  assign out_last = begin_sample || in_last;
  assign in_ready = !begin_sample && (dropped || out_ready);
  assign out_address = in_address;
  /* verilator lint_off UNUSEDSIGNAL */  // a value fits its own bits
  logic signed [IN:0] wide;
  /* verilator lint_on UNUSEDSIGNAL */
  assign wide = {IN_SIGNED ? in_value[IN-1] : 1'b0, in_value};
  assign out_value = VALUE'(wide);
  always_ff @(posedge clk) begin
    if (reset) begin
      begin_sample <= 1'b1;
      step <= '0;
    end else begin
      if (begin_sample && out_ready) begin_sample <= 1'b0;
      if (in_valid && in_ready && in_last) begin
        step <= dropped ? '0 : step + 1'b1;
        if (dropped) begin_sample <= 1'b1;
      end
    end
  end
endmodule

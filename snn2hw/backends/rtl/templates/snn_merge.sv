// Events of two branches in one stream; a step ends when it has ended in both. What reads them adds them up, so that
// this is a sum of the branches, each times 1 or -1 and a power of two; or, with a first channel for the second
// branch, their concatenation.
module snn_merge #(
    parameter int PLACE = 1,  // bits of row and column
    parameter int CHANNEL_A = 1,
    parameter int CHANNEL_B = 1,
    parameter int CHANNEL = 1,
    parameter int FIRST_B = 0,  // channel where those of B begin
    parameter int VALUE_A = 1,
    parameter bit SIGNED_A = 0,
    parameter int SHIFT_A = 0,
    parameter bit NEGATIVE_A = 0,
    parameter int VALUE_B = 1,
    parameter bit SIGNED_B = 0,
    parameter int SHIFT_B = 0,
    parameter bit NEGATIVE_B = 0,
    parameter int VALUE = 1  // bits of the values, two's complement
) (
    input logic clk,
    input logic reset,

    input  logic                       a_valid,
    output logic                       a_ready,
    input  logic                       a_last,
    input  logic [PLACE+CHANNEL_A-1:0] a_address,
    input  logic [VALUE_A-1:0]         a_value,

    input  logic                       b_valid,
    output logic                       b_ready,
    input  logic                       b_last,
    input  logic [PLACE+CHANNEL_B-1:0] b_address,
    input  logic [VALUE_B-1:0]         b_value,

    output logic                     out_valid,
    input  logic                     out_ready,
    output logic                     out_last,
    output logic [PLACE+CHANNEL-1:0] out_address,
    output logic [VALUE-1:0]         out_value
);
  logic a_event, b_event, keeps_b;
  /* verilator lint_off UNUSEDSIGNAL */  // the result is proved to fit
  logic signed [VALUE_A:0] a_wide;
  logic signed [VALUE_B:0] b_wide;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [VALUE-1:0] a_times, b_times;
  // An event of B that was offered stays until it is taken, whatever comes of A by then: one of several readers may have
  // it already.
  always_ff @(posedge clk) begin
    if (reset) keeps_b <= 1'b0;
    else keeps_b <= b_event && !a_event && !out_ready;
  end
  assign a_event = a_valid && !a_last && !keeps_b;
  assign b_event = b_valid && !b_last;
  assign a_wide = {SIGNED_A ? a_value[VALUE_A-1] : 1'b0, a_value};
  assign b_wide = {SIGNED_B ? b_value[VALUE_B-1] : 1'b0, b_value};
  assign a_times = VALUE'(a_wide) << SHIFT_A;
  assign b_times = VALUE'(b_wide) << SHIFT_B;

  assign out_last = !a_event && !b_event;
  assign out_valid = a_event || b_event || (a_valid && b_valid);
  assign out_address = a_event ? {a_address[CHANNEL_A+:PLACE], CHANNEL'(a_address[CHANNEL_A-1:0])}
      : {b_address[CHANNEL_B+:PLACE], CHANNEL'(b_address[CHANNEL_B-1:0]) + CHANNEL'(FIRST_B)};
  assign out_value = a_event ? (NEGATIVE_A ? -a_times : a_times) : (NEGATIVE_B ? -b_times : b_times);
  assign a_ready = out_ready && (a_event || (out_valid && out_last));
  assign b_ready = out_ready && ((b_event && !a_event) || (out_valid && out_last));
endmodule

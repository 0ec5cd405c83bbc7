// y = a * FACTOR_A + b * FACTOR_B, or y = a * b.
module snn_join #(
    parameter int LANES = 1,
    parameter int A = 1,  // bits of the values
    parameter bit SIGNED_A = 1,
    parameter int B = 1,
    parameter bit SIGNED_B = 1,
    parameter int OUT = 1,  // two's complement
    parameter bit PRODUCT = 0,
    parameter int FACTOR_A = 1,
    parameter int FACTOR_B = 1
) (
    input  logic               a_valid,
    output logic               a_ready,
    input  logic [LANES*A-1:0] a_data,

    input  logic               b_valid,
    output logic               b_ready,
    input  logic [LANES*B-1:0] b_data,

    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [LANES*OUT-1:0] out_data
);
  assign out_valid = a_valid && b_valid;
  assign a_ready = out_ready && out_valid;
  assign b_ready = out_ready && out_valid;
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    /* verilator lint_off UNUSEDSIGNAL */  // the result is proved to fit
    logic signed [A:0] a_wide;
    logic signed [B:0] b_wide;
    /* verilator lint_on UNUSEDSIGNAL */
    logic signed [OUT-1:0] a, b;
    assign a_wide = {SIGNED_A ? a_data[lane*A+A-1] : 1'b0, a_data[lane*A+:A]};
    assign b_wide = {SIGNED_B ? b_data[lane*B+B-1] : 1'b0, b_data[lane*B+:B]};
    assign a = OUT'(a_wide);
    assign b = OUT'(b_wide);
    assign out_data[lane*OUT+:OUT] = PRODUCT ? a * b : a * OUT'(FACTOR_A) + b * OUT'(FACTOR_B);
  end
endmodule

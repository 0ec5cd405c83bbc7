// y = x * FACTOR + constant, a constant for each word, used in turn.
module snn_offset #(
    parameter int LANES = 1,
    parameter int IN = 1,
    parameter bit SIGNED_IN = 1,
    parameter int OUT = 1,  // two's complement
    parameter int FACTOR = 1,
    parameter int CONSTANTS = 1,
    parameter int CONSTANT_WORD = 1,
    parameter FILE = ""
) (
    input logic clk,
    input logic reset,

    input  logic                in_valid,
    output logic                in_ready,
    input  logic [LANES*IN-1:0] in_data,

    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [LANES*OUT-1:0] out_data
);
  logic [CONSTANT_WORD-1:0] word;
  logic [LANES*IN-1:0] values;
  logic [LANES*OUT-1:0] constants;
  assign in_ready = !out_valid || out_ready;
  always_ff @(posedge clk) begin
    if (reset) begin
      out_valid <= 1'b0;
      word <= '0;
    end else if (in_ready) begin
      out_valid <= in_valid;
      if (in_valid) word <= word == CONSTANT_WORD'(CONSTANTS - 1) ? '0 : word + 1'b1;
    end
    if (in_ready) values <= in_data;
  end
  snn_rom #(
      .WIDTH(LANES * OUT), .DEPTH(CONSTANTS), .ADDRESS(CONSTANT_WORD), .FILE(FILE)
  ) added (
      .clk(clk), .enable(in_ready), .address(word), .data(constants)
  );
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    /* verilator lint_off UNUSEDSIGNAL */  // the result is proved to fit
    logic signed [IN:0] wide;
    /* verilator lint_on UNUSEDSIGNAL */
    logic signed [OUT-1:0] x;
    assign wide = {SIGNED_IN ? values[lane*IN+IN-1] : 1'b0, values[lane*IN+:IN]};
    assign x = OUT'(wide);
    assign out_data[lane*OUT+:OUT] = x * OUT'(FACTOR) + constants[lane*OUT+:OUT];
  end
endmodule

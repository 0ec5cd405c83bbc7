// A layer of neurons: their states, and the order in which they pass through the lanes that compute a step of them.
//
// Sums arrive in words of LANES neurons, always in the same order. Every cycle one word enters the lanes, together
// with its states and its constants; LATENCY cycles later its spikes leave and its next states are written back.
// The lanes themselves are in the module that this one stands in; they advance with `enable`.
module snn_neurons #(
    parameter int LANES = 1,
    parameter int IN = 8,  // bits of a sum
    parameter int STATE = 8,  // bits of all states of one neuron
    parameter int OUT = 1,  // bits of a spike value
    parameter int CONSTANT = 1,  // bits of the constants of one neuron
    parameter int WORDS = 1,
    parameter int WORD = 1,  // bits that count them
    parameter int CONSTANTS = 1,  // words of constants, used in turn
    parameter int CONSTANT_WORD = 1,
    parameter int STEPS = 1,
    parameter int STEP = 1,
    parameter int LATENCY = 1,
    parameter CONSTANT_FILE = ""
) (
    input logic clk,
    input logic reset,

    input  logic                in_valid,
    output logic                in_ready,
    input  logic [LANES*IN-1:0] in_data,

    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [LANES*OUT-1:0] out_data,

    // to the lanes
    output logic                      enable,
    output logic                      first,     // the states are the initial ones
    output logic [      LANES*IN-1:0] sums,
    output logic [   LANES*STATE-1:0] states,
    output logic [LANES*CONSTANT-1:0] constants,
    // from the lanes
    input  logic [     LANES*OUT-1:0] spikes,
    input  logic [   LANES*STATE-1:0] next_states
);
  logic [WORD-1:0] word, written;
  logic [STEP-1:0] step;
  logic entered, begun;  // begun: some words of the step have entered
  logic [LATENCY-1:0] computing;
  logic accept, leaves;

  // A step begins when the states of the step before are all written.
  assign enable = !out_valid || out_ready;
  assign in_ready = enable && (begun || !(entered || |computing));
  assign accept = in_valid && in_ready;
  assign out_valid = computing[LATENCY-1];
  assign out_data = spikes;
  assign leaves = out_valid && out_ready;

  always_ff @(posedge clk) begin
    if (reset) begin
      word <= '0;
      step <= '0;
      written <= '0;
      entered <= 1'b0;
      begun <= 1'b0;
      computing <= '0;
    end else begin
      if (accept) begin
        word <= word == WORD'(WORDS - 1) ? '0 : word + 1'b1;
        begun <= word != WORD'(WORDS - 1);
        if (word == WORD'(WORDS - 1)) step <= step == STEP'(STEPS - 1) ? '0 : step + 1'b1;
      end
      if (leaves) written <= written == WORD'(WORDS - 1) ? '0 : written + 1'b1;
      if (enable) begin
        entered <= accept;
        computing  <= LATENCY'({computing, entered});
      end
    end
    if (enable) begin
      sums  <= in_data;
      first <= step == '0;
    end
  end

  snn_ram #(
      .WIDTH(LANES * STATE), .DEPTH(WORDS), .ADDRESS(WORD)
  ) kept (
      .clk(clk),
      .write(leaves), .write_address(written), .write_data(next_states),
      .read(enable), .read_address(word), .read_data(states)
  );

  if (CONSTANT_FILE == "") begin : g_no_constants
    assign constants = '0;
  end else begin : g_constants
    logic [CONSTANT_WORD-1:0] constant;
    always_ff @(posedge clk) begin
      if (reset) constant <= '0;
      else if (accept) constant <= constant == CONSTANT_WORD'(CONSTANTS - 1) ? '0 : constant + 1'b1;
    end
    snn_rom #(
        .WIDTH(LANES * CONSTANT), .DEPTH(CONSTANTS), .ADDRESS(CONSTANT_WORD), .FILE(CONSTANT_FILE)
    ) of_channels (
        .clk(clk), .enable(enable), .address(constant), .data(constants)
    );
  end
endmodule

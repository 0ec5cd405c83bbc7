// @SAYS@
module @MODULE@@PARAMETERS@ (
    input logic clk,
    input logic reset,

    input  logic                    in_valid,
    output logic                    in_ready,
    input  logic [@LANES@*@IN@-1:0] in_data,

    output logic                     out_valid,
    input  logic                     out_ready,
    output logic [@LANES@*@OUT@-1:0] out_data
);
  localparam int LANES = @LANES@;
  localparam int IN = @IN@;
  localparam int OUT = @OUT@;
  localparam int STATE = @STATE@;

  /* verilator lint_off UNUSEDSIGNAL */  // by neurons without a state
  logic enable, first;
  logic [LANES*IN-1:0] sums;
  logic [LANES*STATE-1:0] states, next_states;
  /* verilator lint_on UNUSEDSIGNAL */
@DECLARE@  logic [LANES*OUT-1:0] spikes;

  snn_neurons #(
      .LANES(LANES), .IN(IN), .STATE(STATE), .OUT(OUT), .CONSTANT(@CONSTANT@),
      .WORDS(@WORDS@), .WORD(@WORD@), .CONSTANTS(@CONSTANTS@), .CONSTANT_WORD(@CONSTANT_WORD@),
      .STEPS(@STEPS@), .STEP(@STEP@), .LATENCY(@LATENCY@), .CONSTANT_FILE(@FILE@)
  ) layer (
      .clk(clk), .reset(reset),
      .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
      .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data),
      .enable(enable), .first(first), .sums(sums), .states(states), .constants(@CONSTANT_WIRES@),
      .spikes(spikes), .next_states(next_states)
  );

`ifdef SNN2HW_TRACE
  // The simulator hears of every spike and of every next state, in the order in which they leave, and of every value
  // that leaves the interval which is proved for it.
  import "DPI-C" function void snn2hw_trace(input int series, input longint value);
  import "DPI-C" function void snn2hw_outside(input int series, input int value);
`endif

  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    /* verilator lint_off UNUSEDSIGNAL */  // what reads a value last may need fewer bits of it than what reads it first
@LANE@
    /* verilator lint_on UNUSEDSIGNAL */
`ifdef SNN2HW_TRACE
@WATCH@
`endif
  end

`ifdef SNN2HW_TRACE
  always_ff @(posedge clk)
    if (out_valid && out_ready && !reset)
      for (int lane = 0; lane < LANES; lane++) begin
@TRACE@
      end
`endif
endmodule

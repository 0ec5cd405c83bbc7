// The readout: logits are added up over the steps (or those of the last step are kept), and leave one a beat.
module snn_readout #(
    parameter int LANES = 1,
    parameter int IN = 8,
    parameter bit SIGNED_IN = 1,
    parameter int OUT = 32,  // two's complement
    parameter int CLASSES = 1,
    parameter int CLASS = 1,  // bits that count them
    parameter int WORD = 1,  // bits that count words of LANES of them
    parameter int STEPS = 1,
    parameter int STEP = 1,
    parameter bit LAST_STEP = 0
) (
    input logic clk,
    input logic reset,

    input  logic                in_valid,
    output logic                in_ready,
    input  logic [LANES*IN-1:0] in_data,

    output logic           m_axis_tvalid,
    input  logic           m_axis_tready,
    output logic [OUT-1:0] m_axis_tdata,
    output logic           m_axis_tlast
);
  localparam int WORDS = (CLASSES + LANES - 1) / LANES;

  logic [LANES*OUT-1:0] sums[0:WORDS-1];
  logic [WORD-1:0] word;
  logic [CLASS-1:0] leaving;
  logic [STEP-1:0] step;
  logic full, fresh;
  assign in_ready = !full;
  assign fresh = LAST_STEP || step == '0;
  assign m_axis_tvalid = full;
  assign m_axis_tlast = leaving == CLASS'(CLASSES - 1);

  logic [LANES*OUT-1:0] old, fresh_sums, leaves;
  assign old = sums[word];
  assign leaves = sums[WORD'(32'(leaving) / LANES)];
  assign m_axis_tdata = leaves[32'(leaving) % LANES * OUT+:OUT];
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    /* verilator lint_off UNUSEDSIGNAL */  // the result is proved to fit
    logic signed [IN:0] wide;
    /* verilator lint_on UNUSEDSIGNAL */
    assign wide = {SIGNED_IN ? in_data[lane*IN+IN-1] : 1'b0, in_data[lane*IN+:IN]};
    assign fresh_sums[lane*OUT+:OUT] = OUT'(wide) + (fresh ? '0 : old[lane*OUT+:OUT]);
  end

  always_ff @(posedge clk) begin
    if (reset) begin
      word <= '0;
      step <= '0;
      leaving <= '0;
      full <= 1'b0;
    end else if (full) begin
      if (m_axis_tready) begin
        leaving <= m_axis_tlast ? '0 : leaving + 1'b1;
        if (m_axis_tlast) full <= 1'b0;
      end
    end else if (in_valid) begin
      word <= word == WORD'(WORDS - 1) ? '0 : word + 1'b1;
      if (word == WORD'(WORDS - 1)) begin
        step <= step == STEP'(STEPS - 1) ? '0 : step + 1'b1;
        if (step == STEP'(STEPS - 1)) full <= 1'b1;
      end
    end
    if (in_valid && in_ready) sums[word] <= fresh_sums;
  end
endmodule

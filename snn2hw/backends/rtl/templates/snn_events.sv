// Events: a beat is {end of step, value, row, column, channel}; the beat that ends a step carries no event, tlast comes
// with the one that ends the sample. Steps that are missing then are empty; steps beyond the last one are dropped.
module snn_events #(
    parameter int ADDRESS = 1,
    parameter int VALUE = 1,
    parameter int STEPS = 1,
    parameter int STEP = 1
) (
    input logic clk,
    input logic reset,

    input  logic                   s_axis_tvalid,
    output logic                   s_axis_tready,
    input  logic [VALUE+ADDRESS:0] s_axis_tdata,
    input  logic                   s_axis_tlast,

    output logic               out_valid,
    input  logic               out_ready,
    output logic               out_last,
    output logic [ADDRESS-1:0] out_address,
    output logic [VALUE-1:0]   out_value
);
  logic [STEP-1:0] step;  // STEPS once all have ended
  logic filling, over, ends;
  assign over = step == STEP'(STEPS);
  assign ends = s_axis_tdata[VALUE+ADDRESS];
  assign {out_value, out_address} = s_axis_tdata[VALUE+ADDRESS-1:0];
  assign out_last = filling || ends;
  assign out_valid = (filling || s_axis_tvalid) && !over;
  assign s_axis_tready = !filling && (over || out_ready);
  always_ff @(posedge clk) begin
    if (reset) begin
      step <= '0;
      filling <= 1'b0;
    end else begin
      if (out_valid && out_ready && out_last) step <= step + 1'b1;
      if (s_axis_tvalid && s_axis_tready && s_axis_tlast) filling <= 1'b1;
      if (filling && over) begin
        filling <= 1'b0;
        step <= '0;
      end
    end
  end
endmodule

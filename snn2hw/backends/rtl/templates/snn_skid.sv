// A place for one value between two modules, so that no path leads from the `ready` of the one behind to that in front.
// It adds no cycle: what comes while there is room behind goes straight on.
module snn_skid #(
    parameter int WIDTH = 1
) (
    input logic clk,
    input logic reset,

    input  logic             in_valid,
    output logic             in_ready,
    input  logic [WIDTH-1:0] in_data,

    output logic             out_valid,
    input  logic             out_ready,
    output logic [WIDTH-1:0] out_data
);
  logic kept;
  logic [WIDTH-1:0] keeps;
  assign in_ready = !kept;
  assign out_valid = in_valid || kept;
  assign out_data = kept ? keeps : in_data;
  always_ff @(posedge clk) begin
    if (reset) kept <= 1'b0;
    else if (out_ready) kept <= 1'b0;
    else if (in_valid) kept <= 1'b1;
    if (!kept) keeps <= in_data;
  end
endmodule

// One stream to several readers, each of which takes every beat once.
module snn_fork #(
    parameter int READERS = 2
) (
    input logic clk,
    input logic reset,

    input  logic in_valid,
    output logic in_ready,

    output logic [READERS-1:0] out_valid,
    input  logic [READERS-1:0] out_ready
);
  logic [READERS-1:0] took;
  assign out_valid = in_valid ? ~took : '0;
  assign in_ready = &(took | out_ready);
  always_ff @(posedge clk) begin
    if (reset) took <= '0;
    else if (in_valid) took <= in_ready ? '0 : took | out_ready;
  end
endmodule

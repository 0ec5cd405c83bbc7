// A queue of events that holds a whole step and its end: the second side of a product waits in it for the first one,
// where both are made of the same events.
module snn_queue #(
    parameter int ADDRESS = 1,
    parameter int VALUE = 1,
    parameter int WORDS = 1,
    parameter int WORD = 1,  // bits that number them
    parameter int COUNT = 1  // bits that count them
) (
    input logic clk,
    input logic reset,

    input  logic               in_valid,
    output logic               in_ready,
    input  logic               in_last,
    input  logic [ADDRESS-1:0] in_address,
    input  logic [VALUE-1:0]   in_value,

    output logic               out_valid,
    input  logic               out_ready,
    output logic               out_last,
    output logic [ADDRESS-1:0] out_address,
    output logic [VALUE-1:0]   out_value
);
  snn_buffer #(
      .BITS(1 + ADDRESS + VALUE), .WORDS(WORDS), .WORD(WORD), .COUNT(COUNT)
  ) queue (
      .clk(clk), .reset(reset),
      .in_valid(in_valid), .in_ready(in_ready), .in_data({in_last, in_address, in_value}),
      .out_valid(out_valid), .out_ready(out_ready), .out_data({out_last, out_address, out_value})
  );
endmodule

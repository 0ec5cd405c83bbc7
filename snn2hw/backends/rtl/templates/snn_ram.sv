// One port to write, one to read. What is read is what stood there before a write of the same cycle.
module snn_ram #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 1,
    parameter int ADDRESS = 1
) (
    input  logic               clk,
    input  logic               write,
    input  logic [ADDRESS-1:0] write_address,
    input  logic [WIDTH-1:0]   write_data,
    input  logic               read,
    input  logic [ADDRESS-1:0] read_address,
    output logic [WIDTH-1:0]   read_data
);
  logic [WIDTH-1:0] memory[0:DEPTH-1];
  always_ff @(posedge clk) begin
    if (write) memory[write_address] <= write_data;
    if (read) read_data <= memory[read_address];
  end
endmodule

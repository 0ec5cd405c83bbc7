// Constants whose entry is there one cycle after its address.
module snn_rom #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 1,
    parameter int ADDRESS = 1,
    parameter FILE = ""
) (
    input  logic               clk,
    input  logic               enable,
    input  logic [ADDRESS-1:0] address,
    output logic [WIDTH-1:0]   data
);
  logic [WIDTH-1:0] memory[0:DEPTH-1];
  if (FILE != "") begin : g_file
    initial $readmemh(FILE, memory);
  end
  always_ff @(posedge clk) if (enable) data <= memory[address];
endmodule

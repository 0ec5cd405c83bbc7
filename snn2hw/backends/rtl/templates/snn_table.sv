// A table whose entry is there in the same cycle.
module snn_table #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 1,
    parameter int ADDRESS = 1,
    parameter FILE = ""
) (
    input  logic [ADDRESS-1:0] address,
    output logic [WIDTH-1:0]   data
);
  logic [WIDTH-1:0] memory[0:DEPTH-1];
  if (FILE != "") begin : g_file
    initial $readmemh(FILE, memory);
  end
  assign data = memory[address];
endmodule

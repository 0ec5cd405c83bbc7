// A table whose entry is there in the same cycle.
module snn_table #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 1,
    parameter int ADDRESS = 1,
    parameter FILE = ""
) (
    /* verilator lint_off UNUSEDSIGNAL */  // a single row or column has a number, too
    input  logic [ADDRESS-1:0] address,
    /* verilator lint_on UNUSEDSIGNAL */
    output logic [WIDTH-1:0]   data
);
  localparam int USED = DEPTH == 1 ? 1 : $clog2(DEPTH);
  logic [WIDTH-1:0] memory[0:DEPTH-1];
  if (FILE != "") begin : g_file
    initial $readmemh(FILE, memory);
  end
  assign data = memory[address[USED-1:0]];
endmodule

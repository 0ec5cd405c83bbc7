// One port to write, one to read. Nobody uses what is read of a place in the cycle in which it is written: the simulator
// gives something wrong then, and synthesis need not care (no_rw_check, which spares a bypass around each memory).
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
  (* no_rw_check *)
  logic [WIDTH-1:0] memory[0:DEPTH-1];
  always_ff @(posedge clk) begin
    if (write) memory[write_address] <= write_data;
    if (read) read_data <= memory[read_address];
`ifdef SNN2HW_TRACE
    if (read && write && write_address == read_address) read_data <= ~memory[read_address];
`endif
  end
endmodule

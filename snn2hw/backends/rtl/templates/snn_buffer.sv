// A queue of words that holds a whole step: the shorter of two branches waits in it, so that the longer one gets all
// of the step that both are made of.
module snn_buffer #(
    parameter int BITS = 8,  // of a word
    parameter int WORDS = 1,
    parameter int WORD = 1,  // bits that number them
    parameter int COUNT = 1  // bits that count them
) (
    input logic clk,
    input logic reset,

    input  logic            in_valid,
    output logic            in_ready,
    input  logic [BITS-1:0] in_data,

    output logic            out_valid,
    input  logic            out_ready,
    output logic [BITS-1:0] out_data
);
  logic [WORD-1:0] head, tail;
  logic [COUNT-1:0] count;
  logic accept, advance, leaves;
  assign in_ready = count != COUNT'(WORDS);
  assign accept = in_valid && in_ready;
  assign advance = !out_valid || out_ready;
  assign leaves = advance && count != '0;

  always_ff @(posedge clk) begin
    if (reset) begin
      head <= '0;
      tail <= '0;
      count <= '0;
      out_valid <= 1'b0;
    end else begin
      if (accept) tail <= tail == WORD'(WORDS - 1) ? '0 : tail + 1'b1;
      if (leaves) head <= head == WORD'(WORDS - 1) ? '0 : head + 1'b1;
      count <= count + COUNT'(accept) - COUNT'(leaves);
      if (advance) out_valid <= leaves;
    end
  end

  snn_ram #(
      .WIDTH(BITS), .DEPTH(WORDS), .ADDRESS(WORD)
  ) kept (
      .clk(clk), .write(accept), .write_address(tail), .write_data(in_data),
      .read(advance), .read_address(head), .read_data(out_data)
  );
endmodule

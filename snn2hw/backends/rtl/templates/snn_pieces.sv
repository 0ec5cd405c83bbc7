// Constants whose entry is there two cycles after its address: a memory in pieces of a block's depth, and a register
// behind each of them, so that what chooses between them is not behind a slow block in the same cycle.
module snn_pieces #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 1,
    parameter int ADDRESS = 1,
    parameter int PIECE = 1,  // bits that count the entries of a piece
    parameter FILE = ""  // in front of the number of the piece, two digits
) (
    input  logic               clk,
    input  logic               enable,
    input  logic [ADDRESS-1:0] address,
    output logic [WIDTH-1:0]   data
);
  localparam int PIECES = ((DEPTH - 1) >> PIECE) + 1;
  localparam int REST = DEPTH - ((PIECES - 1) << PIECE);  // entries of the last one
  localparam int REST_BITS = REST == 1 ? 1 : $clog2(REST);

  logic [PIECES*WIDTH-1:0] read, kept;
  for (genvar p = 0; p < PIECES; p++) begin : g_piece
    localparam int BITS = p == PIECES - 1 ? REST_BITS : PIECE;
    snn_rom #(
        .WIDTH(WIDTH), .DEPTH(p == PIECES - 1 ? REST : 1 << PIECE), .ADDRESS(BITS),
        .FILE(FILE == "" ? "" : {FILE, 8'(48 + p / 10), 8'(48 + p % 10), ".mem"})
    ) piece (
        .clk(clk), .enable(enable), .address(address[BITS-1:0]), .data(read[p*WIDTH+:WIDTH])
    );
  end
  always_ff @(posedge clk) if (enable) kept <= read;

  if (PIECES == 1) begin : g_one
    assign data = kept;
  end else begin : g_several
    logic [ADDRESS-PIECE-1:0] which, chosen;
    always_ff @(posedge clk)
      if (enable) begin
        which  <= address[ADDRESS-1:PIECE];
        chosen <= which;
      end
    assign data = kept[32'(chosen)*WIDTH+:WIDTH];
  end
endmodule

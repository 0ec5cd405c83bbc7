// The product of two values that both come as events, head by head:
//
//   y[o] = sum over the events (i, v) of a step of B of a[o, i] * v
//
// A step of A is written into a matrix of words of LANES values, which are then the weights of the events of B. There are
// two matrices: while one is multiplied, the next step of A is written into the other one, which is set to 0 before.
// Small tables say at which word of the matrix, and of the sums, the words of an event of B begin; it reaches REACHED of
// them. The sums are in snn_banks.
module snn_product #(
    parameter int ROW_A = 1,  // bits of an event's row, column, channel and value
    parameter int COLUMN_A = 1,
    parameter int CHANNEL_A = 1,
    parameter int VALUE_A = 1,
    parameter bit SIGNED_A = 0,
    parameter int ROW_STEP = 1,  // how far apart the values of neighbours lie in the matrix
    parameter int COLUMN_STEP = 1,
    parameter int CHANNEL_STEP = 1,
    parameter int ROW = 1,  // of B
    parameter int COLUMN = 1,
    parameter int CHANNEL = 1,
    parameter int VALUE = 1,
    parameter bit VALUE_SIGNED = 0,
    parameter int ROWS = 1,  // entries of the tables
    parameter int COLUMNS = 1,
    parameter int CHANNELS = 1,
    parameter int LANES = 1,
    parameter int LANE = 0,  // LANES = 2**LANE
    parameter int MATRIX = 1,  // words of LANES values of A
    parameter int PLACE = 1,  // bits that count them
    parameter int REACHED = 1,
    parameter int SUM = 16,  // bits of a sum, two's complement
    parameter int WORDS = 1,  // words of LANES sums in a bank
    parameter int WORD = 1,  // bits that count them
    parameter ROW_FILE = "",
    parameter COLUMN_FILE = "",
    parameter CHANNEL_FILE = ""
) (
    input logic clk,
    input logic reset,

    input  logic                                a_valid,
    output logic                                a_ready,
    input  logic                                a_last,
    input  logic [ROW_A+COLUMN_A+CHANNEL_A-1:0] a_address,
    input  logic [VALUE_A-1:0]                  a_value,

    input  logic                          b_valid,
    output logic                          b_ready,
    input  logic                          b_last,
    input  logic [ROW+COLUMN+CHANNEL-1:0] b_address,
    input  logic [VALUE-1:0]              b_value,

    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [LANES*SUM-1:0] out_data
);
  localparam int NUMBER = PLACE + LANE;  // bits that number a value of the matrix
  localparam int STEP = REACHED == 1 ? 1 : $clog2(REACHED);

  // ---- the two matrices: which one is written, which one is multiplied, and which hold a whole step
  logic fill, used;
  logic [1:0] full;
  logic clearing, clears, closing, step_added;
  logic [PLACE-1:0] cleared;
  assign clears = clearing && !full[fill];
  assign a_ready = !clearing && !closing;

  // ---- a step of A: the event;  the number of its value
  logic valid_a, last_a, valid_n, last_n;
  logic [ROW_A-1:0] row_a;
  logic [COLUMN_A-1:0] column_a;
  logic [CHANNEL_A-1:0] channel_a;
  logic [VALUE_A-1:0] value_a, value_n;
  logic [NUMBER-1:0] number;

  always_ff @(posedge clk) begin
    if (reset) begin
      fill <= 1'b0;
      used <= 1'b0;
      full <= 2'b00;
      clearing <= 1'b1;
      closing <= 1'b0;
      cleared <= '0;
      valid_a <= 1'b0;
      valid_n <= 1'b0;
    end else begin
      valid_a <= a_valid && a_ready;
      valid_n <= valid_a;
      if (a_valid && a_ready && a_last) closing <= 1'b1;
      if (clears) begin
        cleared <= cleared == PLACE'(MATRIX - 1) ? '0 : cleared + 1'b1;
        if (cleared == PLACE'(MATRIX - 1)) clearing <= 1'b0;
      end
      if (valid_n && last_n) begin
        full[fill] <= 1'b1;
        fill <= !fill;
        clearing <= 1'b1;
        closing <= 1'b0;
      end
      if (step_added) begin
        full[used] <= 1'b0;
        used <= !used;
      end
    end
    {row_a, column_a, channel_a} <= a_address;
    value_a <= a_value;
    last_a <= a_last;
    number <= NUMBER'(row_a) * NUMBER'(ROW_STEP) + NUMBER'(column_a) * NUMBER'(COLUMN_STEP)
        + NUMBER'(channel_a) * NUMBER'(CHANNEL_STEP);
    value_n <= value_a;
    last_n <= last_a;
  end

  // ---- the event of B at hand, and which of the words that it reaches is next
  logic event_valid, event_ready, event_last;
  logic [ROW+COLUMN+CHANNEL-1:0] event_address;
  logic [VALUE-1:0] event_value;
  snn_skid #(
      .WIDTH(1 + ROW + COLUMN + CHANNEL + VALUE)
  ) entering (
      .clk(clk), .reset(reset),
      .in_valid(b_valid), .in_ready(b_ready), .in_data({b_last, b_address, b_value}),
      .out_valid(event_valid), .out_ready(event_ready), .out_data({event_last, event_address, event_value})
  );

  logic busy, ending, room, stall, move, finishing;
  logic [ROW-1:0] row;
  logic [COLUMN-1:0] column;
  logic [CHANNEL-1:0] channel;
  logic [VALUE-1:0] value;
  logic [STEP-1:0] reached;
  assign move = busy && !stall;
  assign finishing = move && reached == STEP'(REACHED - 1);
  assign event_ready = room && full[used] && !ending && (!busy || finishing);

  always_ff @(posedge clk) begin
    if (reset) begin
      busy   <= 1'b0;
      ending <= 1'b0;
    end else begin
      if (finishing) busy <= 1'b0;
      if (event_valid && event_ready) begin
        if (event_last) ending <= 1'b1;
        else busy <= 1'b1;
      end
      if (step_added) ending <= 1'b0;
    end
    if (event_valid && event_ready) begin
      {row, column, channel} <= event_address;
      value <= event_value;
      reached <= '0;
    end else if (move) begin
      reached <= reached + 1'b1;
    end
  end

  logic [WORD-1:0] row_word, column_word, channel_word;
  logic [PLACE-1:0] row_place, column_place, channel_place;
  snn_table #(
      .WIDTH(WORD + PLACE), .DEPTH(ROWS), .ADDRESS(ROW), .FILE(ROW_FILE)
  ) rows (
      .address(row), .data({row_word, row_place})
  );
  snn_table #(
      .WIDTH(WORD + PLACE), .DEPTH(COLUMNS), .ADDRESS(COLUMN), .FILE(COLUMN_FILE)
  ) columns (
      .address(column), .data({column_word, column_place})
  );
  snn_table #(
      .WIDTH(WORD + PLACE), .DEPTH(CHANNELS), .ADDRESS(CHANNEL), .FILE(CHANNEL_FILE)
  ) channels (
      .address(channel), .data({channel_word, channel_place})
  );

  // ---- stage 1: addresses;  stage 1w: values as they leave the matrix
  logic valid1, valid1w;
  logic [WORD-1:0] word1, word1w;
  logic [PLACE-1:0] place1;
  logic [VALUE-1:0] value1, value1w;
  logic [LANES*(VALUE_A+1)-1:0] weights1w;
  always_ff @(posedge clk) begin
    if (reset) begin
      valid1  <= 1'b0;
      valid1w <= 1'b0;
    end else if (!stall) begin
      valid1  <= busy;
      valid1w <= valid1;
    end
    if (!stall) begin
      word1   <= row_word + column_word + channel_word + WORD'(reached);
      place1  <= row_place + column_place + channel_place + PLACE'(reached);
      value1  <= value;
      word1w  <= word1;
      value1w <= value1;
    end
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic chosen;
    logic [VALUE_A-1:0] read;
    if (LANE == 0) begin : g_one
      assign chosen = 1'b1;
    end else begin : g_several
      assign chosen = number[LANE-1:0] == LANE'(lane);
    end
    snn_ram #(
        .WIDTH(VALUE_A), .DEPTH(2 << PLACE), .ADDRESS(1 + PLACE)
    ) matrix (
        .clk(clk),
        .write(clears || (valid_n && !last_n && chosen)),
        .write_address({fill, clears ? cleared : number[NUMBER-1:LANE]}),
        .write_data(clears ? '0 : value_n),
        .read(!stall), .read_address({used, place1}), .read_data(read)
    );
    assign weights1w[lane*(VALUE_A+1)+:VALUE_A+1] = {SIGNED_A ? read[VALUE_A-1] : 1'b0, read};
  end

  snn_banks #(
      .VALUE(VALUE), .VALUE_SIGNED(VALUE_SIGNED), .LANES(LANES), .WEIGHT(VALUE_A + 1), .SUM(SUM), .WORDS(WORDS), .WORD(WORD)
  ) banks (
      .clk(clk), .reset(reset),
      .room(room), .ended(ending && !busy && !valid1 && !valid1w), .step_added(step_added),
      .add(valid1w), .add_word(word1w), .add_value(value1w), .add_weights(weights1w), .stall(stall),
      .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data)
  );
endmodule

// A layer of sums, event-driven:  y[o] = bias[o] + sum over the events (i, v) of a step of w[o, i] * v
//
// An event stands at a row, a column and a channel. Two small tables say which output rows and columns it
// reaches, and through which row and column of the kernel; so one module serves dense layers (the kernel
// is the whole image), convolutions of any stride, padding, dilation and groups, pooling and upsampling.
// Every cycle it adds one word of LANES output channels.
//
// The sums are in snn_banks. MAXIMUM = 1 takes the largest value, or 0, in place of the sum.
// REPEAT > 1: the events come once per sample, and their sums leave once for each of so many steps.
module snn_scatter #(
    parameter int ROW = 1,  // bits of an event's row, column and channel
    parameter int COLUMN = 1,
    parameter int CHANNEL = 1,
    parameter int VALUE = 1,  // bits of its value
    parameter bit VALUE_SIGNED = 0,
    parameter int LANES = 1,
    parameter int WEIGHT = 8,  // bits of a weight, two's complement
    parameter int SUM = 16,  // bits of a sum, two's complement
    parameter int WORDS = 1,  // words of LANES sums in a bank
    parameter int WORD = 1,  // bits that count them
    parameter int WEIGHTS = 1,  // words of LANES weights
    parameter int WEIGHT_ADDRESS = 1,
    parameter int PIECE = 1,  // bits that count the weights of a piece of their memory
    parameter int REACHED = 1,  // words that an event reaches at one place
    parameter int NEXT = 0,  // how far apart their weights lie; 0: side by side, and REACHED is a power of two
    parameter int ROW_TAPS = 1,  // places that it reaches at most, along each axis
    parameter int COLUMN_TAPS = 1,
    parameter int ROW_TAP = 1,  // bits that count them
    parameter int COLUMN_TAP = 1,
    parameter int ROWS = 1,  // entries of the tables
    parameter int COLUMNS = 1,
    parameter int CHANNELS = 1,
    parameter int ROW_ENTRY = 1,  // bits of their addresses
    parameter int COLUMN_ENTRY = 1,
    parameter int BIASES = 1,  // words of LANES biases
    parameter int BIAS = 1,  // bits that count them
    parameter bit MAXIMUM = 0,
    parameter int REPEAT = 1,
    parameter ROW_FILE = "",
    parameter COLUMN_FILE = "",
    parameter CHANNEL_FILE = "",
    parameter WEIGHT_FILE = "",
    parameter BIAS_FILE = ""
) (
    input logic clk,
    input logic reset,

    input  logic                          in_valid,
    output logic                          in_ready,
    input  logic                          in_last,
    input  logic [ROW+COLUMN+CHANNEL-1:0] in_address,
    input  logic [VALUE-1:0]              in_value,

    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [LANES*SUM-1:0] out_data
);
  localparam int ENTRY = 2 + WORD + WEIGHT_ADDRESS;  // any, more, first word, first weight
  localparam int STEP = REACHED == 1 ? 1 : $clog2(REACHED);

  // Whether an event is taken depends on the tables of the one at hand; those in front are told a cycle later.
  logic event_valid, event_ready, event_last;
  logic [ROW+COLUMN+CHANNEL-1:0] event_address;
  logic [VALUE-1:0] event_value;
  snn_skid #(
      .WIDTH(1 + ROW + COLUMN + CHANNEL + VALUE)
  ) entering (
      .clk(clk), .reset(reset),
      .in_valid(in_valid), .in_ready(in_ready), .in_data({in_last, in_address, in_value}),
      .out_valid(event_valid), .out_ready(event_ready), .out_data({event_last, event_address, event_value})
  );

  // ---- stage 0: the event at hand, and which of the places it reaches is next
  logic busy, ending;
  logic [ROW-1:0] row;
  logic [COLUMN-1:0] column;
  logic [CHANNEL-1:0] channel;
  logic [VALUE-1:0] value;
  logic [ROW_TAP-1:0] row_tap;
  logic [COLUMN_TAP-1:0] column_tap;
  logic [STEP-1:0] reached;

  logic [ENTRY-1:0] row_entry, column_entry;
  logic [WORD+WEIGHT_ADDRESS-1:0] channel_entry;
  snn_table #(
      .WIDTH(ENTRY), .DEPTH(ROW_TAPS == 1 ? ROWS : ROWS << ROW_TAP), .ADDRESS(ROW_ENTRY), .FILE(ROW_FILE)
  ) rows (
      .address(ROW_ENTRY'(ROW_TAPS == 1 ? (ROW + ROW_TAP)'(row) : {row, row_tap})), .data(row_entry)
  );
  snn_table #(
      .WIDTH(ENTRY), .DEPTH(COLUMN_TAPS == 1 ? COLUMNS : COLUMNS << COLUMN_TAP), .ADDRESS(COLUMN_ENTRY), .FILE(COLUMN_FILE)
  ) columns (
      .address(COLUMN_ENTRY'(COLUMN_TAPS == 1 ? (COLUMN + COLUMN_TAP)'(column) : {column, column_tap})), .data(column_entry)
  );
  if (CHANNEL_FILE == "") begin : g_all_channels  // every channel reaches all output channels
    assign channel_entry = {WORD'(0), WEIGHT_ADDRESS'(channel)};
  end else begin : g_groups
    snn_table #(
        .WIDTH(WORD + WEIGHT_ADDRESS), .DEPTH(CHANNELS), .ADDRESS(CHANNEL), .FILE(CHANNEL_FILE)
    ) channels (
        .address(channel), .data(channel_entry)
    );
  end

  logic row_any, row_more, column_any, column_more;
  logic [WORD-1:0] row_word, column_word, channel_word;
  logic [WEIGHT_ADDRESS-1:0] row_weight, column_weight, channel_weight;
  assign {row_any, row_more, row_word, row_weight} = row_entry;
  assign {column_any, column_more, column_word, column_weight} = column_entry;
  assign {channel_word, channel_weight} = channel_entry;

  logic any, last_reached, last_column, last_place, room, stall, step_added, move, finishing;
  assign any = row_any && column_any;
  assign last_reached = reached == STEP'(REACHED - 1);
  assign last_column = last_reached && !column_more;
  assign last_place = (last_column && !row_more) || !any;
  assign move = busy && !stall;
  assign finishing = move && last_place;
  assign event_ready = room && !ending && (!busy || finishing);

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
      row_tap <= '0;
      column_tap <= '0;
      reached <= '0;
    end else if (move) begin
      reached <= last_reached ? '0 : reached + 1'b1;
      if (last_reached) column_tap <= last_column ? '0 : column_tap + 1'b1;
      if (last_column) row_tap <= row_tap + 1'b1;
    end
  end

  // ---- where the weights of the word that is next begin
  logic [WEIGHT_ADDRESS-1:0] place_weight, next_weight;
  assign place_weight = row_weight + column_weight + channel_weight;
  if (REACHED == 1) begin : g_one
    assign next_weight = place_weight;
  end else if (NEXT == 0) begin : g_side_by_side
    assign next_weight = WEIGHT_ADDRESS'({place_weight, reached});
  end else begin : g_apart
    logic [WEIGHT_ADDRESS-1:0] apart;
    always_ff @(posedge clk)
      if (event_valid && event_ready) apart <= '0;
      else if (move) apart <= last_reached ? '0 : apart + WEIGHT_ADDRESS'(NEXT);
    assign next_weight = place_weight + apart;
  end

  // ---- stage 1: addresses;  stages 1w and 1x: weights as they leave their memory, and a register behind it
  logic valid1, valid1w, valid1x;
  logic [WORD-1:0] word1, word1w, word1x;
  logic [WEIGHT_ADDRESS-1:0] weight1;
  logic [VALUE-1:0] value1, value1w, value1x;
  logic [LANES*WEIGHT-1:0] weights1x;

  always_ff @(posedge clk) begin
    if (reset) begin
      valid1  <= 1'b0;
      valid1w <= 1'b0;
      valid1x <= 1'b0;
    end else if (!stall) begin
      valid1  <= busy && any;
      valid1w <= valid1;
      valid1x <= valid1w;
    end
    if (!stall) begin
      word1   <= row_word + column_word + channel_word + WORD'(reached);
      weight1 <= next_weight;
      value1  <= value;
      word1w  <= word1;
      value1w <= value1;
      word1x  <= word1w;
      value1x <= value1w;
    end
  end

  snn_pieces #(
      .WIDTH(LANES * WEIGHT), .DEPTH(WEIGHTS), .ADDRESS(WEIGHT_ADDRESS), .PIECE(PIECE), .FILE(WEIGHT_FILE)
  ) weights (
      .clk(clk), .enable(!stall), .address(weight1), .data(weights1x)
  );

  snn_banks #(
      .VALUE(VALUE), .VALUE_SIGNED(VALUE_SIGNED), .LANES(LANES), .WEIGHT(WEIGHT), .SUM(SUM), .WORDS(WORDS), .WORD(WORD),
      .BIASES(BIASES), .BIAS(BIAS), .MAXIMUM(MAXIMUM), .REPEAT(REPEAT), .BIAS_FILE(BIAS_FILE)
  ) banks (
      .clk(clk), .reset(reset),
      .room(room), .ended(ending && !busy && !valid1 && !valid1w && !valid1x), .step_added(step_added),
      .add(valid1x), .add_word(word1x), .add_value(value1x), .add_weights(weights1x), .stall(stall),
      .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data)
  );
endmodule

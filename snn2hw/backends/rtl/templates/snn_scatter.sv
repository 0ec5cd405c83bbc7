// A layer of sums, event by event:  y[o] = bias[o] + sum over the events (i, v) of a step of w[o, i] * v
//
// An event stands at a row, a column and a channel. Two small tables say which output rows and columns it
// reaches, and through which row and column of the kernel; so one module serves dense layers (the kernel
// is the whole image), convolutions of any stride, padding, dilation and groups, pooling and upsampling.
// Every cycle it adds one word of LANES output channels.
//
// Two banks of sums: while the events of a step are added up in one, the sums of the step before leave the
// other one, which is set to 0 on the way. MAXIMUM = 1 takes the largest value, or 0, in place of the sum.
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
  localparam int TIMES = $clog2(REPEAT + 1);

  // ---- the two banks: which one is filled, which one leaves, and which hold a whole step
  logic fill, drain;
  logic [1:0] full;
  logic step_added, step_left;

  // ---- after a reset both banks are set to 0
  logic clearing;
  logic [WORD-1:0] cleared;

  always_ff @(posedge clk) begin
    if (reset) begin
      clearing <= 1'b1;
      cleared  <= '0;
    end else if (clearing) begin
      cleared <= cleared + 1'b1;
      if (cleared == WORD'(WORDS - 1)) clearing <= 1'b0;
    end
  end

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

  logic any, last_reached, last_column, last_place, stall, move, finishing;
  assign any = row_any && column_any;
  assign last_reached = reached == STEP'(REACHED - 1);
  assign last_column = last_reached && !column_more;
  assign last_place = (last_column && !row_more) || !any;
  assign move = busy && !stall;
  assign finishing = move && last_place;
  assign event_ready = !clearing && !ending && !full[fill] && (!busy || finishing);

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

  // ---- stage 1: addresses;  stages 1w and 2: weights, and a register behind their memory;  stage 3: products,
  // and the sums as they leave their memory;  stage 4: both added, on their way back into it
  logic valid1, valid1w, valid2, valid3, valid4;
  logic [WORD-1:0] word1, word1w, word2, word3, word4;
  logic [WEIGHT_ADDRESS-1:0] weight1;
  logic [VALUE-1:0] value1, value1w, value2;
  logic [LANES*WEIGHT-1:0] weights1w, weights2;
  logic [LANES*SUM-1:0] sums3, sums4;

  // What is being added to is not there yet.
  assign stall = valid2 && ((valid3 && word2 == word3) || (valid4 && word2 == word4));

  always_ff @(posedge clk) begin
    if (reset) begin
      valid1 <= 1'b0;
      valid1w <= 1'b0;
      valid2 <= 1'b0;
      valid3 <= 1'b0;
      valid4 <= 1'b0;
    end else begin
      valid3 <= valid2 && !stall;
      valid4 <= valid3;
      if (!stall) begin
        valid1 <= busy && any;
        valid1w <= valid1;
        valid2 <= valid1w;
      end
    end
    if (!stall) begin
      word1   <= row_word + column_word + channel_word + WORD'(reached);
      weight1 <= next_weight;
      value1  <= value;
      word1w   <= word1;
      value1w  <= value1;
      word2    <= word1w;
      value2   <= value1w;
      weights2 <= weights1w;
    end
    word3 <= word2;
    word4 <= word3;
  end

  snn_rom #(
      .WIDTH(LANES * WEIGHT), .DEPTH(WEIGHTS), .ADDRESS(WEIGHT_ADDRESS), .FILE(WEIGHT_FILE)
  ) weights (
      .clk(clk), .enable(!stall), .address(weight1), .data(weights1w)
  );

  // A sum may have fewer bits than what is added up: it is exact modulo 2**SUM, and proved to fit.
  /* verilator lint_off UNUSEDSIGNAL */
  logic signed [VALUE:0] signed2;
  assign signed2 = {VALUE_SIGNED ? value2[VALUE-1] : 1'b0, value2};
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic signed [WEIGHT-1:0] weight;
    logic signed [SUM-1:0] product3, product, old;
    assign weight = weights2[lane*WEIGHT+:WEIGHT];
    always_ff @(posedge clk) begin
      product3 <= SUM'(signed2) * SUM'(weight);
      product <= product3;
      old <= sums3[lane*SUM+:SUM];
    end
    assign sums4[lane*SUM+:SUM] = MAXIMUM ? ($unsigned(product) > $unsigned(old) ? product : old) : old + product;
  end
  /* verilator lint_on UNUSEDSIGNAL */

  // ---- the end of a step: its events are all in
  assign step_added = ending && !busy && !valid1 && !valid1w && !valid2 && !valid3 && !valid4;

  // ---- the sums leave: address, sum as it leaves its memory, sum, sum and bias
  logic leaving, go, left_valid, kept_valid, left_last, last_time;
  logic [WORD-1:0] leave, left;
  logic [TIMES-1:0] time_left;
  logic [LANES*SUM-1:0] left_sums, biases, kept_sums, kept_biases;
  assign go = !out_valid || out_ready;
  assign last_time = time_left == TIMES'(REPEAT - 1);
  assign step_left = left_valid && go && left_last && last_time;

  always_ff @(posedge clk) begin
    if (reset) begin
      leaving <= 1'b0;
      left_valid <= 1'b0;
      kept_valid <= 1'b0;
      out_valid <= 1'b0;
      leave <= '0;
      time_left <= '0;
    end else begin
      if (!leaving) begin
        if (full[drain] && !left_valid) leaving <= 1'b1;
      end else if (go) begin
        leave <= leave + 1'b1;
        if (leave == WORD'(WORDS - 1)) begin
          leave   <= '0;
          leaving <= 1'b0;
        end
      end
      if (go) begin
        left_valid <= leaving;
        kept_valid <= left_valid;
        out_valid  <= kept_valid;
        if (left_valid && left_last) time_left <= last_time ? '0 : time_left + 1'b1;
      end
    end
    if (go) begin
      left <= leave;
      left_last <= leave == WORD'(WORDS - 1);
      kept_sums <= left_sums;
      kept_biases <= biases;
    end
  end

  always_ff @(posedge clk) begin
    if (reset) begin
      fill  <= 1'b0;
      drain <= 1'b0;
      full  <= 2'b00;
    end else begin
      if (step_added) begin
        full[fill] <= 1'b1;
        fill <= !fill;
      end
      if (step_left) begin
        full[drain] <= 1'b0;
        drain <= !drain;
      end
    end
  end

  if (BIAS_FILE == "") begin : g_no_bias
    assign biases = '0;
  end else begin : g_bias
    logic [BIAS-1:0] bias;
    always_ff @(posedge clk) begin
      if (reset) bias <= '0;
      else if (leaving && go) bias <= bias == BIAS'(BIASES - 1) ? '0 : bias + 1'b1;
    end
    snn_rom #(
        .WIDTH(LANES * SUM), .DEPTH(BIASES), .ADDRESS(BIAS), .FILE(BIAS_FILE)
    ) constants (
        .clk(clk), .enable(go), .address(bias), .data(biases)
    );
  end
  for (genvar lane = 0; lane < LANES; lane++) begin : g_out
    always_ff @(posedge clk)
      if (go) out_data[lane*SUM+:SUM] <= kept_sums[lane*SUM+:SUM] + kept_biases[lane*SUM+:SUM];
  end

  // ---- the memories
  logic [2*LANES*SUM-1:0] bank_data;
  for (genvar b = 0; b < 2; b++) begin : g_bank
    logic filling, clears;
    assign filling = fill == 1'(b) && !full[b];
    assign clears = drain == 1'(b) && left_valid && go && last_time;
    snn_ram #(
        .WIDTH(LANES * SUM), .DEPTH(WORDS), .ADDRESS(WORD)
    ) sums (
        .clk(clk),
        .write(clearing || (filling ? valid4 : clears)),
        .write_address(clearing ? cleared : filling ? word4 : left),
        .write_data(!clearing && filling ? sums4 : '0),
        .read(filling || go),
        .read_address(filling ? word2 : leave),
        .read_data(bank_data[b*LANES*SUM+:LANES*SUM])
    );
  end
  assign sums3 = fill ? bank_data[LANES*SUM+:LANES*SUM] : bank_data[0+:LANES*SUM];
  assign left_sums = drain ? bank_data[LANES*SUM+:LANES*SUM] : bank_data[0+:LANES*SUM];
endmodule

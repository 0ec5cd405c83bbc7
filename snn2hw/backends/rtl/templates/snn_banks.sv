// Two banks of sums: while what belongs to a step is added up in one, the sums of the step before leave the other one,
// which is set to 0 on the way. What enters is a word, a value, and LANES weights to be multiplied by it.
//
// MAXIMUM = 1 takes the largest product, or 0, in place of the sum. REPEAT > 1: the sums of a step leave so many times.
module snn_banks #(
    parameter int VALUE = 1,  // bits of a value
    parameter bit VALUE_SIGNED = 0,
    parameter int LANES = 1,
    parameter int WEIGHT = 8,  // bits of a weight, two's complement
    parameter int SUM = 16,  // bits of a sum, two's complement
    parameter int WORDS = 1,  // words of LANES sums in a bank
    parameter int WORD = 1,  // bits that count them
    parameter int BIASES = 1,  // words of LANES biases, used in turn
    parameter int BIAS = 1,  // bits that count them
    parameter bit MAXIMUM = 0,
    parameter int REPEAT = 1,
    parameter BIAS_FILE = ""
) (
    input logic clk,
    input logic reset,

    output logic room,        // the bank that is filled takes what enters
    input  logic ended,       // all of a step has entered
    output logic step_added,  // and is in the sums; the next step may enter

    input  logic                    add,
    input  logic [WORD-1:0]         add_word,
    input  logic [VALUE-1:0]        add_value,
    input  logic [LANES*WEIGHT-1:0] add_weights,
    output logic                    stall,  // what is offered has to wait

    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [LANES*SUM-1:0] out_data
);
  localparam int TIMES = $clog2(REPEAT + 1);

  // ---- which bank is filled, which one leaves, and which hold a whole step
  logic fill, drain;
  logic [1:0] full;
  logic step_left;

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
  assign room = !clearing && !full[fill];

  // ---- stage 2: what is added;  stage 3: products, and the sums as they leave their memory;  stage 4: both added, on
  // their way back into it
  logic valid2, valid3, valid4;
  logic [WORD-1:0] word2, word3, word4;
  logic [VALUE-1:0] value2;
  logic [LANES*WEIGHT-1:0] weights2;
  logic [LANES*SUM-1:0] sums3, sums4;

  always_ff @(posedge clk) begin
    if (reset) begin
      valid2 <= 1'b0;
      valid3 <= 1'b0;
      valid4 <= 1'b0;
      stall  <= 1'b0;
    end else begin
      valid3 <= valid2 && !stall;
      valid4 <= valid3;
      if (!stall) valid2 <= add;
      // Whether in the next cycle what is being added to is not there yet: it will be in stage 3 or in stage 4.
      if (stall) stall <= valid3 && word2 == word3;
      else stall <= add && ((valid2 && add_word == word2) || (valid3 && add_word == word3));
    end
    if (!stall) begin
      word2    <= add_word;
      value2   <= add_value;
      weights2 <= add_weights;
    end
    word3 <= word2;
    word4 <= word3;
  end

  // A sum may have fewer bits than what is added up: it is exact modulo 2**SUM, and proved to fit.
  /* verilator lint_off UNUSEDSIGNAL */
  logic signed [VALUE:0] signed2;
  assign signed2 = {VALUE_SIGNED ? value2[VALUE-1] : 1'b0, value2};
  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic signed [WEIGHT-1:0] weight;
    logic signed [SUM-1:0] product3, product, old;
    assign weight = weights2[lane*WEIGHT+:WEIGHT];
    if (VALUE == 1) begin : g_flag  // a spike or none, for which no multiplier is wanted
      always_ff @(posedge clk) product3 <= !value2[0] ? '0 : VALUE_SIGNED ? -SUM'(weight) : SUM'(weight);
    end else begin : g_value
      always_ff @(posedge clk) product3 <= SUM'(signed2) * SUM'(weight);
    end
    always_ff @(posedge clk) begin
      product <= product3;
      old <= sums3[lane*SUM+:SUM];
    end
    assign sums4[lane*SUM+:SUM] = MAXIMUM ? ($unsigned(product) > $unsigned(old) ? product : old) : old + product;
  end
  /* verilator lint_on UNUSEDSIGNAL */

  assign step_added = ended && !valid2 && !valid3 && !valid4;

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

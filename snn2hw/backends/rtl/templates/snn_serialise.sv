// Words of LANES values, in order, as events: one for each value that is not 0, of channels that there are.
module snn_serialise #(
    parameter int ROW = 1,  // bits of an event's row, column and channel
    parameter int COLUMN = 1,
    parameter int CHANNEL = 1,
    parameter int LANES = 1,
    parameter int LANE = 0,  // LANES = 2**LANE
    parameter int VALUE = 1,
    parameter int ROWS = 1,
    parameter int COLUMNS = 1,
    parameter int CHANNELS = 1
) (
    input logic clk,
    input logic reset,

    input  logic                   in_valid,
    output logic                   in_ready,
    input  logic [LANES*VALUE-1:0] in_data,

    output logic                          out_valid,
    input  logic                          out_ready,
    output logic                          out_last,
    output logic [ROW+COLUMN+CHANNEL-1:0] out_address,
    output logic [VALUE-1:0]              out_value
);
  localparam int GROUPS = (CHANNELS + LANES - 1) / LANES;
  localparam int GROUP = GROUPS == 1 ? 1 : $clog2(GROUPS);

  logic [LANES-1:0] there, pending, lowest, after;
  logic [LANES*VALUE-1:0] word;
  logic [ROW-1:0] row, next_row;
  logic [COLUMN-1:0] column, next_column;
  /* verilator lint_off UNUSEDSIGNAL */  // no channel needs the last bit
  logic [GROUP-1:0] group, next_group;
  /* verilator lint_on UNUSEDSIGNAL */
  logic last_word, token, accept, taken, valid, ready;
  logic [LANES*VALUE-1:0] data;

  assign lowest = pending & (~pending + 1'b1);
  assign after = pending & ~lowest;
  assign out_last = token;
  assign out_valid = token || |pending;
  assign taken = out_valid && out_ready;
  assign ready = !token && (pending == '0 ? !last_word : taken && after == '0 && !last_word);
  assign accept = valid && ready;

  // Whether there is room depends on the layers behind; those in front are told a cycle later.
  snn_skid #(
      .WIDTH(LANES * VALUE)
  ) entering (
      .clk(clk), .reset(reset),
      .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
      .out_valid(valid), .out_ready(ready), .out_data(data)
  );

  for (genvar lane = 0; lane < LANES; lane++) begin : g_there
    assign there[lane] = |data[lane*VALUE+:VALUE] && 32'(next_group) * LANES + lane < CHANNELS;
  end

  always_comb begin
    out_value = '0;
    for (int lane = 0; lane < LANES; lane++) if (lowest[lane]) out_value = out_value | word[lane*VALUE+:VALUE];
  end

  logic [CHANNEL-1:0] channel;
  if (LANE == 0) begin : g_one
    assign channel = CHANNEL'(group);
  end else begin : g_several
    logic [LANE-1:0] chosen;
    always_comb begin
      chosen = '0;
      for (int lane = 0; lane < LANES; lane++) if (lowest[lane]) chosen = chosen | LANE'(lane);
    end
    assign channel = CHANNEL'({group, chosen});
  end
  assign out_address = {row, column, channel};

  always_ff @(posedge clk) begin
    if (reset) begin
      pending <= '0;
      token <= 1'b0;
      last_word <= 1'b0;
      next_row <= '0;
      next_column <= '0;
      next_group <= '0;
    end else begin
      if (taken && !token) pending <= after;
      if (accept) begin
        pending <= there;
        next_group <= next_group + 1'b1;
        if (next_group == GROUP'(GROUPS - 1)) begin
          next_group  <= '0;
          next_column <= next_column + 1'b1;
          if (next_column == COLUMN'(COLUMNS - 1)) begin
            next_column <= '0;
            next_row <= next_row + 1'b1;
            if (next_row == ROW'(ROWS - 1)) begin
              next_row  <= '0;
              last_word <= 1'b1;
            end
          end
        end
      end
      if (last_word && !token && (pending == '0 || taken && after == '0)) begin
        token <= 1'b1;
        last_word <= 1'b0;
      end
      if (token && out_ready) token <= 1'b0;
    end
    if (accept) begin
      word   <= data;
      row    <= next_row;
      column <= next_column;
      group  <= next_group;
    end
  end
endmodule

// Images: one beat a pixel, channels fastest, then columns, then rows; tlast on the last one. Pixels that are missing
// when tlast comes are 0, pixels beyond the last one are dropped.
module snn_pixels #(
    parameter int ROW = 1,
    parameter int COLUMN = 1,
    parameter int CHANNEL = 1,
    parameter int VALUE = 8,
    parameter int ROWS = 1,
    parameter int COLUMNS = 1,
    parameter int CHANNELS = 1
) (
    input logic clk,
    input logic reset,

    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,
    input  logic [VALUE-1:0] s_axis_tdata,
    input  logic             s_axis_tlast,

    output logic                          out_valid,
    input  logic                          out_ready,
    output logic                          out_last,
    output logic [ROW+COLUMN+CHANNEL-1:0] out_address,
    output logic [VALUE-1:0]              out_value
);
  logic [ROW-1:0] row;
  logic [COLUMN-1:0] column;
  logic [CHANNEL-1:0] channel;
  logic ended, past, zero;
  assign zero = s_axis_tdata == '0 || past;
  assign out_last = ended;
  assign out_valid = ended || (s_axis_tvalid && !zero);
  assign s_axis_tready = !ended && (zero || out_ready);
  assign out_address = {row, column, channel};
  assign out_value = s_axis_tdata;
  always_ff @(posedge clk) begin
    if (reset) begin
      ended <= 1'b0;
      past <= 1'b0;
      row <= '0;
      column <= '0;
      channel <= '0;
    end else if (ended) begin
      if (out_ready) ended <= 1'b0;
    end else if (s_axis_tvalid && s_axis_tready) begin
      channel <= channel + 1'b1;
      if (channel == CHANNEL'(CHANNELS - 1)) begin
        channel <= '0;
        column  <= column + 1'b1;
        if (column == COLUMN'(COLUMNS - 1)) begin
          column <= '0;
          row <= row + 1'b1;
          if (row == ROW'(ROWS - 1)) past <= 1'b1;
        end
      end
      if (s_axis_tlast) begin
        ended <= 1'b1;
        past <= 1'b0;
        row <= '0;
        column <= '0;
        channel <= '0;
      end
    end
  end
endmodule

// Around the network for place and route: everything that it reads comes from registers, everything that it writes
// goes into registers, and two pins are enough for any width. Its clock is that of the network; it is not counted.
module @MODULE@ (
    input  logic clk,
    input  logic serial_in,
    output logic serial_out
);
  localparam int IN = @IN@;
  localparam int OUT = @OUT@;
  localparam int ENTERING = IN + 5;
  localparam int LEAVING = OUT + 36;

  logic [ENTERING-1:0] shifted, entering;
  logic [LEAVING-1:0] leaving, held;

  always_ff @(posedge clk) begin
    shifted <= {shifted[ENTERING-2:0], serial_in};
    entering <= shifted;
    held <= shifted[0] ? leaving : {1'b0, held[LEAVING-1:1]};
    serial_out <= held[0];
  end

  @TOP@ network (
      .clk(clk), .reset(entering[0]), .start(entering[1]), .busy(leaving[0]), .cycles(leaving[32:1]),
      .s_axis_tvalid(entering[2]), .s_axis_tready(leaving[33]), .s_axis_tdata(entering[ENTERING-1:5]), .s_axis_tlast(entering[3]),
      .m_axis_tvalid(leaving[34]), .m_axis_tready(entering[4]), .m_axis_tdata(leaving[LEAVING-1:36]), .m_axis_tlast(leaving[35])
  );
endmodule

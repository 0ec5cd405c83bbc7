// The test of this folder: sends the samples of vectors_in.mem, with gaps, and compares every readout with
// vectors_out.mem. `make sim` runs it; it needs no other file and works in any simulator.
module tb;
  localparam int BEATS = @BEATS@;
  localparam int READOUTS = @READOUTS@;
  localparam int IN = @IN@;
  localparam int OUT = @OUT@;

  logic clk = 1'b0;
  logic reset = 1'b1;
  always #5 clk = !clk;

  logic s_valid, s_ready, s_last, m_valid, m_ready, m_last, busy;
  logic [IN-1:0] s_data;
  logic [OUT-1:0] m_data;
  logic [31:0] cycles;
  snn dut (
      .clk(clk), .reset(reset), .start(1'b1), .busy(busy), .cycles(cycles),
      .s_axis_tvalid(s_valid), .s_axis_tready(s_ready), .s_axis_tdata(s_data), .s_axis_tlast(s_last),
      .m_axis_tvalid(m_valid), .m_axis_tready(m_ready), .m_axis_tdata(m_data), .m_axis_tlast(m_last)
  );

  logic [IN:0] beats[0:BEATS-1];  // {tlast, tdata}
  logic [OUT-1:0] expected[0:READOUTS-1];
  initial $readmemh("vectors_in.mem", beats);
  initial $readmemh("vectors_out.mem", expected);

  int sent = 0, received = 0, wrong = 0, idle = 0;
  assign s_data = beats[sent][IN-1:0];
  assign s_last = beats[sent][IN];

  initial begin
    s_valid = 1'b0;
    m_ready = 1'b0;
    repeat (4) @(negedge clk);
    reset = 1'b0;
    while (received < READOUTS && idle < @PATIENCE@) begin
      @(negedge clk);
      if (!s_valid) s_valid = sent < BEATS && $urandom_range(3) != 0;
      m_ready = $urandom_range(3) != 0;
      #1;
      idle++;
      if (m_valid && m_ready) begin
        idle = 0;
        if (m_data !== expected[received]) begin
          wrong++;
          $display("readout %0d is %0d, expected %0d", received, $signed(m_data), $signed(expected[received]));
        end
        received++;
      end
      if (s_valid && s_ready) begin
        idle = 0;
        @(posedge clk);
        #1;
        s_valid = 1'b0;
        if (sent < BEATS - 1) sent++;
        else sent = BEATS;
      end
    end
    @(negedge clk);
    $display("%0d of %0d readouts equal, the last sample took %0d cycles", received - wrong, READOUTS, cycles);
    if (wrong != 0 || received != READOUTS) $fatal(1, "the network does not give what its vectors say");
    $finish;
  end
endmodule

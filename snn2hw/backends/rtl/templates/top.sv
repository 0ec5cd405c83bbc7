// The network. A sample enters by s_axis and its readout leaves by m_axis; README.md says what a beat is.
module @MODULE@ (
    input logic clk,
    input logic reset,  // synchronous; a sample that is under way is forgotten

    input  logic start,         // samples are taken while it is 1
    output logic busy,          // a sample is under way
    output logic [31:0] cycles, // of the last sample: clock cycles since it began or the one before it left

    input  logic            s_axis_tvalid,
    output logic            s_axis_tready,
    /* verilator lint_off UNUSEDSIGNAL */  // whole bytes, of which a beat may need fewer bits
    input  logic [@IN@-1:0] s_axis_tdata,
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic            s_axis_tlast,

    output logic             m_axis_tvalid,
    input  logic             m_axis_tready,
    output logic [@OUT@-1:0] m_axis_tdata,
    output logic             m_axis_tlast
);
  localparam int ENTRY = @ENTRY@;  // bits of s_axis_tdata that are read

  // ---- samples: open between the first beat and tlast, under way until their readout has left
  logic open, under_way, entry_ready, enters, leaves;
  logic [15:0] samples;
  logic [31:0] counted;
  assign open = start || under_way;
  assign s_axis_tready = entry_ready && open;
  assign enters = s_axis_tvalid && s_axis_tready;
  assign leaves = m_axis_tvalid && m_axis_tready && m_axis_tlast;
  assign busy = under_way || samples != '0;
  always_ff @(posedge clk) begin
    if (reset) begin
      under_way <= 1'b0;
      samples <= '0;
      counted <= '0;
      cycles <= '0;
    end else begin
      if (enters) under_way <= !s_axis_tlast;
      samples <= samples + 16'(enters && !under_way) - 16'(leaves);
      counted <= leaves ? '0 : busy || enters ? counted + 1'b1 : '0;
      if (leaves) cycles <= counted + 1'b1;
    end
  end
@BODY@
endmodule

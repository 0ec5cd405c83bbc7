// Drives the network in Verilator: beats go in, readouts come out, spikes and states are recorded on the way.
// Compiled once for a network; `snn2hw_simulate` may be called from several threads at once.
#include <cstdint>
#include <memory>

#include "Vsnn.h"
#include "verilated.h"

namespace {

// Where the values of each series go, in the order in which they come.
struct Recorder {
  int64_t **series;
  const int64_t *room;
  int64_t *count;
  int64_t lost = 0;
  int outside[2] = {-1, -1};  // series and number of the first value that left its interval
};
thread_local Recorder *recorder = nullptr;

// xorshift: gaps are the same for the same seed, on every machine.
struct Random {
  uint64_t state;
  bool below(uint32_t percent) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % 100 < percent;
  }
};

}  // namespace

extern "C" void snn2hw_trace(int series, long long value) {
  if (recorder == nullptr || recorder->series == nullptr) return;
  int64_t &n = recorder->count[series];
  if (n < recorder->room[series])
    recorder->series[series][n] = value;
  else
    ++recorder->lost;
  ++n;
}

extern "C" void snn2hw_outside(int series, int value) {
  if (recorder == nullptr || recorder->outside[0] >= 0) return;
  recorder->outside[0] = series;
  recorder->outside[1] = value;
}

// beats, last [beats]: what enters.  readout [outputs]: what leaves.  cycles [outputs with tlast]: of each sample.
// series, room, count: a buffer for each series, how much it holds, how much came; series may be null.
// gap_in, gap_out: percent of the cycles in which nothing is offered, or taken.
// reset_at: the cycle at which everything is reset and begins anew, -1 for never.  most: cycles to wait for the end.
// outside [2]: series and number of a value that left its interval.
// Returns 0, or 1: nothing more came, 2: more left than expected, 3: more was recorded than there is room for,
// 4: a value left its interval, 5: what was offered changed before it was taken.
extern "C" int snn2hw_simulate(const uint64_t *beats, const uint8_t *last, int64_t beat_count, int64_t *readout,
                               int64_t outputs, int64_t *cycles, int64_t **series, const int64_t *room, int64_t *count,
                               int series_count, uint32_t gap_in, uint32_t gap_out, uint64_t seed, int64_t reset_at,
                               int64_t most, int64_t *took, int32_t *outside) {
  const std::unique_ptr<VerilatedContext> context{new VerilatedContext};
  const std::unique_ptr<Vsnn> top{new Vsnn{context.get(), "snn"}};
  Recorder kept{series, room, count};
  recorder = &kept;
  Random random{seed * 2654435761u + 88172645463325252ull};

  auto clock = [&] {
    top->clk = 1;
    top->eval();
    top->clk = 0;
    top->eval();
  };
  auto begin = [&] {
    for (int k = 0; k < series_count; ++k) count[k] = 0;
    top->reset = 1;
    top->start = 1;
    top->s_axis_tvalid = 0;
    top->m_axis_tready = 0;
    for (int k = 0; k < 2; ++k) clock();
    top->reset = 0;
  };

  top->clk = 0;
  begin();
  int64_t sent = 0, received = 0, samples = 0, idle = 0, cycle = 0;
  bool offered = false, waits = false;
  uint64_t waiting = 0;
  int code = 0;
  while (received < outputs && code == 0) {
    if (cycle == reset_at) {
      begin();
      sent = received = samples = 0;
      offered = waits = false;
    }
    if (!offered) offered = sent < beat_count && !random.below(gap_in);
    top->s_axis_tvalid = offered;
    if (offered) {
      top->s_axis_tdata = beats[sent];
      top->s_axis_tlast = last[sent];
    }
    top->m_axis_tready = !random.below(gap_out);
    top->eval();
    const bool enters = offered && top->s_axis_tready;
    const bool leaves = top->m_axis_tvalid && top->m_axis_tready;
    const bool ends = leaves && top->m_axis_tlast;
    if (waits && (!top->m_axis_tvalid || waiting != top->m_axis_tdata)) code = 5;
    waits = top->m_axis_tvalid && !leaves;
    waiting = top->m_axis_tdata;
    if (leaves) readout[received++] = static_cast<int64_t>(static_cast<@SIGNED@>(top->m_axis_tdata));
    idle = enters || leaves ? 0 : idle + 1;
    clock();
    if (ends) cycles[samples++] = top->cycles;
    if (enters) {
      ++sent;
      offered = false;
    }
    ++cycle;
    if (kept.outside[0] >= 0) code = 4;
    else if (idle > most && code == 0) code = 1;
  }
  for (int k = 0; k < 64 && code == 0; ++k) {  // nothing may follow
    top->s_axis_tvalid = 0;
    top->m_axis_tready = 1;
    top->eval();
    if (top->m_axis_tvalid) code = 2;
    clock();
  }
  if (kept.lost != 0 && code == 0) code = 3;
  for (int k = 0; k < 2; ++k) outside[k] = kept.outside[k];
  *took = cycle;
  recorder = nullptr;
  top->final();
  return code;
}

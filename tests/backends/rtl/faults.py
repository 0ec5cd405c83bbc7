"""Small networks in which every module of the library stands, and faults that can be planted in each of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.shapes import Window
from snn2hw.layers import Concat, MaxPool2d, Offset
from tests.hand_networks import (
    add,
    circulate,
    compiled,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    lif,
    linear,
    matmul,
    network,
    neuron,
    normal,
    readout,
    recurrent,
)


def _joined() -> IntegerNetwork:
    """Events; a maximum; two branches that are summed, of which one waits; the spikes of two that are put side by side, for
    two readers."""
    pooled = MaxPool2d("max", ("first",), (), window=Window((2, 2), (2, 2)), source="max")
    both = Concat("both", ("a", "b"), (), source="both")
    made = network(
        3,
        counts(2, 4, 4, hi=3),
        conv("stem", "input", normal(1, 3, 2, 3, 3), [0.5, -0.25, 0.125], Window((3, 3), padding=(1, 1))),
        lif("first", "stem"),
        pooled,
        conv("left", "max", normal(2, 3, 3, 1, 1), [0.25, 0.5, -0.5]),
        neuron("a", "left", coefficients=((0.05, 0.6, -0.1, 0.02), (0.1, 0.3, 0.1, 0.0), (0.0, 0.8, -0.2, 0.01))),
        circulate("b", "left"),
        both,
        conv("right", "both", normal(3, 3, 6, 1, 1)),
        conv("beside", "both", normal(5, 3, 6, 3, 3, scale=0.3), window=Window((3, 3), padding=(1, 1))),
        lif("e", "beside"),
        add("sum", "right", "left"),
        lif("c", "sum"),
        Offset("moved", ("c",), (), offset=np.array([0.5, 0.75, -0.5]), sign=1, source="moved"),
        lif("d", "moved", 0.75),
        add("ends", "d", "e"),
        flatten("flat", "ends"),
        linear("head", "flat", normal(4, 5, 12), [0.5, -0.5, 0.25, 0.0, 1.0]),
        readout("head"),
    )
    return compiled(made).network


def _pieces() -> IntegerNetwork:
    """Weights that are deeper than a block of memory."""
    made = network(
        2, counts(100), linear("fc", "input", normal(6, 50, 100, scale=0.2)), lif("fires", "fc"),
        linear("head", "fires", normal(7, 3, 50)), readout("head"),
    )  # fmt: skip
    return compiled(made).network


def _attending() -> IntegerNetwork:
    """Queries that are keys, too, and wait for themselves."""
    made = network(
        2, counts(2, 2, 3, hi=2), conv("c", "input", normal(8, 4, 2, 1, 1)), circulate("q", "c"),
        conv("values", "input", normal(9, 4, 2, 1, 1), [0.5, 0.75, 0.5, 0.75]), lif("v", "values"),
        matmul("scores", "q", "q", 2, "first", (2, 3)), matmul("mixed", "v", "scores", 2, "none", (2, 3), 0.125),
        lif("n", "mixed"), flatten("flat", "n"), linear("head", "flat", normal(10, 3, 24)), readout("head"),
    )  # fmt: skip
    return compiled(made).network


NETWORKS: dict[str, Callable[[], IntegerNetwork]] = {
    "images": lambda: compiled(every_kind(), every_kind_sample()).network,
    "recurrent": lambda: compiled(recurrent()).network,
    "joined": _joined,
    "pieces": _pieces,
    "attending": _attending,
}
Fault = tuple[str, str, str, str]  # file, old, new, network

FAULTS: dict[str, Fault] = {
    "a bank is not set to 0 on the way": ("snn_banks", "assign clears = ", "assign clears = 1'b0; //", "recurrent"),
    "the biases of the next word": (
        "snn_banks",
        "bias == BIAS'(BIASES - 1) ? '0 : bias + 1'b1",
        "bias == '0 ? BIAS'(BIASES - 1) : bias - 1'b1",
        "joined",
    ),
    "two products to one sum, of which one is lost": (
        "snn_banks",
        "else stall <= add && (",
        "else stall <= 1'b0 && add && (",
        "images",
    ),
    "a product waits for the first of two in front of it only": (
        "snn_banks",
        "if (stall) stall <= valid3 && word2 == word3;",
        "if (stall) stall <= 1'b0;",
        "images",
    ),
    "no spike as one, and a spike as none": (
        "snn_banks",
        "!value2[0] ? '0",
        "value2[0] ? '0",
        "images",
    ),
    "a step that ends before its last product is added": (
        "snn_banks",
        "assign step_added = ended && ",
        "assign step_added = ended; //",
        "recurrent",
    ),
    "a step that ends before its last event has entered": (
        "snn_scatter",
        ".ended(ending && !busy && !valid1 && !valid1w && !valid1x)",
        ".ended(ending)",
        "recurrent",
    ),
    "weights of the piece beside": (
        "snn_pieces",
        "which  <= address[ADDRESS-1:PIECE];",
        "which  <= address[ADDRESS-1:PIECE] ^ 1;",
        "pieces",
    ),
    "a smaller value in place of the largest": (
        "snn_banks",
        "$unsigned(product) > $unsigned(old)",
        "$unsigned(product) < $unsigned(old)",
        "joined",
    ),
    "no places below the first row": (
        "snn_scatter",
        "(last_column && !row_more)",
        "last_column",
        "joined",
    ),
    "negative spikes as large ones": (
        "snn_banks",
        "VALUE_SIGNED ? value2[VALUE-1] : 1'b0",
        "1'b0",
        "joined",
    ),
    "a matrix that keeps what it held": (
        "snn_product",
        ".write(clears || (",
        ".write((",
        "attending",
    ),
    "the matrix of the step before": (
        "snn_product",
        ".read_address({used, place1})",
        ".read_address({!used, place1})",
        "attending",
    ),
    "the first word of a head again and again": (
        "snn_product",
        "channel_place + PLACE'(reached)",
        "channel_place",
        "attending",
    ),
    "an event that loses its value in a queue": (
        "snn_queue",
        ".in_data({in_last, in_address, in_value})",
        ".in_data({in_last, in_address, in_value & ~VALUE'(1)})",
        "attending",
    ),
    "states of the neuron beside": (
        "snn_neurons",
        ".write_address(written)",
        ".write_address(word)",
        "images",
    ),
    "states that are never initial": (
        "snn_neurons",
        "first <= step == '0",
        "first <= 1'b0",
        "recurrent",
    ),
    "a sample that has a step more": (
        "snn_neurons",
        "step == STEP'(STEPS - 1)",
        "step == STEP'(STEPS)",
        "recurrent",
    ),
    "constants of the channel before": (
        "snn_neurons",
        "constant + 1'b1",
        "constant",
        "joined",
    ),
    "two events of one word become one": (
        "snn_serialise",
        "assign after = pending & ~lowest",
        "assign after = pending & ~lowest & (~lowest << 1)",
        "images",
    ),
    "channels from 1": (
        "snn_serialise",
        "channel = CHANNEL'({group, chosen})",
        "channel = CHANNEL'({group, chosen} + 1'b1)",
        "images",
    ),
    "the last word has no events": (
        "snn_serialise",
        "pending <= there;",
        "pending <= next_row == ROW'(ROWS - 1) ? '0 : there;",
        "images",
    ),
    "one branch of two is merged": (
        "snn_merge",
        "assign b_event = b_valid && !b_last",
        "assign b_event = 1'b0",
        "joined",
    ),
    "an event that was offered is another one before it is taken": (
        "snn_merge",
        "keeps_b <= b_event && !a_event && !out_ready",
        "keeps_b <= 1'b0",
        "joined",
    ),
    "the second branch begins at channel 0": (
        "snn_merge",
        " + CHANNEL'(FIRST_B)",
        "",
        "joined",
    ),
    "spikes of the last step come back": (
        "snn_feedback",
        "assign dropped = step == STEP'(STEPS - 1)",
        "assign dropped = 1'b0",
        "recurrent",
    ),
    "no empty step at first": (
        "snn_feedback",
        "if (reset) begin\n      begin_sample <= 1'b1",
        "if (reset) begin\n      begin_sample <= 1'b0",
        "recurrent",
    ),
    "one reader is forgotten": (
        "snn_fork",
        "in_ready = &(took | out_ready)",
        "in_ready = |(took | out_ready)",
        "images",
    ),
    "a queue that forgets its order": (
        "snn_buffer",
        "head + 1'b1",
        "head",
        "joined",
    ),
    "a difference in place of a sum": (
        "snn_join",
        "+ b * OUT'(FACTOR_B)",
        "- b * OUT'(FACTOR_B)",
        "joined",
    ),
    "columns are counted one too far": (
        "snn_pixels",
        "column == COLUMN'(COLUMNS - 1)",
        "column == COLUMN'(COLUMNS)",
        "images",
    ),
    "a zero pixel is no pixel": (
        "snn_pixels",
        "(s_axis_tvalid && s_axis_tready) begin",
        "(s_axis_tvalid && s_axis_tready && (!zero || s_axis_tlast)) begin",
        "images",
    ),
    "an event that ends a step": (
        "snn_events",
        "assign out_last = filling || ends",
        "assign out_last = filling || ends || &out_address",
        "joined",
    ),
    "a logit is not added up": (
        "snn_readout",
        "fresh ? '0 : old",
        "'0 & old",
        "recurrent",
    ),
    "logits leave in the order of lanes": (
        "snn_readout",
        "32'(leaving) % LANES * OUT",
        "(LANES - 1 - 32'(leaving) % LANES) * OUT",
        "images",
    ),
    "what is read is what is written": (
        "snn_ram",
        "if (read) read_data <= memory[read_address]",
        "if (read) read_data <= write ? write_data : memory[read_address]",
        "images",
    ),
    "constants of the word beside": (
        "snn_rom",
        "data <= memory[address]",
        "data <= memory[address ^ ADDRESS'(1)]",
        "images",
    ),
    "a table that is read backwards": (
        "snn_table",
        "memory[address[USED-1:0]]",
        "memory[(USED)'(DEPTH - 1 - 32'(address[USED-1:0]))]",
        "images",
    ),
    "constants of the next word": (
        "snn_offset",
        "if (in_valid) word <=",
        "word <=",
        "joined",
    ),
    "a sum that is turned over": (
        "neuron_layer",
        ".in_data(in_data)",
        ".in_data(~in_data)",
        "images",
    ),
    "spikes leave in front of their states": (
        "neuron_layer",
        ".spikes(spikes)",
        ".spikes(spikes ^ spikes)",
        "recurrent",
    ),
    "no sample is taken": (
        "top",
        "open = start || under_way",
        "open = under_way",
        "images",
    ),
    "a word that waited is lost": (
        "snn_skid",
        "out_data = kept ? keeps : in_data",
        "out_data = in_data",
        "images",
    ),
}

WITHIN = {  # of every network
    "snn_banks", "snn_pieces", "snn_neurons", "snn_skid", "snn_ram", "snn_rom", "snn_table", "neuron_layer", "top",
}  # fmt: skip

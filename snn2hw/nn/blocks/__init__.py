"""Blocks of deep spiking networks: widths and a kind of neuron enter, a torch module of layers in `snn2hw.nn` leaves.

A neuron is given as a function of the number of channels: `lambda c: nn.LNM(degree=3)`, or `lambda c: nn.PLIF(channels=c)`.
"""

from __future__ import annotations

from snn2hw.nn.blocks.attention import Gate, Kinds, SpikeDrivenAttention, circulating, sum_over_places
from snn2hw.nn.blocks.convolutions import Make, cifar_stem, conv_norm, event_stem, imagenet_stem, vgg_block
from snn2hw.nn.blocks.residual import RESIDUALS, MembraneBlock, SpikeBlock, stages
from snn2hw.nn.blocks.self_attention import SpikformerBlock, SpikingSelfAttention
from snn2hw.nn.blocks.statistics import settle
from snn2hw.nn.blocks.transformer import PatchSplitting, SpikeDrivenBlock, SpikeDrivenPerceptron

__all__ = [
    "RESIDUALS",
    "Gate",
    "Kinds",
    "Make",
    "MembraneBlock",
    "PatchSplitting",
    "SpikeBlock",
    "SpikeDrivenAttention",
    "SpikeDrivenBlock",
    "SpikeDrivenPerceptron",
    "SpikformerBlock",
    "SpikingSelfAttention",
    "cifar_stem",
    "circulating",
    "conv_norm",
    "event_stem",
    "imagenet_stem",
    "settle",
    "stages",
    "sum_over_places",
    "vgg_block",
]

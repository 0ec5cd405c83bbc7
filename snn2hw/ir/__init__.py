"""Intermediate representations: the real stage, the integer stage, the neuron program and its op table."""

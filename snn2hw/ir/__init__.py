"""Intermediate representations: what formats and passes hand to each other. Nodes enter; checked networks leave.

The float network (`network`) and the integer network (`integer`), each with the meaning that all else is measured by; the
neuron program with its op table; and the document that an integer network is written to and read from.
"""

"""C: an integer network enters, the text of C sources leaves, for a microcontroller or for the fast simulator.

There is one function per layer, nothing but integers, no allocation and no dependency.
"""

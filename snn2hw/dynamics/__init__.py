"""What a neuron does by itself: a compiled network enters; fixed points, cycles and basins leave, before and after rounding.

maps     one step of a layer without input, on integers and on real numbers
cycles   every cycle of an integer map, and what runs into it
audit    both beside each other, layer by layer, with what is wrong in words
"""

"""What a neuron does by itself: a compiled network enters; fixed points, cycles and basins leave, before and after rounding.

maps     one step of a layer without input, on integers and on real numbers
cycles   every cycle of an integer map, and what runs into it
ends     fixed points and cycles as columns                         attractors   those of a neuron, integers and real
beside   how far those of the integers are from the real ones       fixed_points   where the real map stays, and its slope
nearing  which starts of a real map end in a stable fixed point, however slowly
audit    both maps beside each other, layer by layer, with what is wrong in words
portrait   where steps take two states
"""

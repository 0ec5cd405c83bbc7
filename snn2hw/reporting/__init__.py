"""A page about a compiled model: the model, samples and the float model enter; one HTML file that needs no network leaves.

collect    everything that the page shows, as plain data       activity   what the layers fired on a few samples
membranes  states beside those of the float model
page       the data in templates/: one page, its style, its script
report     the public function                            digits     how many digits of a number it holds
"""

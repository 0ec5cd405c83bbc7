"""Plots for notebooks and papers: a compiled model or a trace enters, the axes that were drawn on leave. Needs matplotlib.

from snn2hw import plot

trace = snn2hw.simulate(artefact, images)
plot.raster(artefact, trace, "2")                  # what a layer fired, neuron by neuron
plot.membrane(artefact, trace, "2", neurons=[3])   # a state over the steps, its range and its thresholds
plot.histogram(artefact, trace, "2")               # a state against its range
plot.update_map(artefact, "2")                     # the learned update, real and in integers
plot.phase_portrait(artefact, "2")                 # of a neuron with two states, the same
plot.mismatch(snn2hw.evaluate(artefact, images, model=model))
plot.budget(snn2hw.budget(model, images, labels, steps=4))   # which quantiser moves the readout, and by how much
plot.pareto({"8 bits": (36_740, 0.991), "4 bits": (18_400, 0.987)}, "bytes", "accuracy")
"""

from snn2hw.plot.budget import budget
from snn2hw.plot.demo import write_plots
from snn2hw.plot.library import histogram, membrane, mismatch, pareto, phase_portrait, raster, update_map

__all__ = ["budget", "histogram", "membrane", "mismatch", "pareto", "phase_portrait", "raster", "update_map", "write_plots"]

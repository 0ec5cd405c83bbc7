"""From a model of snnTorch, SpikingJelly or Norse to one of `snn2hw.nn` with the same weights and the same spikes.

What enters is a user's torch module and a sample; what leaves is a torch module on [T, N, ...]
activations that shares the user's parameters, and the count of spikes in which the two were compared.

* `run` runs the model, `record` writes down its calls as a `tape`, `times` says which step each value
  belongs to, `rolled` makes one step of all, `outputs` finds what the model returns, `emit` writes the
  model, `ranges` fits its states, `compare` counts the spikes; `convert` joins them, `brought` is for `compile`;
* `layers`: layers without state; `frameworks`: each framework's neurons, of which nothing is imported; `known`: a row of these.
"""

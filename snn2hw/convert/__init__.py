"""From a model of snnTorch, SpikingJelly or Norse to one of `snn2hw.nn` with the same weights and the same spikes.

What enters is a user's torch module and a sample; what leaves is a torch module on [T, N, ...]
activations that shares the user's parameters, and the count of spikes in which the two were compared.

* `frameworks`: what each framework's modules are here; nothing of a framework is imported for it;
* `known`: the row of such a table.
"""

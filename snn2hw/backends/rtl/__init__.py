"""rtl: the network as SystemVerilog.

An `IntegerNetwork` enters. `build` makes a `Design` of it: modules of the library in `templates/`, joined by
streams, and a datapath for every kind of neuron (`pipeline` cuts it, `datapath` writes it); `text` writes the
design; `folder` adds what a user needs beside it; `simulator` runs it in Verilator.
"""

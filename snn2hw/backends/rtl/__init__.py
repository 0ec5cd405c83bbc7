"""rtl: the network as SystemVerilog.

An `IntegerNetwork` enters. `build` makes a `Design` of it: modules of the library in `templates/`, joined by
streams (`layers` has a row for every layer, `taps` lays out its weights), and a datapath for every layer of neurons
(`pipeline` cuts it, `expressions` is its op table); `text` writes the design; `folder` adds what a user needs beside
it; `simulation` runs it in Verilator. What leaves is a folder of files, or a `Trace`.
"""

"""What a network needs and costs: an integer network and a target enter; whether it fits, where it lies and numbers leave.

counts        operations of a run, by NeuroBench's rules; `values` are what the layers gave in it
energy        the counts times the prices of a target; `break_even` against a quantised network without time
on_cores, on_fpga, on_microcontroller, on_computer    what each kind of target holds, and how long a sample takes there
estimate      all of it together
"""

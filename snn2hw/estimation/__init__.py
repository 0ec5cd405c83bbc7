"""What a network needs and costs: an integer network and a target enter; whether it fits, where it lies and numbers leave.

counts        operations of a run, by NeuroBench's rules; `values` are what the layers gave in it
energy        the counts times the prices of a target; `break_even` against a quantised network without time
connections   who sends spikes to whom, by `axes`; `resources` are what every layer needs, without any chip
fits          every reason why the cores of a chip do not hold it (`limits`, `abilities`)
mapping       which neurons lie on which core, and what that sends
on_cores, on_fpga, on_microcontroller, on_computer    what each kind of target holds, and how long a sample takes there
estimate      all of it together
"""

"""Processes: a command enters, its exit code and log leave; an outside tool has its time limit and ends with all it started.

Forks of this process stand here, too, and work in parts over worker processes or a Dask cluster: a job and its parts enter, their
results leave in order.
"""

"""Native code: instructions of a program, or C sources, enter; C expressions, or a compiled and loaded library, leave.

The compiler is the one of this machine.
"""

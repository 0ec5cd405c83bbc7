"""The fast simulator: a compiled model and spike values enter, their trace leaves.

In between stands C that is generated for the one network, compiled here, and bound to its weights.
"""

"""Formats: a file or a module of others enters, or our own model.onnx, and a network leaves; and the other way round.

Each format is read and written in one package here.
"""

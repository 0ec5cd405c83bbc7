"""The checker: the bytes of model.onnx and a certificate enter, and what of the claims does not hold leaves.

It is a second opinion on a compiled network, and shares no code with what compiled it.
"""

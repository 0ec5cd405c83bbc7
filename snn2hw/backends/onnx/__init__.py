"""Back ends that run model.onnx itself: a compiled model and spike values enter, their trace leaves.

They are ONNX Runtime, and the interpreter of the onnx package.
"""

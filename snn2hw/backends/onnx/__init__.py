"""Back ends that run model.onnx itself: ONNX Runtime, and the interpreter of the onnx package."""

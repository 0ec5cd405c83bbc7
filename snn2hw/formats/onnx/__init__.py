"""model.onnx and step.onnx: an integer network enters, their bytes leave; the bytes enter, the network leaves."""

"""A trained network to integers, measured, verified and exported: python examples/first.py"""

import snn2hw
from snn2hw.data import task
from snn2hw.user_models import find_model

found = find_model("digits_lnm")  # a network that comes with snn2hw, and samples to calibrate it on
test = task("digits", "test")

model = found.module.eval()
artefact = snn2hw.compile(model, found.sample, steps=found.steps, target="loihi2", out="build/first")

result = snn2hw.evaluate(artefact, test.samples, test.labels, model)
print(f"float {result.float_accuracy:.2%}, integers {result.accuracy:.2%}, same prediction {result.same_prediction:.2%}")

verdict = snn2hw.verify(artefact, test.samples[:32], ("reference", "onnxruntime", "onnx-reference", "torch"))
print("differing integers:", verdict.different)

print("C99:", snn2hw.export(artefact, "c"))

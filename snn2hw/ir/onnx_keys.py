"""Names that the writer and the reader of our ONNX files agree on."""

DOMAIN = "snn2hw"  # a neuron layer's function lives in the domain 'snn2hw.<layer>', under the name of its kind
NETWORK_KEY = "snn2hw.network"  # metadata: the network's text form; its arrays are the initializers
FORMAT_KEY, FORMAT = "snn2hw.format", "1"  # a file of another format is refused

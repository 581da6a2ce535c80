"""The linear student: n-grams of raw text, a softmax, whole-number weights, one ONNX file."""

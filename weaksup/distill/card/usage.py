"""How to run what a card stands beside."""

from __future__ import annotations

__all__ = ["in_a_bundle", "on_a_server"]

_BUNDLE = """\
## How to run it

`DIR` is this folder. Every way gives the same labels.

```console
$ weaksup predict DIR texts.csv -o labels.csv       # id, label, confidence; --help for folders, Parquet and stdin
$ weaksup serve DIR                                 # POST /predict on this machine
```

```python
from weaksup.distill import load_bundle             # numpy and onnxruntime; checks every byte of the folder

model = load_bundle("DIR")
print(model.predict(["a text"]), model.predict_proba(["a text"]))
```
"""

_TEXT_GRAPH = """
Without weaksup (`pip install onnxruntime numpy`): the model file reads raw text.

```python
import numpy as np, onnxruntime

session = onnxruntime.InferenceSession("DIR/model.onnx")
label, proba = session.run(["label", "probabilities"], {"text": np.array(["a text"], object)})
```
"""

_SERVED = """\
## How to run it

`DIR` is this folder, a language model as Hugging Face writes it. It answers one question about a text, in the words of
`prompt.json`, with JSON that holds a label. `tiers.toml` has the tier that weaksup asks.

```console
$ weaksup ask votes.parquet --prompts DIR/prompts.py --tier DIR/tiers.toml --budget 0 -o more.parquet
$ vllm serve DIR --served-model-name slm            # or any server of the OpenAI protocol; llama.cpp reads model.gguf
```
"""


def in_a_bundle(*, multi: bool, reads_text: bool) -> str:
    """Say how to run a bundle; `reads_text`: its model.onnx takes raw text."""
    found = (
        _BUNDLE + _TEXT_GRAPH
        if reads_text
        else _BUNDLE.replace("numpy and onnxruntime;", "numpy, onnxruntime, tokenizers;")
    )
    return found.replace("model.predict(", "model.predict_sets(") if multi else found


def on_a_server() -> str:
    """Say how to run a language model."""
    return _SERVED

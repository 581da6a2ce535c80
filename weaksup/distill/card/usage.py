"""How to run what a card stands beside."""

from __future__ import annotations

from collections.abc import Sequence

from weaksup.distill.card.marks import code

__all__ = ["in_a_bundle", "in_rows", "on_a_server"]

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

session = onnxruntime.InferenceSession("DIR/model.onnx")    # memory: give it some hundred texts at a time
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


def in_rows(names: Sequence[str]) -> str:
    """Say how rows with fields are read, for whoever has to write them as text."""
    return (
        f"\nIt reads rows, mappings with `text` and {', '.join(map(code, names))}; a bare text is one without these. "
        "A file with a text a line holds texts alone: rows are JSONL, CSV or Parquet for `weaksup predict`, mappings "
        "in Python. Where only text goes in (onnxruntime alone), write each field as a line before the text, in this "
        "order, `name: value`; a field of numbers as the tenth of the training rows that it falls into, "
        "`name: tenth 3` (the nine borders stand in `fields.json`, or in the head of `model.safetensors`). A field "
        "without a value has no line.\n"
    )


def on_a_server() -> str:
    """Say how to run a language model."""
    return _SERVED

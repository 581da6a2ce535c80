"""How to run an export, for its README."""

from __future__ import annotations

__all__ = ["HUGGING_FACE", "NUMPY"]

NUMPY = """\
## How to run it

`predict.py` needs Python and numpy, nothing else; it reads `model.safetensors` and gives the labels that the bundle
gives. Texts are UTF-8, a text a line.

```console
$ python predict.py texts.txt                       # - is stdin; label and probability, a line each
```

```python
import predict                                      # in this folder

model = predict.load("model.safetensors")
print(model.predict(["a text"]), model.predict_proba(["a text"]))
```
"""

HUGGING_FACE = (
    NUMPY
    + """
It is no `transformers` model: n-grams and whole-number weights. From the Hub:

```python
from huggingface_hub import snapshot_download
import sys

sys.path.insert(0, folder := snapshot_download("OWNER/NAME"))
import predict

print(predict.load(f"{folder}/model.safetensors").predict(["a text"]))
```
"""
)

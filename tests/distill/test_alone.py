"""A bundle runs where nothing but numpy and onnxruntime is installed: with weaksup's reader, and without weaksup."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# Python itself, numpy, onnxruntime; what those two import on their own where they find it is refused as well.
ONLY = """
import sys
ALLOWED = {*sys.stdlib_module_names, 'numpy', 'onnxruntime', *sys.argv[2:]}
class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition('.')[0]
        if top not in ALLOWED and not top.startswith(('_sysconfig', 'sitecustomize', 'usercustomize')):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Only())
"""
WEAKSUP = """
from weaksup.distill import load_bundle
model = load_bundle(sys.argv[1])
print(model.predict(['the invoice', 'it is broken', 'x'], abstain_below=0.8), model.predict_proba(['x']).shape)
"""
BARE = """
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1] + '/model.onnx')
label, proba = session.run(['label', 'probabilities'], {'text': np.array(['the invoice', 'it is broken'], object)})
print(label.tolist(), proba.shape)
"""


def run(code: str, *args: object) -> str:
    env = {**os.environ, "LC_ALL": "C"}
    command = [sys.executable, "-c", ONLY + code, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_weaksup_reads_a_bundle_with_numpy_and_onnxruntime_alone(bundle: Path) -> None:
    assert run(WEAKSUP, bundle, "weaksup") == "['billing', 'bug', None] (1, 3)\n"


def test_onnxruntime_runs_the_model_file_without_weaksup(bundle: Path) -> None:
    assert run(BARE, bundle) == "['billing', 'bug'] (2, 3)\n"

"""What the Hugging Face Hub reads of a folder: config.json, and the head of its README."""

from __future__ import annotations

import json
from typing import Any

from weaksup.distill.bundle.seal import to_bytes
from weaksup.distill.card.facts import Facts
from weaksup.labels import LabelSpace

__all__ = ["config_of", "header_of"]


def config_of(labels: LabelSpace, facts: Facts, seal: str) -> bytes:
    """Return config.json; the keys that many tools look for have the names that they look for."""
    kind = "multi_label_classification" if labels.multi else "single_label_classification"
    return to_bytes(
        {
            "model_type": f"weaksup-{facts.kind}",
            "architectures": [],
            "problem_type": kind,
            "num_labels": len(labels),
            "id2label": {str(i): name for i, name in enumerate(labels.names)},
            "label2id": {name: i for i, name in enumerate(labels.names)},
            "weaksup_version": facts.version,
            "bundle_seal": seal,
        }
    )


def header_of(facts: Facts) -> str:
    """Return the YAML at the head of README.md; JSON is YAML, and needs no rules of its own for strange names."""
    found: dict[str, Any] = {
        "library_name": "weaksup",
        "pipeline_tag": "text-classification",
        "tags": ["weaksup", "weak-supervision", "text-classification"],
    }
    if facts.gold is not None:
        found["model-index"] = [{"name": "weaksup student", "results": [_result(facts)]}]
    lines = [f"{name}: {json.dumps(value)}" for name, value in found.items()]
    return "\n".join(["---", *lines, "---", ""]) + "\n"


def _result(facts: Facts) -> dict[str, Any]:
    gold = facts.gold or {}
    names = {"accuracy": "Accuracy", "f1": f"F1 ({gold['f1_of']})"}
    return {
        "task": {"type": "text-classification"},
        "dataset": {"type": "custom", "name": f"{gold['rows']} rows with gold, kept from training"},
        "metrics": [{"type": key, "name": name, "value": round(gold[key], 4)} for key, name in names.items()],
    }

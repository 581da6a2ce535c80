"""Label models by name."""

from __future__ import annotations

from pathlib import Path

from weaksup.errors import UsageError
from weaksup.label_models.base import BaseLabelModel
from weaksup.label_models.dawid_skene_model import DawidSkene
from weaksup.label_models.default import LabelModel
from weaksup.label_models.generative import Generative
from weaksup.label_models.glad import Glad
from weaksup.label_models.mace import Mace
from weaksup.label_models.majority import MajorityVote
from weaksup.label_models.minimax import Minimax
from weaksup.label_models.one_coin_model import OneCoinModel
from weaksup.label_models.saved import read_model
from weaksup.label_models.snorkel_bridge import SnorkelLabelModel
from weaksup.label_models.triplet import Triplet
from weaksup.label_models.weighted import WeightedVote

__all__ = ["MODELS", "create", "load"]

MODELS: dict[str, type[BaseLabelModel]] = {
    LabelModel.name: LabelModel,
    MajorityVote.name: MajorityVote,
    Minimax.name: Minimax,
    Generative.name: Generative,
    WeightedVote.name: WeightedVote,
    DawidSkene.name: DawidSkene,
    OneCoinModel.name: OneCoinModel,
    Triplet.name: Triplet,
    Mace.name: Mace,
    Glad.name: Glad,
    SnorkelLabelModel.name: SnorkelLabelModel,
}


def create(name: str, cardinality: int | None = None, *, seed: int = 0) -> BaseLabelModel:
    """Return a new label model by its registered name."""
    return _find(name)(cardinality, seed=seed)


def load(folder: str | Path) -> BaseLabelModel:
    """Read a fitted model of any kind from the folder that `save` wrote."""
    return _find(read_model(folder).model).load(folder)


def _find(name: str) -> type[BaseLabelModel]:
    if name not in MODELS:
        raise UsageError(f'label model: expected one of {", ".join(MODELS)}; got "{name}"')
    return MODELS[name]

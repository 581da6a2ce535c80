"""Label models by name: ours, and those of other packages."""

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
from weaksup.label_models.plugins import find_plugins, homes, load_plugin
from weaksup.label_models.saved import read_model
from weaksup.label_models.snorkel_bridge import SnorkelLabelModel
from weaksup.label_models.triplet import Triplet
from weaksup.label_models.weighted import WeightedVote

__all__ = ["MODELS", "create", "load", "model_names", "plugin_notes"]

# Ours; `model_names` lists those of other packages too.
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


def model_names() -> tuple[str, ...]:
    """Return the name of every model: the built-in ones, then those of other packages, which are not loaded for it."""
    return (*MODELS, *(name for name in find_plugins() if name not in MODELS))


def plugin_notes() -> list[str]:
    """Load the models of other packages and return a line about each that cannot be used."""
    notes = []
    for name, entries in find_plugins().items():
        if name in MODELS:
            notes.append(f'label model "{name}" of {homes(entries)} is not used: a built-in model has that name')
            continue
        try:
            load_plugin(entries)
        except UsageError as error:
            notes.append(str(error))
    return notes


def create(name: str, cardinality: int | None = None, *, seed: int = 0) -> BaseLabelModel:
    """Return a new label model by its name, one of `model_names`."""
    return _find(name)(cardinality, seed=seed)


def load(folder: str | Path) -> BaseLabelModel:
    """Read a fitted model of any kind from the folder that `save` wrote."""
    return _find(read_model(folder).model).load(folder)


def _find(name: str) -> type[BaseLabelModel]:
    if name in MODELS:
        return MODELS[name]
    plugins = find_plugins()
    if name in plugins:
        return load_plugin(plugins[name])
    raise UsageError(f'label model: expected one of {", ".join(model_names())}; got "{name}"')

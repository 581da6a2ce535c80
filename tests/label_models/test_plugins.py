"""Label models of other packages: found by entry point, loaded when asked for, refused in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from weaksup.errors import UsageError
from weaksup.label_models import MODELS, MajorityVote, check_label_model, create, load
from weaksup.label_models.plugins import GROUP
from weaksup.label_models.registry import model_names, plugin_notes

VOTES = np.array([[0, 0, 1], [1, 1, -1], [0, 1, 0], [-1, -1, -1], [1, 1, 1]])

CODE = '''
import numpy as np
from weaksup.label_models import MajorityVote

class Ours(MajorityVote):
    name = "ours"

class Misnamed(MajorityVote):
    pass

class Plain:
    """Counts votes; knows nothing of weaksup."""

    def __init__(self, k, seed):
        self.k, self.seed = k, seed

    def fit(self, votes, class_balance=None):
        assert votes.ndim == 2 and (votes >= 0).any(axis=1).all() and votes.dtype == np.int64
        self.balance = class_balance

    def predict_proba(self, votes):
        counts = (votes[:, :, None] == np.arange(self.k)).sum(axis=1)
        return counts / counts.sum(axis=1, keepdims=True)

class Bare(Plain):
    def __init__(self, k):
        super().__init__(k, None)

    def fit(self, votes):
        super().fit(votes)

class Fails(Bare):
    def fit(self, votes):
        raise ZeroDivisionError("by\\nzero")

class Wrong(Bare):
    def predict_proba(self, votes):
        return np.ones((len(votes), self.k))

class Ragged(Bare):
    def predict_proba(self, votes):
        return [0.5, 0.5, 0.5]

def function(k):
    return Ours(k)
'''


def install(site: Path, distribution: str, models: dict[str, str], code: str = CODE) -> None:
    """Leave what pip leaves: a module and its dist-info; `models` are the module's classes by entry-point name."""
    module = distribution.replace("-", "_")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (site / f"{module}.py").write_text(code, encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{GROUP}]", *(f"{name} = {module}:{value}" for name, value in models.items())]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an empty folder on the import path; what was imported from it is forgotten."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def test_without_other_packages_the_names_are_the_built_in_ones() -> None:
    assert model_names() == tuple(MODELS)
    assert plugin_notes() == []


def test_a_model_of_another_package_is_made_saved_and_loaded_by_its_name(site: Path) -> None:
    install(site, "other-models", {"ours": "Ours"})
    assert model_names() == (*MODELS, "ours")
    model = create("ours", 2, seed=3).fit(VOTES)
    assert (model.predict_proba(VOTES) == MajorityVote(2).fit(VOTES).predict_proba(VOTES)).all()
    model.save(site / "saved")
    again = load(site / "saved")
    assert (again.name, again.seed) == ("ours", 3)
    assert (again.predict_proba(VOTES) == model.predict_proba(VOTES)).all()


def test_names_are_listed_without_loading_anything(site: Path) -> None:
    install(site, "lazy-models", {"lazy": "Ours"}, code="raise RuntimeError('loaded')")
    assert "lazy" in model_names()
    create("default")
    assert "lazy_models" not in sys.modules


def test_a_class_that_knows_nothing_of_weaksup_is_put_behind_the_contract(site: Path) -> None:
    install(site, "plain-models", {"plain": "Plain", "bare": "Bare"})
    for name in ("plain", "bare"):
        model = create(name, 2, seed=4).fit(VOTES)
        assert model.predict_proba(VOTES) == pytest.approx(MajorityVote(2).fit(VOTES).predict_proba(VOTES))
        assert model.predict(VOTES).tolist() == MajorityVote(2).fit(VOTES).predict(VOTES).tolist()
        with pytest.raises(UsageError, match="only a BaseLabelModel can be saved"):
            model.save(site / "saved")
    assert create("plain", 2, seed=4).fit(VOTES).made_.seed == 4  # type: ignore[attr-defined]
    check_label_model(lambda k: create("bare", k), skip=("saving and loading keeps every bit",))


def test_a_foreign_class_gets_the_class_balance_where_it_takes_one(site: Path) -> None:
    install(site, "balance-models", {"plain": "Plain", "bare": "Bare"})
    model = create("plain", 2).fit(VOTES, class_balance=[0.3, 0.7])
    assert model.made_.balance.tolist() == [0.3, 0.7]  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match='"bare": expected no class balance, as it takes none'):
        create("bare", 2).fit(VOTES, class_balance=[0.3, 0.7])
    with pytest.raises(UsageError, match="expected no gold"):
        create("plain", 2).fit(VOTES, gold=[0, 1, -1, -1, 1])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Fails", r'label model "it" failed: ZeroDivisionError: by zero; ask its authors'),
        ("Wrong", "expected probabilities that sum to 1 in each row"),
        ("Ragged", r"expected probabilities \[4, 2\], got others"),
    ],
)
def test_a_foreign_class_that_fails_is_one_line(value: str, message: str, site: Path) -> None:
    install(site, "bad-models", {"it": value})
    with pytest.raises(UsageError, match=message) as refused:
        create("it", 2).fit(VOTES).predict_proba(VOTES)
    assert "\n" not in str(refused.value)


def test_a_foreign_class_is_not_fitted_to_no_votes(site: Path) -> None:
    install(site, "void-models", {"plain": "Plain"})
    with pytest.raises(UsageError, match="expected at least one vote"):
        create("plain", 2).fit(np.full((3, 2), -1))


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ("Ours", "import no_such_module", r'"it" of broken-models cannot be loaded: ModuleNotFoundError: .*no_such'),
        ("Ours", "raise SystemExit('bye')", "of broken-models cannot be loaded: SystemExit: bye; mend or uninstall"),
        ("Missing", CODE, "of broken-models cannot be loaded: AttributeError"),
        ("function", CODE, "expected a class with fit and predict_proba, got broken_models:function"),
        ("np", CODE, "expected a class with fit and predict_proba"),
        ("Misnamed", CODE, 'expected a class whose name is "it"'),
    ],
)
def test_a_broken_plug_in_is_one_line_and_breaks_no_other(value: str, code: str, message: str, site: Path) -> None:
    install(site, "broken-models", {"it": value}, code)
    install(site, "good-models", {"ours": "Ours"})
    with pytest.raises(UsageError, match=message) as refused:
        create("it", 2)
    assert "\n" not in str(refused.value)
    assert plugin_notes() == [str(refused.value)]
    assert model_names() == (*MODELS, "it", "ours")
    assert create("ours", 2).fit(VOTES).name == "ours"


def test_a_plug_in_never_takes_the_name_of_a_built_in_model(site: Path) -> None:
    install(site, "greedy-models", {"default": "Ours"})
    assert model_names() == tuple(MODELS)
    assert type(create("default")) is MODELS["default"]
    assert plugin_notes() == [
        'label model "default" of greedy-models is not used: a built-in model has that name',
    ]


def test_a_name_that_two_packages_offer_is_refused_naming_both(site: Path) -> None:
    install(site, "first-models", {"ours": "Ours"})
    install(site, "second-models", {"ours": "Ours"})
    assert model_names().count("ours") == 1
    with pytest.raises(UsageError, match="of first-models and second-models: expected one distribution"):
        create("ours")


def test_an_unknown_name_lists_plug_ins_too(site: Path) -> None:
    install(site, "listed-models", {"ours": "Ours"})
    with pytest.raises(UsageError, match='expected one of default, .*, ours; got "oracle"'):
        create("oracle")

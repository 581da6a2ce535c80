"""A set of labels in a cell of CSV is read back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from distill.toy import SPACE, make_corpus
from hypothesis import given
from hypothesis import strategies as st

from weaksup import LabelSpace, SoftLabelSets
from weaksup.distill import Student, load_bundle, save_bundle, train
from weaksup.distill.bundle.cells import write_cell
from weaksup.distill.exports import standalone
from weaksup.errors import UsageError
from weaksup.labels import encode_gold

ODD = st.sampled_from(["a|b", "a", "b", "-1", "0", "1", "[]", "[x]", "{}", " a", "a ", '"', "a,b", "x|"])
NAMES = st.lists(
    ODD | st.text(min_size=1, max_size=6).filter(lambda s: s.strip() and s.isprintable()),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(names=NAMES, data=st.data())
def test_gold_is_read_from_a_cell_as_it_was_written(names: list[str], data: st.DataObject) -> None:
    space = LabelSpace(names, multi=True)
    marks = data.draw(st.lists(st.lists(st.booleans(), min_size=len(names), max_size=len(names)), max_size=4))
    sets = [tuple(name for name, mark in zip(names, row, strict=True) if mark) for row in marks]
    found = encode_gold([*map(write_cell, sets), write_cell(None)], space)
    assert found[:-1].tolist() == np.array(marks, int).reshape(-1, len(names)).tolist()
    assert found[-1].tolist() == [-1] * len(names)
    assert [standalone.write_cell(said) for said in sets] == list(map(write_cell, sets))


def test_most_cells_are_names_joined_by_a_bar() -> None:
    assert [write_cell(one) for one in ((), ("bug",), ("bug", "money"), None)] == ["[]", "bug", "bug|money", None]
    assert write_cell(("a|b", "c")) == '["a|b", "c"]'


def test_a_precision_is_not_promised_of_label_sets(tmp_path_factory: pytest.TempPathFactory) -> None:
    gold = np.array([[1, 1], [0, 1], [0, 0], [1, 0]] * 10)
    space = LabelSpace(["money", "bug"], multi=True)
    soft = SoftLabelSets(tuple(map(str, range(40))), 0.1 + 0.8 * gold, np.ones_like(gold, bool), space)
    texts = ["refund and crash", "crash again", "hello there", "refund please"] * 10
    folder = save_bundle(train(texts, soft), tmp_path_factory.mktemp("sets") / "student")
    with pytest.raises(UsageError, match="any number of labels has no thresholds for it; use --abstain-below"):
        load_bundle(folder).threshold_for(0.9)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "one of its labels to any text" not in card
    assert "A text about something else may get labels, too" in card


def test_a_predictor_shows_itself_in_a_line(student: Student, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("shown") / "student"
    model = load_bundle(save_bundle(student, folder, metrics={"much": ["x" * 9] * 999}))
    seal = model.manifest["seal"]
    assert repr(model) == f"<Predictor linear: billing, bug, how; seal {seal[:12]}>"
    texts, gold = make_corpus(60)
    many = LabelSpace([*SPACE.names, *(f"label {i}" for i in range(50))])
    wide = load_bundle(save_bundle(train(texts, np.eye(53)[gold], labels=many, strengths=(1.0,)), folder))
    assert repr(wide).startswith("<Predictor linear: billing, bug, how, label 0, label 1, label 2, ...; seal")

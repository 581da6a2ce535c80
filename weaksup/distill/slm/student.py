"""The student `slm`: a causal language model that is trained, by LoRA, to answer what the tiers are asked.

It learns log P(answer | prompt) of whole answers, so that any server that writes freely writes them; a row that may be
of several classes teaches each answer as likely as its label is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from weaksup.distill.linear.softmax import Floats, one_thread
from weaksup.distill.neural.settings import above_zero, whole
from weaksup.distill.neural.stopping import train_until_best
from weaksup.distill.side_by_side import cores, crew
from weaksup.distill.slm.adapters import Adapters
from weaksup.distill.slm.causal_folder import Causal, read_causal
from weaksup.distill.slm.pack import pack
from weaksup.distill.slm.question import Question, find_prompt
from weaksup.distill.slm.reading import Prefix, answer_log_proba, check_tree
from weaksup.distill.slm.trie import Trie, make_trie
from weaksup.distill.student import Student
from weaksup.distill.targets import Targets
from weaksup.errors import UsageError
from weaksup.labeling_functions import PromptFunction
from weaksup.labels import LabelSpace

__all__ = ["SlmStudent", "fit_slm"]

Rows = NDArray[np.int64]
_WARM = 0.1  # of all steps, over which the rate rises; then it falls
_LEAST = 32  # tokens of a prompt


def fit_slm(
    targets: Targets,
    *,
    seed: int = 0,
    model: str | None = None,
    prompt: PromptFunction | str | None = None,
    rank: int = 8,
    epochs: int = 3,
    batch: int = 16,
    rate: float = 2e-4,
    max_tokens: int = 512,
) -> SlmStudent:
    """Train the causal language model in the folder `model`, for at most `epochs`, in steps of `batch` rows.

    `prompt` is the question: a prompt function, a Python file with one, a text, or the usual question. Adapters of
    `rank` are trained, beside each linear layer, at the `rate`, and then added into the weights. It stops where a third
    of the rows, kept out, is predicted best, and is then trained on all of them for as long. A prompt has at most
    `max_tokens` tokens; longer texts are cut.

    Cost: about 6 flops for each weight, token of a prompt and epoch; 10 bytes of memory for each weight. Raises
    UsageError where the folder is no such model, MissingExtra without the extra `slm`.
    """
    whole("slm", "rank", rank, 1, 1024)
    whole("slm", "epochs", epochs, 1, 100)
    whole("slm", "batch", batch, 1, 4096)
    whole("slm", "max_tokens", max_tokens, _LEAST, 1 << 20)
    above_zero("slm", "rate", rate, 1.0)
    made, asked = find_prompt(prompt, targets.labels)
    causal = read_causal(model)
    question = _fit_question(causal, Question(made, causal.tokenizer, max_tokens, asked))
    answers = question.answers()
    trie = make_trie(answers)
    prompts = [question.ids(text) for text in targets.texts]
    check_tree(causal.module, trie, prompts[0], answers)
    adapters = Adapters(causal.module, trie, rank=rank, seed=seed)
    aim = targets.proba * (targets.weights / targets.weights.mean())[:, None]
    losses: list[float] = []

    def train(rows: Rows) -> Iterator[Adapters]:
        adapters.start()
        losses.clear()
        rng, size = np.random.default_rng(seed), -(-len(rows) // batch)
        steps = iter(_shares(size * epochs))
        for _ in range(epochs):
            lost = 0.0
            for some in np.array_split(rng.permutation(rows), size):
                step = rate * next(steps)
                lost += len(some) * adapters.learn([prompts[i] for i in some.tolist()], aim[some], rate=step)
            losses.append(lost / len(rows))
            yield adapters

    def read(network: Adapters, rows: Rows) -> Floats:
        return network.log_proba([prompts[i] for i in rows.tolist()])

    done = train_until_best(targets, train, read, epochs=epochs, seed=seed, folds=1)
    training = {**targets.summary(), "model": causal.name, "rank": rank, "batch": batch, "rate": rate, "seed": seed}
    training |= {"max_tokens": question.limit, "epochs": done.epochs, **done.training}
    training["loss"] = {str(i + 1): round(loss, 4) for i, loss in enumerate(losses)}
    merged = replace(causal, module=_as_stored(adapters.merged()))
    return SlmStudent(targets.labels, merged, question, trie, training)


def _shares(steps: int) -> list[float]:
    """Return the share of the rate for each step: up, then down to nothing."""
    warm = max(1, round(_WARM * steps))
    return [min((step + 1) / warm, 1 - step / steps) for step in range(steps)]


def _fit_question(causal: Causal, question: Question) -> Question:
    """Leave the answers the room that they need."""
    room = causal.longest - max(map(len, question.answers()))
    if room < _LEAST:
        raise UsageError(
            f"student slm: expected a model that reads a question and an answer, got {causal.longest} tokens"
        )
    return replace(question, limit=min(question.limit, room))


def _as_stored(module: Any) -> Any:
    """Round the weights to what 16 bits hold: the student says what its files will say."""
    import torch

    most = float(torch.finfo(torch.float16).max)
    for part in module.parameters():
        part.data = part.data.clamp(-most, most).half().float()
    return module


@dataclass(frozen=True, eq=False)
class SlmStudent(Student):
    """A trained language model. What it leaves is no bundle to be run here, but a model that a tier serves.

    A label is as likely as its whole answer is among the answers: what was trained, and what decides which answer is
    written. It is not divided by the length, which would favour long names, whose last tokens follow from the first.
    """

    kind: ClassVar[str] = "slm"
    labels: LabelSpace
    model: Causal
    question: Question = field(repr=False)
    trie: Trie = field(repr=False)
    training: dict[str, Any] = field(repr=False)
    temperature: float = 1.0

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities [n, k]; each text is read alone, so the others change nothing."""
        import torch

        if isinstance(texts, (str, bytes)):
            raise UsageError("predict: expected a list of texts, got a single one; write [text]")
        found = np.empty((len(texts), len(self.classes)))
        shared = _shared(self.question)
        module = self.model.module

        def read(rows: Rows) -> None:
            for i in rows.tolist():
                ids = self.question.ids(texts[i])
                fits = ids[: prefix.size] == shared and len(ids) > prefix.size  # a text may join its first quote
                rest, before = (ids[prefix.size :], prefix) if fits else (ids, None)
                with torch.no_grad():
                    said = answer_log_proba(module, self.trie, [rest], before)[0]
                found[i] = torch.softmax(said.double() / self.temperature, dim=0).numpy()

        parts = [rows for rows in np.array_split(np.arange(len(texts)), cores()) if len(rows)]
        with one_thread(), crew(len(parts)) as run:
            prefix = Prefix(module, shared)
            run(read, parts)
        return found

    def cooled(self, temperature: float) -> Self:
        """Return the student with its scores divided by `temperature`; the weights of the model stay as they are."""
        now = self.temperature * temperature
        return replace(self, temperature=now, training={**self.training, "temperature": now})

    def files(self) -> dict[str, bytes]:
        """Return the model as servers read it, a Hugging Face folder and model.gguf; the tier and the question."""
        return pack(self.model, self.question)


def _shared(question: Question) -> list[int]:
    """Return the tokens that every prompt begins with."""
    one, two = question.ids("a"), question.ids("1")
    same = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)) - 1)
    return one[:same]

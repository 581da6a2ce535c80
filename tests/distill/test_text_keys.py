"""n-grams as numbers: the same as a plain loop over characters and words would find."""

from __future__ import annotations

from collections import Counter
from itertools import count, groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import wild_texts

from weaksup.distill.linear import features
from weaksup.distill.linear.alphabet import FIRST, OTHER, SPACE, Alphabet, find_alphabet, fold
from weaksup.distill.linear.features import NGrams, choose_ngrams
from weaksup.distill.linear.keys import MAX_CHARS, ORDERS, PAIR, PLACES, PRIME, find_keys, place_factors

ALPHABET = find_alphabet(["the quick brown fox! jumps over 42 dogs; Straße İstanbul ждёт 犬犬 a-b c_d it's 👍👍"] * 2)


def slow_keys(text: str, alphabet: Alphabet) -> Counter[int]:
    codes = alphabet.codes()
    letters = [SPACE, *(int(codes[ord(c)]) for c in text[:MAX_CHARS]), SPACE]
    found: Counter[int] = Counter()
    for order in ORDERS:
        for i in range(len(letters) - order + 1):
            gram = letters[i : i + order]
            if SPACE in gram[1:-1] or set(gram) == {SPACE}:
                continue
            found[sum(code * alphabet.base**place for place, code in enumerate(reversed(gram)))] += 1
    hashes = []
    for in_word, run in groupby(letters, key=lambda code: code >= alphabet.first_letter):
        if in_word:
            factors = (int(place_factors()[i % PLACES]) for i in count(1))
            hashes.append(sum(code * factor for code, factor in zip(run, factors, strict=False)) % PRIME)
    found.update(-1 - h for h in hashes)
    found.update(-PAIR - (a * 2**31 + b) for a, b in pairwise(hashes))
    return found


@given(st.lists(wild_texts, min_size=1, max_size=6))
def test_keys_are_those_of_a_plain_loop(texts: list[str]) -> None:
    rows, keys = find_keys(texts, ALPHABET, ALPHABET.codes())
    found: list[Counter[int]] = [Counter() for _ in texts]
    for row, key in zip(rows.tolist(), keys.tolist(), strict=True):
        found[row][key] += 1
    assert found == [slow_keys(text, ALPHABET) for text in texts]


def test_a_long_text_is_read_to_its_limit_and_a_long_word_wraps() -> None:
    texts = ["fox " * 4000, "f" * 200]
    rows, keys = find_keys(texts, ALPHABET, ALPHABET.codes())
    for i, text in enumerate(texts):
        assert Counter(keys[rows == i].tolist()) == slow_keys(text, ALPHABET)
    again = find_keys([texts[0][:MAX_CHARS]], ALPHABET, ALPHABET.codes())[1]
    assert Counter(again.tolist()) == slow_keys(texts[0], ALPHABET)


@given(wild_texts)
def test_case_and_width_do_not_matter_where_one_character_stands_for_one(text: str) -> None:
    codes = ALPHABET.codes()
    for char in text:
        assert codes[ord(char)] == codes[ord(fold(char))] or "\ud800" <= char <= "\udfff" or ord(char) >= 0x20000


def test_folding() -> None:
    pairs = {
        "A": "a",
        "İ": "i",
        "ß": "ß",
        "ẞ": "ß",
        "Ａ": "a",
        "𝐅": "f",
        "\u00a0": " ",
        "\ufeff": " ",
        "\0": " ",
        "①": "1",
    }
    assert {char: fold(char) for char in pairs} == pairs


def test_an_alphabet_knows_what_occurs_twice_and_splits_letters_from_the_rest() -> None:
    found = find_alphabet(["aB!", "Ab! ?", "z"])
    assert (found.others, found.letters) == ("!", "ab")
    assert (found.base, found.first_letter) == (FIRST + 3, FIRST + 1)
    codes = found.codes()
    assert codes[[ord(c) for c in "!aAbB z\t"]].tolist() == [3, 4, 4, 5, 5, SPACE, OTHER, SPACE]
    spelled = found.spellings()
    assert spelled[""] == spelled[" "] == spelled["\n"] == SPACE
    assert spelled["B"] == 5
    assert "z" not in spelled
    assert all(spelled.get(chr(point), OTHER) == codes[point] for point in range(0xD800))


def test_a_large_alphabet_keeps_the_most_frequent() -> None:
    rare = "".join(map(chr, range(0x4E00, 0x4E00 + 5000)))
    found = find_alphabet([rare, rare, "common words common words"])
    assert set("comnwrds") <= set(found.chars)
    assert found.base**4 < 2**62
    assert len(found.chars) == 4000


def test_the_numbers_of_the_places_stay_what_they_are() -> None:
    # They are part of the format: a model trained elsewhere must mean the same words.
    factors = place_factors()
    assert factors[:3].tolist() == [0, 793988373, 1628305608]
    assert len(set(factors.tolist())) == PLACES


def test_ngrams_of_one_text_alone_are_left_out() -> None:
    ngrams, counts = choose_ngrams(["spam eggs", "spam ham"], classes=2)
    assert counts.shape == (2, len(ngrams))
    dense = counts.toarray()
    assert ((dense > 0).sum(axis=0) == 2).all()
    assert (ngrams.counts(["spam eggs", "spam ham"]).toarray() == dense).all()
    assert (np.diff(ngrams.keys) > 0).all()


def test_features_are_rows_of_length_one_where_no_ngram_repeats() -> None:
    texts = ["alpha beta", "beta gamma", "gamma alpha", "delta", "delta"]
    ngrams, counts = choose_ngrams(texts, classes=2)
    features = ngrams.scale(counts).toarray()
    once = (counts.toarray() <= 1).all(axis=1)
    assert once.any()
    assert np.allclose((features**2).sum(axis=1)[once], 1)


@settings(max_examples=20)
@given(st.lists(wild_texts, min_size=1, max_size=20))
def test_a_vocabulary_is_the_same_in_any_order_of_the_texts(texts: list[str]) -> None:
    forth, _ = choose_ngrams(texts, classes=2)
    back, _ = choose_ngrams(texts[::-1], classes=2)
    assert forth.alphabet == back.alphabet
    assert forth.keys.tolist() == back.keys.tolist()
    assert forth.squares.tolist() == back.squares.tolist()


def test_a_vocabulary_from_a_sample_is_counted_in_all_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{word} number {i % 7} of many" for i, word in enumerate(["spam", "ham", "eggs"] * 40)]
    whole, counts = choose_ngrams(texts, classes=2)
    monkeypatch.setattr(features, "SAMPLE", 60)
    monkeypatch.setattr(features, "BLOCK", 100)  # many blocks, merged two by two
    some, fewer = choose_ngrams(texts, classes=2)
    assert set(some.keys) < set(whole.keys)
    common = np.searchsorted(whole.keys, some.keys)
    assert (counts[:, common].toarray() == fewer.toarray()).all()
    assert np.array_equal(whole.squares[common], some.squares)
    left_out = np.setdiff1d(whole.keys, some.keys)
    assert ((left_out >= 0) & (left_out < whole.alphabet.base**2)).sum() >= 10  # pairs of characters in most texts
    again, _ = choose_ngrams(texts, classes=2, seed=0)
    assert np.array_equal(again.keys, some.keys)


def test_a_large_alphabet_is_looked_up_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["spam and eggs", "ham and eggs", "帮助 spam 帮助"] * 3
    ngrams, counts = choose_ngrams(texts, classes=2)
    monkeypatch.setattr(features, "LARGEST_BASE", 1)
    assert (NGrams(ngrams.alphabet, ngrams.keys, ngrams.squares).counts(texts) != counts).nnz == 0

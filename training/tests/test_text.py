"""The text front end: equal to its twin on the corpus, and what each part promises."""

import json

import numpy as np
import pytest

from training.text.g2p import MODEL, G2p
from training.text.graphones import align
from training.text.ngrams import count_ngrams, estimate
from training.text.normalise import TextProblem, tokens
from training.text.phones import FrontEnd
from training.text.train_g2p import build, errors, evaluate, split_words
from training.text.write_corpus import CORPUS, USER, corpus, line


def test_corpus_is_what_the_front_end_says():
    lines = CORPUS.read_text("utf-8").splitlines(keepends=True)
    assert [json.loads(written)["text"] for written in lines] == corpus()
    front_end = FrontEnd(USER)
    # Every tenth: the TypeScript test compares all of them.
    assert [line(front_end, json.loads(written)["text"]) for written in lines[::10]] == lines[::10]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's $5.05 at 10:05.", "it's five dollars and five cents at ten oh five ."),
        ("No. 5, 1/3 of 1,000,001", "number five , one third of one million one ."),
        ("1905, 2000 and 1800", "nineteen oh five , two thousand and eighteen hundred ."),
        ("Call 555-123-4567", "call five five five , one two three , four five six seven ."),
        ("Open 24/7, rated 10/10 and 9/10.", "open twenty four seven , rated ten out of ten and nine out of ten ."),
        ("-$20, 5¢, 1€ and €1", "minus twenty dollars , five cents , one euro and one euro ."),
        ("Version 2.0.1 at 192.168.0.1.", "version two point zero point one at one hundred ninety two dot one hundred sixty eight dot zero dot one ."),
        ("10^6, 10^-3, 10^1^2, 5 m^2 and x^3", "ten to the power of six , ten to the power of minus three , ten to the power of twelve , five meters squared and x cubed ."),
        ("It took 1e6 steps at 1.5e-3.", "it took one times ten to the power of six steps at one point five times ten to the power of minus three ."),
        ("He is 5 ft. 6 in. tall and 60 kg. or so.", "he is five feet six inches tall and sixty kilograms or so ."),
        ("A 911 call cost 911 dollars.", "a nine one one call cost nine hundred eleven dollars ."),
        ("She got an A.", "she got an _a ."),
        ("Call +1 555-123-4567, 5-10 kg", "call plus one , five five five , one two three , four five six seven , five to ten kilograms ."),
    ],
)
def test_tokens(text: str, words: str):
    assert " ".join(tokens(text)) == words


def test_problems_are_sentences():
    for text, start in (("", "There is no text"), ("!?", "There are no words"), ("Ω ж", "This voice reads English"), ("a" * 50_001, "This text has 50,001"), ("Go [pause 0,5s] now", "“.pause 0,5s.” is not a pause"), ("Go [pause 11s] now", "“.pause 11s.” is longer than the 10 seconds")):
        with pytest.raises(TextProblem, match=start):
            FrontEnd()(text)


def test_alignment_gives_each_letter_its_phones():
    words = [("cat", ["K", "AE1", "T"]), ("tack", ["T", "AE1", "K"]), ("act", ["AE1", "K", "T"]), ("ax", ["AE1", "K", "S"]), ("sat", ["S", "AE1", "T"])] * 5
    aligned = align(words)
    assert aligned[0] == [("c", ("K",)), ("a", ("AE1",)), ("t", ("T",))]
    assert aligned[3] == [("a", ("AE1",)), ("x", ("K", "S"))]
    assert align([("a", ["B", "IY1", "K"])]) == [[]]


def test_ngram_model_sums_to_one_in_every_context():
    rng = np.random.default_rng(0)
    sequences = [[0, *rng.integers(1, 5, 6).tolist(), 0] for _ in range(200)]
    levels = count_ngrams(sequences, 5, 3)
    estimate(levels, [1, 1, 3])

    def p(context: int, symbol: int) -> float:
        """With the bigram context `context`."""
        found = np.nonzero((levels[2].parent == context) & (levels[2].symbol == symbol))[0]
        if len(found):
            return levels[2].p[found[0]]
        shorter = levels[1].suffix[context]
        found = np.nonzero((levels[1].parent == shorter) & (levels[1].symbol == symbol))[0]
        lower = levels[1].p[found[0]] if len(found) else levels[0].p[symbol] * levels[0].backoff[shorter]
        return lower * levels[1].backoff[context]

    for context in range(len(levels[1].symbol)):
        if levels[1].symbol[context]:
            assert sum(p(context, s) for s in range(5)) == pytest.approx(1, abs=1e-6)


def test_model_learns_a_regular_spelling():
    letters = {"b": "B", "d": "D", "k": "K", "m": "M", "a": "AA1", "o": "OW0"}
    words = [a + "a" + b + "o" for a in "bdkm" for b in "bdkm"]
    model = G2p(build([[(c, (letters[c],)) for c in w] for w in words], 3, [1, 1, 1]))
    assert model("kabo") == ["K", "AA1", "B", "OW0"]


def test_edit_distance():
    assert errors(["A", "B"], ["A", "C", "B"]) == 1
    assert errors([], ["A"]) == 1
    assert errors(["A", "B"], ["B", "A"]) == 2


def test_shipped_model_says_words_it_was_not_trained_on():
    """The file in `resources/text`, on words that `split_words` kept from its training; the TypeScript test measures more of them."""
    training, held_out = split_words()
    assert not {word for word, _ in training} & set(held_out)
    report = evaluate(G2p(MODEL.read_bytes()), held_out, 300)
    assert report["words"] == 300
    assert report["phone_errors"] <= 0.10

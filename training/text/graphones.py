"""Letters of a word aligned with its phones by expectation maximisation (Jiampojamarn et al. 2007, with one letter to zero, one or two phones).

A graphone is a letter with what it stands for: in "quick" q -> K, u -> W, i -> IH, c -> K, k -> nothing. Words of one shape (letters, phones) are aligned
together, so that the dynamic programme is a few numpy operations a cell.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
_NEVER = -1e9

Word = tuple[str, list[str]]


def _without_stress(phone: str) -> str:
    return phone.rstrip("012")


class _Shape:
    """All words of `n` letters and `m` phones: `letter [N, n]`, `phone [N, m]` as indices."""

    def __init__(self, words: list[Word], phone_index: dict[str, int]):
        self.letter = np.array([[LETTERS.index(c) for c in w] for w, _ in words])
        self.phone = np.array([[phone_index[_without_stress(p)] for p in phones] for _, phones in words])

    def steps(self, tables: list[np.ndarray], i: int, j: int) -> list[np.ndarray]:
        """log p of letter i taking phones j .. j+c, for c = 0, 1, 2 as far as there are phones."""
        letter, m = self.letter[:, i], self.phone.shape[1]
        out = [tables[0][letter]]
        if j + 1 <= m:
            out.append(tables[1][letter, self.phone[:, j]])
        if j + 2 <= m:
            out.append(tables[2][letter, self.phone[:, j], self.phone[:, j + 1]])
        return out

    def lattice(self, tables: list[np.ndarray], join) -> tuple[np.ndarray, np.ndarray]:
        """Forward and backward scores `[n+1, m+1, N]`; `join` is logaddexp for sums over alignments, maximum for the best one."""
        (N, n), m = self.letter.shape, self.phone.shape[1]
        forward, backward = np.full((2, n + 1, m + 1, N), _NEVER)
        forward[0, 0], backward[n, m] = 0, 0
        for i in range(n):
            for j in range(m + 1):
                for c, score in enumerate(self.steps(tables, i, j)):
                    forward[i + 1, j + c] = join(forward[i + 1, j + c], forward[i, j] + score)
        for i in reversed(range(n)):
            for j in range(m + 1):
                for c, score in enumerate(self.steps(tables, i, j)):
                    backward[i, j] = join(backward[i, j], backward[i + 1, j + c] + score)
        return forward, backward


def _normalised(counts: list[np.ndarray]) -> list[np.ndarray]:
    """log p(chunk | letter)."""
    total = sum(c.reshape(len(LETTERS), -1).sum(1) for c in counts)
    with np.errstate(divide="ignore"):
        return [np.maximum(np.log(c / total.reshape([-1] + [1] * (c.ndim - 1))), _NEVER) for c in counts]


def align(words: list[Word], iterations: int = 8) -> list[list[tuple[str, tuple[str, ...]]]]:
    """The likeliest graphones of each word, in order. Words that can't be aligned (more than two phones a letter) give an empty list."""
    phones = sorted({_without_stress(p) for _, ps in words for p in ps})
    index = {p: i for i, p in enumerate(phones)}
    members: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at, (word, ps) in enumerate(words):
        if len(ps) <= 2 * len(word):
            members[len(word), len(ps)].append(at)
    shapes = {key: _Shape([words[at] for at in chosen], index) for key, chosen in members.items()}
    A, P = len(LETTERS), len(phones)
    tables = _normalised([np.full(A, 0.3), np.full((A, P), 1.0), np.full((A, P, P), 0.003)])
    for _ in range(iterations):
        counts = [np.full(A, 1e-3), np.full((A, P), 1e-4), np.full((A, P, P), 1e-7)]
        for shape in shapes.values():
            _count(shape, tables, counts)
        tables = _normalised(counts)
    out: list[list[tuple[str, tuple[str, ...]]]] = [[] for _ in words]
    for key, shape in shapes.items():
        for at, widths in zip(members[key], _best(shape, tables)):
            word, ps = words[at]
            ends = np.cumsum(widths)
            out[at] = [(c, tuple(ps[end - width : end])) for c, end, width in zip(word, ends, widths)]
    return out


def _count(shape: _Shape, tables: list[np.ndarray], counts: list[np.ndarray]) -> None:
    """Adds the expected uses of each chunk."""
    forward, backward = shape.lattice(tables, np.logaddexp)
    (_, n), m = shape.letter.shape, shape.phone.shape[1]
    total = forward[n, m]
    for i in range(n):
        for j in range(m + 1):
            for c, score in enumerate(shape.steps(tables, i, j)):
                posterior = np.exp(np.minimum(0, forward[i, j] + score + backward[i + 1, j + c] - total))
                where = (shape.letter[:, i], *(shape.phone[:, j + d] for d in range(c)))
                np.add.at(counts[c], where, posterior)


def _best(shape: _Shape, tables: list[np.ndarray]) -> np.ndarray:
    """Phones of each letter, `[N, n]`, on the best path."""
    _, backward = shape.lattice(tables, np.maximum)
    (N, n), m = shape.letter.shape, shape.phone.shape[1]
    widths, at = np.zeros((N, n), np.int64), np.zeros(N, np.int64)
    for i in range(n):
        score = np.full((m + 1, 3, N), _NEVER * 2)
        for j in range(m + 1):
            for c, step in enumerate(shape.steps(tables, i, j)):
                score[j, c] = step + backward[i + 1, j + c]
        widths[:, i] = score[at, :, np.arange(N)].argmax(1)
        at += widths[:, i]
    return widths

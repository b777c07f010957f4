"""An interpolated Kneser-Ney n-gram model (Chen and Goodman 1999), pruned by count and kept in back-off form with integer costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Level:
    """The n-grams of one order, sorted by (parent, symbol): `parent` indexes the order below (the n-gram without its last symbol),
    `suffix` too (the n-gram without its first symbol). `p` is the interpolated probability, `backoff` the weight of shorter contexts."""

    parent: np.ndarray
    symbol: np.ndarray
    suffix: np.ndarray
    count: np.ndarray
    p: np.ndarray
    backoff: np.ndarray


def count_ngrams(sequences: list[list[int]], symbols: int, order: int) -> list[Level]:
    """Counts of every n-gram up to `order`. A sequence starts and ends with symbol 0; n-grams do not cross from one to the next."""
    text = np.concatenate([np.array(s) for s in sequences])
    length = np.array([len(s) for s in sequences])
    # How many symbols before this one, itself included, lie in the same sequence.
    depth = np.arange(len(text)) - np.repeat(np.cumsum(length) - length, length) + 1
    levels: list[Level] = []
    node = np.zeros(len(text), np.int64)
    for n in range(1, order + 1):
        usable = depth >= n
        before = np.zeros(len(text), np.int64) if n == 1 else np.concatenate([[0], node[:-1]])
        key = np.where(usable, before * symbols + text, -1)
        found, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
        skip = int(found[0] == -1)
        parent, symbol = found[skip:] // symbols, found[skip:] % symbols
        suffix = np.zeros(len(parent), np.int64)
        suffix[inverse[usable] - skip] = node[usable]
        levels.append(Level(parent, symbol, suffix, count[skip:], np.zeros(0), np.zeros(0)))
        node = np.where(usable, inverse - skip, 0)
    return levels


def prune(levels: list[Level], at_least: list[int]) -> None:
    """Drops the n-grams of order n seen less than `at_least[n - 1]` times, and those whose context or suffix went; thresholds may not fall with n."""
    kept_before, renamed_before = np.ones(1, bool), np.zeros(1, np.int64)
    for n, (level, least) in enumerate(zip(levels, at_least)):
        keep = level.count >= least
        if n:
            keep &= kept_before[level.parent] & kept_before[level.suffix]
        for name in ("parent", "symbol", "suffix", "count", "p"):
            setattr(level, name, getattr(level, name)[keep])
        if n:
            level.parent, level.suffix = renamed_before[level.parent], renamed_before[level.suffix]
        kept_before, renamed_before = keep, np.cumsum(keep) - 1


def estimate(levels: list[Level], at_least: list[int]) -> None:
    """Kneser-Ney probabilities from full counts, then pruned, then back-off weights that make every context sum to one."""
    at_start = levels[0].symbol == 0
    for n, level in enumerate(levels):
        if n:
            at_start = at_start[level.parent]
        adjusted = level.count.astype(np.float64)
        if n + 1 < len(levels):
            # How many different symbols precede it; n-grams at the start of a word have none and keep their counts.
            preceded = np.bincount(levels[n + 1].suffix, minlength=len(adjusted))
            adjusted = np.where(at_start, adjusted, np.maximum(preceded, 1))
        contexts = 1 if n == 0 else len(levels[n - 1].symbol)
        total = np.bincount(level.parent, adjusted, contexts)
        if n == 0:
            level.p = adjusted / total[0]
            continue
        discount = _discount(adjusted)
        left = np.bincount(level.parent, discount, contexts) / np.maximum(total, 1)
        level.p = (adjusted - discount) / total[level.parent] + left[level.parent] * levels[n - 1].p[level.suffix]
    prune(levels, at_least)
    for level, longer in zip(levels, levels[1:]):
        seen = np.bincount(longer.parent, longer.p, len(level.symbol))
        seen_shorter = np.bincount(longer.parent, level.p[longer.suffix], len(level.symbol))
        level.backoff = np.where(seen_shorter > 0, np.clip((1 - seen) / np.maximum(1 - seen_shorter, 1e-9), 1e-6, 1.0), 1.0)
    levels[-1].backoff = np.ones(len(levels[-1].symbol))


def _discount(adjusted: np.ndarray) -> np.ndarray:
    """Chen and Goodman's three discounts, of n-grams counted once, twice and more often."""
    n1, n2, n3, n4 = (max(1, int((adjusted == k).sum())) for k in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    by_count = np.clip([0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3], 0.0, 2.9)
    return np.minimum(by_count[np.minimum(adjusted, 3).astype(int)], 0.95 * adjusted)

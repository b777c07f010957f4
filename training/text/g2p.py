"""Letters to phones for words that no dictionary has: the best path through an n-gram model over graphones, in integers, so that it is exactly
what `src/engine/text/g2p.ts` finds. The file is written by `train_g2p.py`.

Layout of `g2p.bin`, little-endian: `RGG2P1\\n\\0`; u32 length of a JSON header `{order, graphones, counts, scale}`; the header, blanks up to a multiple of 4;
then for each order of n-grams, sorted by (parent, symbol): symbols u16, for all but the highest order the number of children of each u16, costs u8, and for
all but the highest order back-off costs u8. A cost is `-scale * log2 p`, at most 255. Graphone 0 is the edge of a word; a graphone is `letter:phone phone`.
"""

from __future__ import annotations

import functools
import json
import struct
from array import array
from bisect import bisect_left
from pathlib import Path

MAGIC = b"RGG2P1\n\0"
MODEL = Path(__file__).parents[2] / "resources" / "text" / "g2p.bin"
BEAM = 48


class G2p:
    """The model as tries of arrays: level n - 1 holds the n-grams of n symbols."""

    def __init__(self, data: bytes):
        if data[:8] != MAGIC:
            raise ValueError("This is no grapheme-to-phoneme model. Train it again with python -m training.text.train_g2p.")
        (length,) = struct.unpack_from("<I", data, 8)
        header = json.loads(data[12 : 12 + length])
        at = -(-(12 + length) // 4) * 4
        self.order: int = header["order"]
        self.symbol: list[array] = []
        self.first: list[list[int]] = []
        self.cost: list[bytes] = []
        self.backoff: list[bytes] = []
        for n, count in enumerate(header["counts"]):
            inner = n + 1 < self.order
            self.symbol.append(array("H", data[at : at + 2 * count]))
            at += 2 * count
            if inner:
                first = [0]
                for children in array("H", data[at : at + 2 * count]):
                    first.append(first[-1] + children)
                self.first.append(first)
                at += 2 * count
            self.cost.append(data[at : at + count])
            at += count
            if inner:
                self.backoff.append(data[at : at + count])
                at += count
        self.phones: list[list[str]] = []
        self.by_letter: dict[str, list[int]] = {}
        for i, graphone in enumerate(header["graphones"]):
            letter, _, phones = graphone.partition(":")
            self.phones.append(phones.split())
            if i:
                self.by_letter.setdefault(letter, []).append(i)
        self._suffixes: dict[tuple[int, int], tuple[int, int]] = {}

    def _child(self, level: int, index: int, symbol: int) -> int:
        """Index in `level + 1` of this n-gram with one symbol more, or -1. Level -1 is the empty context."""
        if level < 0:
            return symbol
        if level + 1 >= self.order:
            return -1
        start, end = self.first[level][index], self.first[level][index + 1]
        at = bisect_left(self.symbol[level + 1], symbol, start, end)
        return at if at < end and self.symbol[level + 1][at] == symbol else -1

    def _suffix(self, level: int, index: int) -> tuple[int, int]:
        """The n-gram without its first symbol. All suffixes of an n-gram are in the model."""
        if level <= 0:
            return -1, 0
        known = self._suffixes.get((level, index))
        if known is None:
            parent = bisect_left(self.first[level - 1], index + 1) - 1
            up_level, up = self._suffix(level - 1, parent)
            known = up_level + 1, self._child(up_level, up, self.symbol[level][index])
            self._suffixes[level, index] = known
        return known

    def _extend(self, level: int, index: int, symbol: int) -> tuple[int, int, int]:
        """(cost, level, index) after `symbol`: from the longest context that knows it, paying for each shorter one."""
        paid = 0
        while True:
            child = self._child(level, index, symbol)
            if child >= 0:
                return paid + self.cost[level + 1][child], level + 1, child
            if level < self.order - 1:
                paid += self.backoff[level][index]
            level, index = self._suffix(level, index)

    def __call__(self, word: str) -> list[str]:
        """Phones of `word`, which is of a-z and ' alone. Just one vowel bears the primary stress, as in a dictionary."""
        # Hypotheses (cost, level, index, stressed, graphone, before), the best of each (level, index, stressed).
        beam = [(0, 0, 0, False, 0, None)]
        for letter in word:
            best: dict[tuple[int, int, bool], tuple] = {}
            for hypothesis in beam:
                cost, level, index, stressed, _, _ = hypothesis
                for g in self.by_letter[letter]:
                    primary = sum(p[-1] == "1" for p in self.phones[g])
                    if primary + stressed > 1:
                        continue
                    more, to_level, to_index = self._extend(level, index, g)
                    key = to_level, to_index, stressed or primary == 1
                    if key not in best or cost + more < best[key][0]:
                        best[key] = (cost + more, *key, g, hypothesis)
            beam = sorted(best.values(), key=lambda h: h[:4])[:BEAM]
        ends = []
        for hypothesis in beam:
            cost, level, index, stressed = hypothesis[:4]
            ends.append((not stressed, cost + self._extend(level, index, 0)[0], level, index, hypothesis))
        hypothesis = min(ends, key=lambda e: e[:4])[4]
        out: list[str] = []
        while hypothesis[5] is not None:
            out = self.phones[hypothesis[4]] + out
            hypothesis = hypothesis[5]
        return out


@functools.cache
def g2p() -> G2p:
    return G2p(MODEL.read_bytes())

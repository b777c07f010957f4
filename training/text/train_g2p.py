"""Trains the grapheme-to-phoneme model on CMUdict and writes `resources/text/g2p.bin`.

    python -m training.text.train_g2p --report g2p.json

One word in twenty is held out; the report counts phone errors on them with and without stress. About two minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

from training.text.cmudict import dictionary
from training.text.g2p import G2p, MAGIC, MODEL
from training.text.graphones import Word, align
from training.text.ngrams import Level, count_ngrams, estimate

HELD_OUT_EVERY = 20
SCALE = 12
RARE_GRAPHONE = 4


def split_words() -> tuple[list[Word], dict[str, list[list[str]]]]:
    """Training words, one for each pronunciation, and held-out words with all of theirs."""
    training, held_out = [], {}
    for key, phones in dictionary().items():
        word = re.sub(r"\(\d+\)$", "", key)
        if not re.fullmatch("[a-z']*[a-z][a-z']*", word):
            continue
        if zlib.crc32(word.encode()) % HELD_OUT_EVERY == 0:
            held_out.setdefault(word, []).append(phones.split())
        else:
            training.append((word, phones.split()))
    return training, held_out


def build(aligned: list[list[tuple[str, tuple[str, ...]]]], order: int, at_least: list[int]) -> bytes:
    """The model file from graphone sequences."""
    count = Counter(g for word in aligned for g in word)
    known = sorted(g for g, n in count.items() if n >= RARE_GRAPHONE)
    index = {g: i + 1 for i, g in enumerate(known)}
    sequences = [[0, *(index[g] for g in word), 0] for word in aligned if word and all(g in index for g in word)]
    levels = count_ngrams(sequences, len(known) + 1, order)
    estimate(levels, at_least)
    graphones = [":", *(f"{c}:{' '.join(ps)}" for c, ps in known)]
    header = {"order": order, "graphones": graphones, "counts": [len(level.symbol) for level in levels], "scale": SCALE}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(12 + len(text)) % 4)
    body = [_pack(level, levels[n + 1] if n + 1 < order else None) for n, level in enumerate(levels)]
    return b"".join([MAGIC, struct.pack("<I", len(text)), text, *body])


def _pack(level: Level, longer: Level | None) -> bytes:
    def cost(p: np.ndarray) -> bytes:
        return np.clip(np.round(-SCALE * np.log2(p)), 0, 255).astype(np.uint8).tobytes()

    symbols = level.symbol.astype("<u2").tobytes()
    if longer is None:
        return symbols + cost(level.p)
    children = np.bincount(longer.parent, minlength=len(level.symbol)).astype("<u2").tobytes()
    return symbols + children + cost(level.p) + cost(level.backoff)


def errors(found: list[str], right: list[str]) -> int:
    """Edit distance."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(found, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def evaluate(model: G2p, held_out: dict[str, list[list[str]]], limit: int) -> dict[str, float]:
    """Errors a phone and a word against the nearest pronunciation of the dictionary, with and without stress."""
    total = {"phones": 0, "phone_errors": 0, "phone_errors_without_stress": 0, "words": 0, "word_errors": 0}
    for word, pronunciations in sorted(held_out.items(), key=lambda item: zlib.crc32(item[0].encode()))[:limit]:
        found = model(word)
        plain = [p.rstrip("012") for p in found]
        best = min(pronunciations, key=lambda right: errors(found, right))
        total["phones"] += len(best)
        total["phone_errors"] += errors(found, best)
        total["phone_errors_without_stress"] += min(errors(plain, [p.rstrip("012") for p in right]) for right in pronunciations)
        total["words"] += 1
        total["word_errors"] += found != best
    rates = {name: round(total[name] / total["phones"], 4) for name in ("phone_errors", "phone_errors_without_stress")}
    return {**rates, "word_errors": round(total["word_errors"] / total["words"], 4), "words": total["words"]}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, default=MODEL)
    p.add_argument("--report", type=Path, help="where the measured errors go, as JSON")
    p.add_argument("--order", type=int, default=6)
    p.add_argument("--at-least", type=int, nargs="+", default=[1, 1, 1, 1, 2, 2], help="least count of an n-gram to be kept, by order")
    p.add_argument("--limit", type=int, default=2000, help="held-out words to measure on")
    args = p.parse_args()
    training, held_out = split_words()
    data = build(align(training), args.order, args.at_least)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(data)
    report = {**evaluate(G2p(data), held_out, args.limit), "bytes": len(data), "order": args.order}
    print(json.dumps(report))
    if args.report:
        args.report.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""More voices for ResGen, while it trains: every aligned clip encoded again in newly drawn voices, one file a draw.

    python -m training.speech_draws --recipe training/recipes/voice-resgen.yaml --processes 10

writes `<runs>/<name>/draws/1.pt` and so on up to the recipe's `draws`; `training.train_speech` takes each up as it comes. Before them it makes
`tokens.pt` if that lacks anything. A draw that was cut off is made anew. On a GPU the codec encodes there; the processes change the voices.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import torch

from training.alignments import load_alignments
from training.codec import load_codec
from training.runner import load_recipe
from training.speech_data import Speech
from training.speech_tokens import Augment, SpeechTokens, Versions, encode_all

AT_ONCE_ON_A_GPU = 32


class TokenMaker:
    """The recipe's clips, alignments and codec, read when something is to be made."""

    def __init__(self, recipe: dict[str, Any], runs: Path, processes: int = 0):
        self.recipe, self.runs, self.processes = recipe, runs, processes
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.codec = load_codec(runs, recipe["codec"])[0].to(self.device)
        self.alignments, self.clips = load_alignments(recipe, runs)

    def __call__(self, sets: set[str], drawn: int = 0, drawn_only: bool = False) -> SpeechTokens:
        speech = Speech(self.runs / self.recipe["cache"], [clip for clip in self.clips if clip.set in sets])
        versions = Versions(speech, self.alignments, Augment(**self.recipe["augment"]), self.recipe["seed"], drawn, drawn_only)
        return encode_all(self.codec, versions, self.processes, AT_ONCE_ON_A_GPU if self.device.type == "cuda" else 1)


def speech_tokens(recipe: dict[str, Any], runs: Path, processes: int = 0) -> None:
    """Aligns and encodes what `tokens.pt` lacks of the recipe's `data`."""
    cache = runs / recipe["name"] / "tokens.pt"
    known = SpeechTokens.load(cache) if cache.exists() else None
    missing = set(recipe["data"]["sets"]) - (known.sets if known else set())
    undrawn = known.sets if known and recipe["augment"].get("clips_per_drawn") and not known.drawn else set()
    if missing or undrawn:
        make = TokenMaker(recipe, runs, processes)
        for sets, drawn_only in ((undrawn, True), (missing, False)):
            if sets:
                made = make(sets, drawn_only=drawn_only)
                known = known.with_more(made) if known else made
        known.save(cache)


def draw_file(recipe: dict[str, Any], runs: Path, n: int) -> Path:
    return runs / recipe["name"] / "draws" / f"{n}.pt"


def load_tokens(recipe: dict[str, Any], runs: Path, known: tuple[SpeechTokens, int] | None = None) -> tuple[SpeechTokens, int]:
    """`tokens.pt` and the draws that are there, and how many these are; of what is `known` only the draws that came since are read.

    Draws follow each other: one that is missing ends them.
    """
    tokens, n = known or (SpeechTokens.load(runs / recipe["name"] / "tokens.pt"), 0)
    while n < recipe.get("draws", 0) and draw_file(recipe, runs, n + 1).exists():
        n += 1
        tokens = tokens.with_more(SpeechTokens.load(draw_file(recipe, runs, n)))
    return tokens, n


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True, help="YAML file in training/recipes")
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), help="folder of run folders (default: $RESGEN_RUNS or runs)")
    p.add_argument("--processes", type=int, default=0, help="that change voices; 0 for this one alone")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a recipe entry, e.g. draws=4")
    args = p.parse_args()
    recipe, runs = load_recipe(args.recipe, args.set), Path(args.runs)
    torch.set_num_threads(1)
    speech_tokens(recipe, runs, args.processes)
    missing = [n for n in range(1, recipe.get("draws", 0) + 1) if not draw_file(recipe, runs, n).exists()]
    make = TokenMaker(recipe, runs, args.processes) if missing else None
    for n in missing:
        make(set(recipe["data"]["sets"]), n).save(draw_file(recipe, runs, n))


if __name__ == "__main__":
    main()

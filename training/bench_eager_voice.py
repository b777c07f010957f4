"""Times PyTorch eager saying a sentence, the other side of `node bench/speech.mjs`.

    python -m training.bench_eager_voice --recipe training/recipes/voice-resgen.yaml --random --steps 16 --phones 60 --prompt 400 --repeat 3 --threads 2

Prints one JSON line a repeat: milliseconds for lengths, sampling and decoding, the same work as the engine's `durations` and `speak`, and the seconds of sound.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import torch

from training.export_voice import random_models, trained_models
from training.phone_table import to_ids
from training.runner import load_recipe
from training.sampler import Sampling
from training.speech_sampler import sample_speech
from training.speech_tokens import from_durations

# As in bench/speech.ts, so that both sides say about as much.
WORDS = "_ DH AH0 _ K AE1 T _ S L IY1 P S".split()


@torch.inference_mode()
def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True)
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), type=Path)
    p.add_argument("--random", action="store_true", help="untrained weights of the same shapes")
    p.add_argument("--steps", type=int, default=16)
    p.add_argument("--phones", type=int, default=60)
    p.add_argument("--prompt", type=int, default=400, help="positions of the voice's clip")
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    recipe = load_recipe(args.recipe)
    codec, step, durations = random_models(recipe) if args.random else trained_models(recipe, args.runs)
    c, g = codec.config, step.generator.config
    settings = Sampling(**recipe["package"]["presets"]["balanced"]).with_(steps=args.steps)
    ids = to_ids(WORDS)
    phones = [ids[i % len(ids)] for i in range(args.phones)]
    prompt = torch.randint(c.V, (args.prompt, c.D), generator=torch.Generator().manual_seed(1))
    for seed in range(args.repeat + 1):
        start = time.perf_counter()
        ms = durations(torch.tensor([phones]), torch.zeros(1), torch.ones(1))[0]
        row = from_durations(phones, (ms.double() / 1000).tolist(), prompt, c.rate / c.samples_per_latent, g.frames_per_token)
        tokens = sample_speech(step, row, seed, settings)
        samples = codec.decode(tokens.unsqueeze(0).long())
        if seed > 0:
            print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "seconds": samples.shape[1] / c.rate}), flush=True)


if __name__ == "__main__":
    main()

"""Times PyTorch eager on a package's own weights, the other side of `npm run bench` (a).

    python -m training.bench_eager --recipe training/recipes/fruits-resgen.yaml --steps 24 --batch 4 --repeat 3 --threads 2

Prints one JSON line a repeat: milliseconds an image for the sampler with decoding, the same work as the engine's `generate`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import torch

from training.export import DecodeGraph, random_models, round_to_half, trained_models
from training.runner import load_recipe
from training.sampler import Sampling, Step, sample


@torch.inference_mode()
def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True)
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), type=Path)
    p.add_argument("--random", action="store_true", help="untrained weights of the same shapes")
    p.add_argument("--steps", type=int, default=24)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    recipe = load_recipe(args.recipe)
    tokenizer, generator, scale, sigma, classes = random_models(recipe) if args.random else trained_models(recipe, args.runs)
    round_to_half(tokenizer)
    round_to_half(generator)
    step, decode = Step(generator, tokenizer.quantiser.e_DVH, scale, sigma).eval(), DecodeGraph(tokenizer).eval()
    settings = Sampling(**recipe["package"]["presets"]["balanced"]).with_(steps=args.steps)
    depth = torch.full((args.batch, tokenizer.config.L), tokenizer.config.D)
    for i in range(args.repeat + 1):
        start = time.perf_counter()
        x = sample(step, [j % len(classes) for j in range(args.batch)], [100 * i + j for j in range(args.batch)], settings)
        decode(x, depth)
        if i > 0:
            print(json.dumps({"ms_per_image": (time.perf_counter() - start) * 1000 / args.batch}), flush=True)


if __name__ == "__main__":
    main()

"""Measures a trained picture model and writes `evaluation.json` into its run folder.

    python -m training.evaluate --recipe training/recipes/fruits-resgen.yaml --runs runs --threads 2

Every part is stored beside what it was measured of (checkpoint steps, counts, sampling settings) as soon as it is known. A second
call measures only what is missing or has changed, and goes on in the middle of a set of samples. The models are those that ship:
averaged weights rounded to float16.

How the comparison is kept fair. The pictures whose index within their class is 0 modulo 10 are *compared*: the validation
split and as many training pictures. All others are the *reference*. Real pictures, their reconstructions and samples are each
compared in the same number, with the same number of each class, against this one reference, because the Fréchet distance is biased by
the number of pictures and a picture must not find itself in the reference.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from training.card import bars
from training.data import VALIDATION_EVERY, Pictures, centre_crop, load_pictures
from training.export import DecodeGraph, EncodeGraph, round_to_half, trained_models
from training.judges import FeatureJudge, Gaussian, class_accuracy, fit_gaussian, frechet_distance, nearest, nearest_pixels, psnr, ssim
from training.runner import load_recipe
from training.sampler import Sampling, Step, sample
from training.sheet import save_sheet

COMPARED_EVERY = VALIDATION_EVERY // 2

SWEEPS: dict[str, list[Any]] = {
    "steps": [8, 16, 24, 32, 48, 64],
    "guidance_to": [0.0, 0.75, 1.5, 2.25, 3.0],
    "noise": [0.4, 0.55, 0.7, 0.85, 1.0],
    "top_p": [0.7, 0.8, 0.9, 0.95, 1.0],
    "reveal": ["confidence", "random"],
    "schedule": ["circle", "cosine", "exponential"],
}


class Figures:
    """`evaluation.json`: part name -> `{"of": what it was measured of, ...figures}`."""

    def __init__(self, path: Path):
        self.path = path
        self.parts: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}

    def part(self, name: str, of: dict[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The stored part if it was measured of the same things, else measures and stores it."""
        if self.parts.get(name, {}).get("of") != of:
            self.parts[name] = {"of": of, **measure()}
            partial = self.path.with_suffix(".partial")
            partial.write_text(json.dumps(self.parts, indent=1, ensure_ascii=False) + "\n")
            partial.replace(self.path)
            print(f"{name}: {_brief(self.parts[name])}", flush=True)
        return self.parts[name]


def _brief(part: dict[str, Any]) -> str:
    shown = {k: round(v, 4) if isinstance(v, float) else v for k, v in part.items() if isinstance(v, (int, float, str))}
    return json.dumps(shown or list(part)[1:])


class Evaluation:
    """A trained model, its pictures and its judge. `compared` and `reference` are picture indices (see the module's docstring)."""

    def __init__(self, recipe: dict[str, Any], runs: Path, batch: int):
        self.recipe, self.batch = recipe, batch
        self.folder = runs / recipe["name"]
        tokenizer, generator, scale, sigma, self.classes = trained_models(recipe, runs)
        for module in (tokenizer, generator):
            round_to_half(module)
        self.D = tokenizer.config.D
        self.step = Step(generator, tokenizer.quantiser.e_DVH, scale, sigma).eval()
        self.encode, self.decode = EncodeGraph(tokenizer), DecodeGraph(tokenizer)
        self.tokenizer_of = {"tokenizer": _checkpoint_step(runs / recipe["tokenizer"])}
        if "decoder" in recipe:
            self.tokenizer_of["decoder"] = _checkpoint_step(runs / recipe["decoder"])
        self.model_of = self.tokenizer_of | {"generator": _checkpoint_step(self.folder)}

        pictures = load_pictures(recipe["data"], tokenizer.config.size)
        self.pictures = dataclasses.replace(pictures, pixels_NHWC=centre_crop(pictures.pixels_NHWC, tokenizer.config.size))
        place = place_in_class(self.pictures.label_N)
        self.compared = interleave(self.pictures, (place % COMPARED_EVERY == 0).nonzero().squeeze(1))
        self.reference = (place % COMPARED_EVERY != 0).nonzero().squeeze(1)
        self.training = (place % VALIDATION_EVERY != 0).nonzero().squeeze(1)
        self.validation = (place % VALIDATION_EVERY == 0).nonzero().squeeze(1)
        self.judge = FeatureJudge()
        self._gaussian: Gaussian | None = None
        self._features: torch.Tensor | None = None

    @property
    def features(self) -> torch.Tensor:
        """Judge features `[N, 1280]` of every picture, cached in the run folder."""
        if self._features is None:
            self._features = cached_features(self.folder / "judge-features.pt", self.pictures, self.judge)
        return self._features

    @property
    def gaussian(self) -> Gaussian:
        if self._gaussian is None:
            self._gaussian = fit_gaussian(self.features[self.reference])
        return self._gaussian

    @torch.inference_mode()
    def pixels(self, x_NLD: torch.Tensor, depth: int | None = None, name: str = "") -> torch.Tensor:
        """uint8 `[N, S, S, 3]` of tokens."""
        batches = tqdm(x_NLD.split(self.batch), desc=f"decoding {name}", unit="batch", mininterval=2, leave=False)
        return torch.cat([self.decode(x.int(), torch.full(x.shape[:2], depth or self.D)) for x in batches])

    @torch.inference_mode()
    def tokens(self, pixels_NHWC: torch.Tensor) -> torch.Tensor:
        batches = tqdm(pixels_NHWC.split(self.batch), desc="encoding", unit="batch", mininterval=2, leave=False)
        return torch.cat([self.encode(p)[0] for p in batches])

    def samples(self, s: Sampling, count: int) -> tuple[torch.Tensor, float]:
        """Tokens int16 `[count, L, D]` and the seconds that one picture took.

        Picture `i` is of class `i mod C` with seed `i`, whatever the batch. Kept in the run folder batch by batch, so that an interrupted
        evaluation goes on where it was.
        """
        digest = hashlib.sha256(json.dumps(dataclasses.asdict(s), sort_keys=True).encode()).hexdigest()[:12]
        path = self.folder / "evaluation" / f"step-{self.model_of['generator']}" / f"{digest}.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        empty = {"x": torch.empty(0, self.step.generator.config.L, self.D, dtype=torch.int16), "seconds": 0.0}
        kept = torch.load(path, weights_only=True) if path.exists() else empty
        x, seconds = kept["x"], kept["seconds"]
        with tqdm(total=count, initial=min(len(x), count), desc=f"sampling, {s.steps} steps", unit="picture", mininterval=2, leave=False) as bar:
            while len(x) < count:
                index = list(range(len(x), min(len(x) + self.batch, count)))
                start = time.perf_counter()
                fresh = sample(self.step, [i % len(self.classes) for i in index], index, s)
                seconds += time.perf_counter() - start
                x = torch.cat([x, fresh.to(torch.int16)])
                torch.save({"x": x, "seconds": seconds}, path)
                bar.update(len(index))
        return x[:count], seconds / len(x)

    def judged(self, f_Nd: torch.Tensor, label_N: torch.Tensor, counts: list[int]) -> dict[str, Any]:
        """Fréchet distance and class accuracy of the first `count` pictures, for each count, and the accuracy by class of all."""
        index_N, _ = nearest(f_Nd, self.features[self.reference])
        right = (self.pictures.label_N[self.reference][index_N] == label_N).double()
        by_class = torch.zeros(len(self.classes), dtype=torch.float64).index_add_(0, label_N, right)
        return {
            "figures": {
                str(count): {"frechet": frechet_distance(f_Nd[:count], self.gaussian), "accuracy": float(right[:count].mean())} for count in counts
            },
            "accuracy_by_class": (by_class / torch.bincount(label_N, minlength=len(self.classes)).clamp(min=1)).tolist(),
        }


def cached_features(path: Path, pictures: Pictures, judge: FeatureJudge) -> torch.Tensor:
    """Judge features `[N, 1280]` of the pictures, from `path` if they are those of the same pictures."""
    of = {"names": pictures.names, "size": pictures.pixels_NHWC.shape[1]}
    saved = torch.load(path, weights_only=True) if path.exists() else {}
    if saved.get("of") != of:
        saved = {"of": of, "features": judge.features(pictures.pixels_NHWC, "all real pictures")}
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(saved, path)
    return saved["features"]


def _checkpoint_step(folder: Path) -> int:
    return torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True, mmap=True)["step"]


def place_in_class(label_N: torch.Tensor) -> torch.Tensor:
    """Index `[N]` of each picture within its class, as `data.split` counts."""
    place = torch.zeros_like(label_N)
    for c in label_N.unique():
        where = (label_N == c).nonzero().squeeze(1)
        place[where] = torch.arange(len(where))
    return place


def interleave(pictures: Pictures, index: torch.Tensor) -> torch.Tensor:
    """Reorders picture indices so that the first `m C` are `m` of each class, drawn at random (seeded).

    Files of a class may be in an order (Fruits-360: frames of one turn), of which the first few would show one side only.
    """
    shuffled = index[torch.randperm(len(index), generator=torch.Generator().manual_seed(0))]
    place = place_in_class(pictures.label_N[shuffled])
    return shuffled[(place * len(pictures.classes) + pictures.label_N[shuffled]).argsort()]


def measure_depths(e: Evaluation) -> dict[str, Any]:
    """PSNR and SSIM of the validation pictures decoded from their first 1..D depths."""
    real = e.pictures.pixels_NHWC[e.validation]
    x, rows = e.tokens(real), []
    shown = torch.linspace(0, len(real) - 1, 12).long()
    tiles = [real[shown]]
    for depth in range(1, e.D + 1):
        decoded = e.pixels(x, depth, f"depth {depth}")
        similarity = torch.cat([ssim(a, b) for a, b in zip(decoded.split(64), real.split(64))])
        rows.append({"depth": depth, "psnr": float(psnr(decoded, real).mean()), "ssim": float(similarity.mean())})
        if depth in (1, 2, 4, 8, e.D):
            tiles.append(decoded[shown])
    _save_tiles(e, "depths", torch.cat(tiles), len(shown))
    return {"count": len(real), "depths": rows}


def measure_real(e: Evaluation, counts: list[int]) -> dict[str, Any]:
    """The compared pictures themselves, and the accuracy of the validation split alone."""
    index = e.compared[: max(counts)]
    alone = class_accuracy(e.features[e.validation], e.pictures.label_N[e.validation], e.features[e.reference], e.pictures.label_N[e.reference])
    return e.judged(e.features[index], e.pictures.label_N[index], counts) | {"validation_accuracy": alone, "validation_count": len(e.validation)}


def measure_reconstructions(e: Evaluation, counts: list[int]) -> dict[str, Any]:
    index = e.compared[: max(counts)]
    decoded = e.pixels(e.tokens(e.pictures.pixels_NHWC[index]), name="reconstructions")
    return e.judged(e.judge.features(decoded, "reconstructions"), e.pictures.label_N[index], counts)


def measure_samples(e: Evaluation, s: Sampling, counts: list[int]) -> dict[str, Any]:
    x, seconds = e.samples(s, max(counts))
    f = e.judge.features(e.pixels(x, name="samples"), "samples")
    label = torch.arange(len(x)) % len(e.classes)
    return e.judged(f, label, counts) | {"seconds_per_picture": seconds}


def measure_memorisation(e: Evaluation, s: Sampling, count: int) -> dict[str, Any]:
    """How near samples come to training pictures, beside how near validation pictures come to them.

    `pixels`: RMS difference in 8-bit levels at 32 px to the nearest training picture, either way round. `codes`: share of equal codes in the
    first quarter of the depths with the most similar training picture, either way round.
    """
    x, _ = e.samples(s, count)
    pixels, real = e.pixels(x, name="samples"), e.pictures.pixels_NHWC
    training, validation = e.training, e.validation[torch.linspace(0, len(e.validation) - 1, min(count, len(e.validation))).long()]

    by_pixels, distance = _nearest_either_way(pixels, real[training])
    _, distance_validation = _nearest_either_way(real[validation], real[training])
    # As photographed, then mirrored: what the generator saw.
    codes_training = torch.load(e.folder / "tokens.pt", weights_only=True, mmap=True)["x"].flatten(0, 1)
    depths = max(1, e.D // 4)
    same = _most_equal_codes(x[..., :depths], codes_training[..., :depths])
    same_validation = _most_equal_codes(e.tokens(real[validation])[..., :depths], codes_training[..., :depths])

    f = e.judge.features(pixels, "samples")
    by_features, cosine = nearest(f, e.features[training])
    spread = torch.linspace(0, len(x) - 1, min(20, len(x))).long()
    closest = distance.argsort()[: len(spread)]
    tiles = [t for chosen in (spread, closest) for t in (pixels[chosen], real[training[by_features[chosen]]], real[training[by_pixels[chosen]]])]
    _save_tiles(e, "nearest-training", torch.cat(tiles), len(spread))
    return {
        "count": len(x),
        "validation_count": len(validation),
        "code_depths": depths,
        "pixels": {"samples": _quantiles(distance), "validation": _quantiles(distance_validation)},
        "codes": {"samples": _quantiles(same), "validation": _quantiles(same_validation)},
        "cosine": {"samples": _quantiles(cosine)},
    }


def _nearest_either_way(pixels_NHWC: torch.Tensor, reference_MHWC: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    (i, d), (i_mirrored, d_mirrored) = (nearest_pixels(p, reference_MHWC) for p in (pixels_NHWC, pixels_NHWC.flip(2)))
    return torch.where(d <= d_mirrored, i, i_mirrored), torch.minimum(d, d_mirrored)


def _most_equal_codes(x_NLD: torch.Tensor, reference_MLD: torch.Tensor) -> torch.Tensor:
    """Share `[N]` of equal codes with the reference item that shares most."""
    reference = reference_MLD.to(torch.int16).flatten(1).contiguous()
    rows = tqdm(x_NLD.to(torch.int16).flatten(1), desc="comparing codes", unit="picture", mininterval=2, leave=False)
    return torch.stack([(reference == row).sum(1).max() for row in rows]) / reference.shape[1]


def _quantiles(values: torch.Tensor) -> dict[str, float]:
    q = torch.quantile(values.double(), torch.tensor([0.0, 0.05, 0.5, 0.95, 1.0], dtype=torch.float64))
    return dict(zip(("min", "p5", "median", "p95", "max"), q.tolist()))


def sheet_of_classes(e: Evaluation, s: Sampling, per_class: int = 8, classes: int = 20) -> dict[str, Any]:
    """The first `per_class` samples of `classes` classes spread over the list, a row each, never chosen by eye."""
    C = len(e.classes)
    shown = torch.linspace(0, C - 1, min(classes, C)).long().tolist()
    x, _ = e.samples(s, C * per_class)
    index = torch.tensor([[c + C * i for i in range(per_class)] for c in shown]).flatten()
    _save_tiles(e, "samples", e.pixels(x[index], name="sheet"), per_class)
    return {"classes": [e.classes[c] for c in shown], "per_class": per_class}


def _save_tiles(e: Evaluation, name: str, pixels_NHWC: torch.Tensor, columns: int) -> None:
    path = e.folder / "evaluation" / f"{name}.png"
    save_sheet(path, pixels_NHWC.permute(0, 3, 1, 2).float() / 127.5 - 1, columns)


def default_sampling(recipe: dict[str, Any]) -> Sampling:
    """The preset that the studio chooses by itself, else the recipe's own settings."""
    presets = recipe.get("package", {}).get("presets", {})
    return Sampling(**presets.get("balanced", recipe["sampling"]))


def evaluate(e: Evaluation, figures: Figures, count: int, sweep_count: int, parts: list[str]) -> None:
    s = default_sampling(e.recipe)
    counts = sorted({count, sweep_count})
    data_of = {"pictures": len(e.pictures), "counts": counts}
    chosen = lambda name: not parts or name in parts  # noqa: E731

    if chosen("depths"):
        figures.part("depths", e.tokenizer_of, lambda: measure_depths(e))
    if chosen("real"):
        figures.part("real", data_of, lambda: measure_real(e, counts))
    if chosen("reconstructions"):
        figures.part("reconstructions", e.tokenizer_of | data_of, lambda: measure_reconstructions(e, counts))
    of = e.model_of | {"sampling": dataclasses.asdict(s)}
    if chosen("samples"):
        figures.part("sheet", of, lambda: sheet_of_classes(e, s))
        figures.part("samples", of | data_of, lambda: measure_samples(e, s, counts))
    if chosen("memorisation"):
        figures.part("memorisation", of | {"count": sweep_count}, lambda: measure_memorisation(e, s, sweep_count))
    for knob, values in SWEEPS.items():
        if not chosen(knob):
            continue
        for value in values:
            varied = s.with_(**{knob: value})
            of = e.model_of | {"sampling": dataclasses.asdict(varied), "counts": [sweep_count]}
            figures.part(f"sweep.{knob}.{value}", of, lambda: measure_samples(e, varied, [sweep_count]))


def main() -> None:
    names = ["depths", "real", "reconstructions", "samples", "memorisation", *SWEEPS]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True, help="YAML file of the generator in training/recipes")
    p.add_argument("--runs", type=Path, default=Path(os.environ.get("RESGEN_RUNS", "runs")), help="folder of run folders (default: $RESGEN_RUNS or runs)")
    p.add_argument("--threads", type=int, default=1, help="CPU threads; use 1 when anything else runs on the machine")
    p.add_argument("--batch", type=int, default=16, help="pictures sampled and decoded at a time; 16 is fastest where caches are small")
    p.add_argument("--samples", type=int, default=2020, help="samples compared with as many real pictures and reconstructions")
    p.add_argument("--sweep-samples", type=int, default=505, help="samples for each setting of a sweep")
    p.add_argument("--quick", action="store_true", help="505 samples and 101 for each setting: a look, not figures for a card")
    p.add_argument("--parts", type=lambda text: text.split(","), default=[], help=f"only these, of {','.join(names)}")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a recipe entry")
    args = p.parse_args()
    unknown = set(args.parts) - set(names)
    if unknown:
        raise SystemExit(f"--parts has no {', '.join(sorted(unknown))}; use some of {', '.join(names)}.")
    torch.set_num_threads(args.threads)

    e = Evaluation(load_recipe(args.recipe, args.set), args.runs, args.batch)
    count, sweep_count = (505, 101) if args.quick else (args.samples, args.sweep_samples)
    if count > len(e.compared):
        print(f"Comparing {len(e.compared)} pictures instead of {count}: the data has no more to compare with.")
        count = len(e.compared)
    name = "evaluation-quick.json" if args.quick else "evaluation.json"
    figures = Figures(e.folder / name)
    evaluate(e, figures, count, min(sweep_count, count), args.parts)
    for bar in bars(figures.parts):
        print(f"{'met' if bar.met else 'NOT MET':8} {bar.name}: {bar.measured} (asked: {bar.asked})")
    print(f"Figures: {figures.path}. Next: python -m training.card --recipe {args.recipe} --runs {args.runs}")


if __name__ == "__main__":
    main()

"""Writes the model card of a package from what was measured, and its plots.

    python -m training.card --recipe training/recipes/fruits-resgen.yaml --runs runs

Makes `docs/models/<package id>/card.md` (plain text and tables, the one that ships in the package), `README.md` beside it with the
plots, and the sheets. Nothing in it is typed by hand: run `training.evaluate` again and then this.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from training.runner import load_recipe, machine

PAUSE_S = 900

MIT_NOTICE = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


@dataclass(frozen=True)
class DataSet:
    """What a card says of the data; `notice` is the licence text that has to travel with the model."""

    description: str
    licence: str
    notice: str
    limits: list[str]


DATA_SETS = {
    "fruits-100px.zip": DataSet(
        description="Fruits-360, version 2019.05.06: photographs of single fruits and vegetables turning before a white ground, 100 x 100 px, "
        "200 of each of 101 classes. Pictures were cropped to 96 px; the tokenizer also saw them mirrored.",
        licence="MIT",
        notice=f"Fruits-360 is Copyright (c) 2017-2019 Horea Muresan, Mihai Oltean, under the MIT licence:\n\n{MIT_NOTICE}",
        limits=[
            "It knows 101 classes, one whole fruit or vegetable in the middle of a white ground, and nothing else: no scenes, no text, no people.",
            "Neighbouring frames of one turning fruit are in both the training and the validation split, so validation figures say how well this "
            "data set is covered, not how other photographs of fruit would fare.",
            "Several classes differ little to the eye (kinds of apple, cherry, pear, tomato); samples of one may look like another.",
        ],
    )
}


@dataclass(frozen=True)
class Bar:
    name: str
    asked: str
    measured: str
    met: bool


def bars(parts: dict[str, Any]) -> list[Bar]:
    """The bars that a shipped picture package must hold, as far as they were measured."""
    found = []
    if "depths" in parts:
        psnr = [row["psnr"] for row in parts["depths"]["depths"]]
        found.append(Bar("PSNR at full depth", "at least 30 dB", f"{psnr[-1]:.2f} dB", psnr[-1] >= 30))
        rises = [b - a for a, b in zip(psnr, psnr[1:])]
        found.append(Bar("PSNR rises at every depth", "yes", f"smallest rise {min(rises):+.3f} dB", min(rises) > 0))
    if {"real", "reconstructions", "samples"} <= parts.keys():
        count = common_count(parts)
        real, reconstructions, samples = (parts[name]["figures"][count] for name in ("real", "reconstructions", "samples"))
        share = samples["accuracy"] / real["accuracy"]
        found.append(Bar("Class accuracy of samples", "at least 90 % of that of real pictures", f"{100 * share:.1f} %", share >= 0.9))
        ratio = samples["frechet"] / reconstructions["frechet"]
        found.append(Bar("Fréchet distance of samples", "at most 3 x that of reconstructions", f"{ratio:.2f} x", ratio <= 3))
    return found


def common_count(parts: dict[str, Any]) -> str:
    """The largest number of pictures for which real pictures, reconstructions and samples were all measured, as the key of `figures`."""
    shared = set.intersection(*(set(parts[name]["figures"]) for name in ("real", "reconstructions", "samples")))
    return max(shared, key=int)


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def hours_of_training(log: dict[str, list[tuple[int, int, float]]]) -> float:
    """From the log's times, pauses of more than a quarter of an hour left out."""
    times = sorted({row[1] for rows in log.values() for row in rows})
    return sum(b - a for a, b in zip(times, times[1:]) if b - a < PAUSE_S) / 3600


@dataclass
class Facts:
    """What a card is made from, beside the evaluation."""

    recipe: dict[str, Any]
    tokenizer_recipe: dict[str, Any]
    steps: dict[str, int]
    parameters: dict[str, int]
    hours: dict[str, float]
    validation_loss: float | None
    machine: str
    decoder_recipe: dict[str, Any] | None = None


def gather(recipe: dict[str, Any], runs: Path, trained_on: str) -> Facts:
    from training.plots import read_log

    steps, parameters, hours, recipes = {}, {}, {}, {}
    names = {"tokenizer": recipe["tokenizer"], "generator": recipe["name"]} | ({"decoder": recipe["decoder"]} if "decoder" in recipe else {})
    for stage, name in names.items():
        saved = torch.load(runs / name / "checkpoint.pt", map_location="cpu", weights_only=True, mmap=True)
        used_only_in_training = ("count_DV", "sum_DVH", "initialised")
        parameters[stage] = sum(t.numel() for key, t in saved["state"]["ema"].items() if not key.endswith(used_only_in_training))
        # What went before a run that began from a package's weights is known from that package's card.
        before = recipe.get("earlier", {}).get(stage, {"steps": 0, "hours": 0.0})
        steps[stage], recipes[stage] = saved["step"] + before["steps"], saved["recipe"]
        hours[stage] = hours_of_training(read_log(runs / name / "log.csv")) + before["hours"]
    validation = read_log(runs / recipe["name"] / "log.csv").get("validation_loss_per_dim")
    loss = validation[-1][2] if validation else recipe.get("earlier", {}).get("generator", {}).get("validation_loss")
    return Facts(
        recipes["generator"] | {"package": recipe["package"]}, recipes["tokenizer"], steps, parameters, hours, loss, trained_on, recipes.get("decoder")
    )


def card(facts: Facts, parts: dict[str, Any], classes: list[str]) -> str:
    """The card's Markdown."""
    recipe, package, t = facts.recipe, facts.recipe["package"], facts.tokenizer_recipe["model"]
    data_name = Path(recipe["data"]).name
    data = DATA_SETS.get(data_name) or DataSet(f"`{data_name}`, {len(classes)} classes.", "that of its owner", "", [])
    grid = t["size"] // (t["strides"][0] * t["strides"][1])
    blocks = [
        f"# {package['title']}",
        package["description"],
        f"A ResGen model (Kim et al., ICML 2025, arXiv 2412.10208) trained by this project from nothing but the data named below. "
        f"A picture of {t['size']} px is {grid} x {grid} positions of {t['D']} residual tokens; the generator predicts, for masked tokens of all depths "
        "at once, the sum of their embeddings, as a mixture of Gaussians.",
        *_view_section(recipe["model"]),
        *_decoder_section(facts),
        "## Model",
        table(
            ["", "tokenizer (RQ-VAE)", "generator (ResGen)"],
            [
                ["size", f"{t['V']} codes a depth, width {t['H']}", _sizes(recipe["model"])],
                ["parameters", *(f"{facts.parameters[s] / 1e6:.1f} M" for s in ("tokenizer", "generator"))],
                ["steps", *(f"{facts.steps[s]:,} of {b}" for s, b in (("tokenizer", facts.tokenizer_recipe["batch"]), ("generator", recipe["batch"])))],
                ["hours", *(f"{facts.hours[s]:.1f}" for s in ("tokenizer", "generator"))],
            ],
        ),
        f"Trained on {facts.machine}, shared with other work, so the hours are an upper bound. Weights are exponential moving averages, "
        "rounded to float16 for the package; every figure below was measured with the rounded weights."
        + (f" Validation loss of the generator: {facts.validation_loss:.3f} per dimension." if facts.validation_loss is not None else ""),
        "## Data",
        f"{data.description} Licence: {data.licence}.",
        "Within each class the pictures whose index is 0 modulo 20 were held out for validation.",
        "The tokenizer's training also used features of EfficientNet-lite0 (Apache-2.0, trained on ImageNet) as a measure of distance; its weights "
        "are not part of the package.",
        "## Bars",
        table(["bar", "asked", "measured", ""], [[b.name, b.asked, b.measured, "met" if b.met else "**not met**"] for b in bars(parts)]),
        *_depth_section(parts),
        *_comparison_section(parts, classes),
        *_sweep_section(parts),
        *_memorisation_section(parts),
        "## Limits",
        "\n".join(
            f"- {limit}"
            for limit in [
                *data.limits,
                f"{t['size']} px is small, and the tokenizer's own reconstruction (table above) bounds how sharp a sample can be.",
                "The judge was trained on ImageNet and sees texture and colour more than shape; its figures compare settings of this model and "
                "are not comparable with FID values of other work (other network, other number of pictures).",
            ]
        ),
        "## Intended use",
        "Trying out generation and editing of residual tokens, teaching, and tests of the studio. Not for telling plants apart, for judging food or for "
        "anything where a picture is taken as evidence: samples are invented.",
        "## Licence",
        f"{package['licence']}\n\n{data.notice}".strip(),
    ]
    return "\n\n".join(blocks) + "\n"


def _view_section(m: dict[str, int]) -> list[str]:
    if not m.get("views"):
        return []
    return [
        "The pictures of a class are frames of a film, in order. Beside the class the generator is told the place on that film, its view, which the seed draws "
        f"uniformly: {m['views']} knots a class, linear between them, begun from the principal components of the training tokens and trained along. "
        "Where tokens are given (edits) the view is left unknown."
    ]


def _decoder_section(facts: Facts) -> list[str]:
    if facts.decoder_recipe is None:
        return []
    batch = sum(facts.decoder_recipe["batch"].values())
    return [
        f"With encoder and codebooks at rest, the decoder was taught on for {facts.steps['decoder']:,} steps of {batch} ({facts.hours['decoder']:.1f} hours) to make clean pictures "
        "of tokens that the generator made: real tokens with the finer ones redrawn by it, and whole samples (other seeds than those measured below). "
        "Beside the distance to the real picture, a critic on features of EfficientNet-lite0 and a nearest-neighbour measure of class on the last features of lite0 and lite1 told "
        "it what is missing. The judge below is EfficientNet-lite2: another network, but of the same family and training data, so its figures flatter this decoder more than a stranger's would."
    ]


def _sizes(m: dict[str, int]) -> str:
    return f"{m['blocks']} blocks of width {m['width']}, {m['K']} components of rank {m['rank']}"


def _depth_section(parts: dict[str, Any]) -> list[str]:
    if "depths" not in parts:
        return []
    rows = [[str(r["depth"]), f"{r['psnr']:.2f}", f"{r['ssim']:.4f}"] for r in parts["depths"]["depths"]]
    return [
        "## Reconstruction by depth",
        f"{parts['depths']['count']:,} validation pictures, encoded, and decoded from their first depths alone (means over pictures).",
        table(["depths", "PSNR in dB", "SSIM"], rows),
    ]


def _comparison_section(parts: dict[str, Any], classes: list[str]) -> list[str]:
    if not {"real", "reconstructions", "samples"} <= parts.keys():
        return []
    count = common_count(parts)
    rows = []
    for name in ("real", "reconstructions", "samples"):
        figures = parts[name]["figures"][count]
        rows.append([name if name != "real" else "real pictures", f"{figures['frechet']:.2f}", f"{100 * figures['accuracy']:.1f} %"])
    s = parts["samples"]["of"]["sampling"]
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in s.items())
    worst = sorted(zip(parts["samples"]["accuracy_by_class"], classes))[:5]
    return [
        "## Samples",
        f"{int(count):,} pictures of each kind, {int(count) // len(classes)} of each class, all compared with the same training pictures, none of which is "
        "among the pictures compared (half of these are validation pictures, half training pictures set aside from the reference). Judge: 1,280 pooled "
        "features of EfficientNet-lite2 (Apache-2.0, ImageNet; not used in training) at 128 px. Fréchet distance between the Gaussians of "
        "the features; accuracy: share whose nearest training picture by cosine has the right class.",
        table(["", "Fréchet distance", "class accuracy"], rows),
        f"The {parts['real']['validation_count']:,} validation pictures alone: {100 * parts['real']['validation_accuracy']:.1f} %.",
        f"Sampling settings: {settings}.",
        "Classes whose samples were most often nearest to another class: " + ", ".join(f"{c} ({100 * a:.0f} % right)" for a, c in worst) + ".",
    ]


def _sweep_section(parts: dict[str, Any]) -> list[str]:
    from training.plots import sweep_rows

    knobs = list(dict.fromkeys(name.split(".")[1] for name in parts if name.startswith("sweep.")))
    if not knobs:
        return []
    rows = [
        [knob.replace("_", " "), value, f"{f['frechet']:.2f}", f"{100 * f['accuracy']:.1f} %", f"{f['seconds']:.2f}"]
        for knob in knobs
        for value, f in sweep_rows(parts, knob)
    ]
    count = next(iter(next(part for name, part in parts.items() if name.startswith("sweep."))["figures"]))
    reference = [
        f"{name} {part['figures'][count]['frechet']:.2f} and {100 * part['figures'][count]['accuracy']:.1f} %"
        for name, part in parts.items()
        if name in ("real", "reconstructions") and count in part["figures"]
    ]
    return [
        "## Settings",
        f"One setting changed at a time, the others as above, {count} samples each with the same seeds. A Fréchet distance of so few pictures is larger than "
        "that of many: compare within this table only" + (f" (same number of pictures: {', '.join(reference)})." if reference else "."),
        table(["setting", "value", "Fréchet distance", "class accuracy", "seconds a picture (PyTorch, CPU)"], rows),
    ]


def _memorisation_section(parts: dict[str, Any]) -> list[str]:
    if "memorisation" not in parts:
        return []
    m = parts["memorisation"]
    rows = []
    for measure, label, form in (
        ("pixels", "RMS difference to the nearest training picture, 8-bit levels at 32 px", "{:.1f}"),
        ("codes", f"share of equal codes in the first {m['code_depths']} depths with the most similar training picture", "{:.2f}"),
    ):
        for kind in ("samples", "validation"):
            rows.append([label, kind, *(form.format(m[measure][kind][q]) for q in ("min", "p5", "median", "p95", "max"))])
    nearer = m["pixels"]["samples"]["median"] < m["pixels"]["validation"]["median"]
    verdict = (
        "Samples come nearer to training pictures than validation pictures do: read this as a sign of copying."
        if nearer
        else "Samples are not nearer to training pictures than unseen real pictures are."
    )
    return [
        "## Does it copy its training pictures?",
        f"{m['count']} samples and {m['validation_count']} validation pictures against all training pictures, either way round. {verdict}",
        table(["measure", "of", "min", "5 %", "median", "95 %", "max"], rows),
    ]


PLOTS_PAGE = """# Figures of the package {id}

All numbers and how they were measured: [card](card.md). Made by `python -m training.card`; nothing here is edited by hand.

Eight samples of each of twenty classes, seeds in order, none left out:

![Samples](samples.webp)

Validation pictures (first row) decoded from their first 1, 2, 4, 8 and all depths:

![Reconstruction by depth](depths.webp)

![PSNR and SSIM by depth](depths.svg)

Does it copy? Twenty samples spread over the classes, then the twenty that come nearest to a training picture; below each the nearest training picture by features and
by pixels:

![Nearest training pictures](nearest-training.webp)

Settings:

![Sweeps](sweeps.svg)

Training:

![Training](training.svg)
"""


def main() -> None:
    from training import plots

    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True, help="YAML file of the generator in training/recipes")
    p.add_argument("--runs", type=Path, default=Path(os.environ.get("RESGEN_RUNS", "runs")))
    p.add_argument("--out", type=Path, help="default: docs/models/<package id>")
    p.add_argument("--machine", default=machine(), help="what it was trained on, if not on this machine (default here: %(default)s)")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a recipe entry")
    args = p.parse_args()
    recipe = load_recipe(args.recipe, args.set)
    folder, out = args.runs / recipe["name"], args.out or Path("docs/models") / recipe["package"]["id"]
    if not (folder / "evaluation.json").exists():
        raise SystemExit(f"There is no {folder / 'evaluation.json'}. Measure first: python -m training.evaluate --recipe {args.recipe}")
    parts = json.loads((folder / "evaluation.json").read_text())
    classes = torch.load(folder / "tokens.pt", weights_only=True, mmap=True)["classes"]

    out.mkdir(parents=True, exist_ok=True)
    (out / "card.md").write_text(card(gather(recipe, args.runs, args.machine), parts, classes))
    (out / "README.md").write_text(PLOTS_PAGE.format(id=recipe["package"]["id"]))
    for sheet in (folder / "evaluation").glob("*.png"):
        Image.open(sheet).save(out / f"{sheet.stem}.webp", quality=90, method=6)
    if "depths" in parts:
        plots.plot_depths(parts, out / "depths.svg")
    knobs = list(dict.fromkeys(name.split(".")[1] for name in parts if name.startswith("sweep.")))
    plots.plot_sweeps(parts, knobs, out / "sweeps.svg")
    logs = args.runs / recipe["tokenizer"] / "log.csv", folder / "log.csv"
    # Runs that began from a package have no logs of what went before; the plot of that time says more than an empty one.
    if all(log.exists() for log in logs):
        plots.plot_training(*logs, out / "training.svg")
    for bar in bars(parts):
        print(f"{'met' if bar.met else 'NOT MET':8} {bar.name}: {bar.measured} (asked: {bar.asked})")
    print(f"{out}/card.md. Next: python -m training.export --recipe {args.recipe} --card {out}/card.md --out resources/models/{recipe['package']['id']}")


if __name__ == "__main__":
    main()

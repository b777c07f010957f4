"""Plots of `evaluation.json` and of the training logs, as SVG that is the same every time it is drawn from the same figures."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {"svg.hashsalt": "resgen", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "font.size": 9}
)

import matplotlib.pyplot as plt  # noqa: E402 (the backend comes first)

FIRST, SECOND = "#2563a8", "#b4541a"


def read_log(path: Path) -> dict[str, list[tuple[int, int, float]]]:
    """Name -> (step, Unix time, value) rows of a run's `log.csv`; a step that a resumed run repeated counts as it was last."""
    by_name: dict[str, dict[int, tuple[int, int, float]]] = {}
    if path.exists():
        with path.open(newline="") as f:
            for step, at, name, value in csv.reader(f):
                by_name.setdefault(name, {})[int(step)] = (int(step), int(at), float(value))
    return {name: [rows[step] for step in sorted(rows)] for name, rows in by_name.items()}


def sweep_rows(parts: dict[str, Any], knob: str) -> list[tuple[str, dict[str, float]]]:
    """(value as text, figures with `seconds`) of a sweep, in the order measured."""
    rows = []
    for name, part in parts.items():
        if name.startswith(f"sweep.{knob}."):
            (figures,) = part["figures"].values()
            rows.append((name.split(".", 2)[2], figures | {"seconds": part["seconds_per_picture"]}))
    return rows


def plot_depths(parts: dict[str, Any], path: Path) -> None:
    rows = parts["depths"]["depths"]
    depth = [r["depth"] for r in rows]
    figure, left = plt.subplots(figsize=(5, 3))
    right = left.twinx()
    left.plot(depth, [r["psnr"] for r in rows], "o-", color=FIRST, markersize=4)
    right.plot(depth, [r["ssim"] for r in rows], "s--", color=SECOND, markersize=4)
    left.set(xlabel="depths decoded", xticks=depth)
    left.set_ylabel("PSNR in dB", color=FIRST)
    right.set_ylabel("SSIM", color=SECOND)
    right.grid(False)
    _save(figure, path)


def plot_sweeps(parts: dict[str, Any], knobs: list[str], path: Path) -> None:
    """Fréchet distance above, class accuracy below, a column for each knob."""
    shown = [(knob, rows) for knob in knobs if (rows := sweep_rows(parts, knob))]
    if not shown:
        return
    figure, axes = plt.subplots(2, len(shown), figsize=(2.3 * len(shown), 4), squeeze=False, sharey="row")
    for column, (knob, rows) in enumerate(shown):
        values = [value for value, _ in rows]
        style = "o-" if values[0].replace(".", "").isdigit() else "o"
        axes[0][column].plot(values, [f["frechet"] for _, f in rows], style, color=FIRST, markersize=4)
        axes[1][column].plot(values, [100 * f["accuracy"] for _, f in rows], style, color=SECOND, markersize=4)
        axes[1][column].set_xlabel(knob.replace("_", " "))
        for row in axes:
            row[column].tick_params(axis="x", rotation=30)
    axes[0][0].set_ylabel("Fréchet distance")
    axes[1][0].set_ylabel("class accuracy in %")
    _save(figure, path)


def plot_training(tokenizer_log: Path, generator_log: Path, path: Path) -> None:
    """PSNR of the tokenizer by depth and the generator's validation loss, over the steps."""
    tokenizer, generator = read_log(tokenizer_log), read_log(generator_log)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
    for name in sorted((n for n in tokenizer if n.startswith("psnr_")), key=lambda n: int(n[5:])):
        left.plot([r[0] for r in tokenizer[name]], [r[2] for r in tokenizer[name]], label=f"depth {name[5:]}")
    left.set(xlabel="step", ylabel="validation PSNR in dB", title="tokenizer")
    if left.lines:
        left.legend(fontsize=7)
    for name, colour, label in (("loss", FIRST, "training"), ("validation_loss_per_dim", SECOND, "validation")):
        rows = generator.get(name, [])
        right.plot([r[0] for r in rows], [r[2] for r in rows], color=colour, label=label, linewidth=0.8 if name == "loss" else 1.8)
    right.set(xlabel="step", ylabel="loss per dimension", title="generator")
    right.legend(fontsize=7)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)

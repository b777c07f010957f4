"""Measures what each depth of a picture package holds, for docs/inspector.md, from nothing but the package and some pictures.

    python -m training.inspector_numbers --package resources/models/fruits --data ../shared/data/fruits-100px.zip --into docs/inspector.md

Of every class it takes `--per-class` pictures spread evenly over its files, and puts every fourth of them aside to measure on. By depth:

- **PSNR** of a decode at that depth, against the picture that went in and against the decode at full depth.
- **Energy**: mean square of the depth's embeddings as a share of that of the sum of all depths.
- **Codes used** and **perplexity** over all pictures.
- **Class**: share of the pictures put aside whose class is guessed right by naive Bayes from the codes of this depth alone, and of all depths up
  to it. The guess knows nothing of pictures, so it is a floor for what the codes tell of the class.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
from safetensors.numpy import load_file

from training.data import PICTURE_SUFFIXES, centre_crop, load_pictures

START, END = "<!-- numbers -->", "<!-- /numbers -->"
ASIDE_EVERY = 4
SMOOTHING = 0.02
"""Added to the count of every code: without it one code that a class never had would rule the class out."""


def some_pictures(data: Path, per_class: int, size: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """pixels uint8 `[N, S, S, 3]`, label `[N]`, classes. Reads no more of the zip than it takes."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(data) as archive:
        by_class: dict[str, list[str]] = {}
        for name in sorted(archive.namelist()):
            if Path(name).suffix.lower() in PICTURE_SUFFIXES:
                by_class.setdefault(Path(name).parent.name, []).append(name)
        for class_name, names in by_class.items():
            (Path(folder) / class_name).mkdir()
            for n in np.linspace(0, len(names) - 1, min(per_class, len(names))).round().astype(int):
                (Path(folder) / class_name / Path(names[n]).name).write_bytes(archive.read(names[n]))
        pictures = load_pictures(folder, size)
        return centre_crop(pictures.pixels_NHWC, size).numpy(), pictures.label_N.numpy(), pictures.classes


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over the pictures, in dB; pictures that are equal are left out."""
    error = np.square(a.astype(np.float32) - b.astype(np.float32)).mean((1, 2, 3))
    return float((10 * np.log10(255**2 / error[error > 0])).mean()) if (error > 0).any() else float("inf")


def perplexity(codes: np.ndarray, V: int) -> float:
    share = np.bincount(codes.ravel(), minlength=V) / codes.size
    return float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()))


def class_scores(train: np.ndarray, label: np.ndarray, test: np.ndarray, V: int) -> np.ndarray:
    """Log likelihood of each test picture's codes at one depth under each class, `[N, C]`. `train` and `test` are `[N, L]`."""
    C, L = int(label.max()) + 1, train.shape[1]
    scores = np.zeros((len(test), C))
    for i in range(L):
        counts = np.full((C, V), SMOOTHING)
        np.add.at(counts, (label, train[:, i]), 1)
        scores += np.log(counts / counts.sum(1, keepdims=True)).T[test[:, i]]
    return scores


def open_graphs(package: Path, threads: int) -> tuple[ort.InferenceSession, ort.InferenceSession]:
    """The package's `encode` and `decode`."""
    files = json.loads((package / "model.json").read_text())["files"]
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    encode, decode = (ort.InferenceSession(str(package / files[graph]["path"]), options, providers=["CPUExecutionProvider"]) for graph in ("encode", "decode"))
    return encode, decode


def measure(package: Path, pixels: np.ndarray, label: np.ndarray, threads: int) -> list[dict[str, float]]:
    """A row a depth."""
    manifest = json.loads((package / "model.json").read_text())
    L, D, V = (manifest["tokens"][name] for name in ("L", "D", "V"))
    encode, decode = open_graphs(package, threads)
    tokens = np.concatenate([encode.run(["tokens"], {"pixels": pixels[n : n + 8]})[0] for n in range(0, len(pixels), 8)])
    e_DVH = load_file(package / manifest["files"]["codebooks"]["path"])["codebooks"].astype(np.float32)
    aside = np.arange(len(pixels)) % ASIDE_EVERY == 0
    # One of each class is enough for a mean over pictures.
    shown = [int(np.flatnonzero(aside & (label == c))[0]) for c in np.unique(label)]

    def decoded(depth: int) -> np.ndarray:
        batches = (tokens[shown[n : n + 8]] for n in range(0, len(shown), 8))
        return np.concatenate([decode.run(["pixels"], {"tokens": t, "depth": np.full(t.shape[:2], depth, np.int32)})[0] for t in batches])

    full = decoded(D)
    z = np.zeros((len(tokens), L, e_DVH.shape[2]), np.float32)
    for j in range(D):
        z += e_DVH[j][tokens[:, :, j]]
    total = float(np.square(z).mean())
    so_far = 0.0
    rows = []
    for j in range(D):
        at_depth = full if j == D - 1 else decoded(j + 1)
        scores = class_scores(tokens[~aside][:, :, j], label[~aside], tokens[aside][:, :, j], V)
        so_far = so_far + scores
        rows.append(
            {
                "depth": j + 1,
                "psnr": psnr(at_depth, pixels[shown]),
                "psnr_full": psnr(at_depth, full),
                "energy": float(np.square(e_DVH[j][tokens[:, :, j]]).mean()) / total,
                "used": int(len(np.unique(tokens[:, :, j]))),
                "perplexity": perplexity(tokens[:, :, j], V),
                "class_alone": float((scores.argmax(1) == label[aside]).mean()),
                "class_so_far": float((so_far.argmax(1) == label[aside]).mean()),
            }
        )
    return rows


def table(rows: list[dict[str, float]]) -> str:
    lines = [
        "| depth | PSNR to the picture, dB | PSNR to full depth, dB | energy | codes used | perplexity | class from this depth | class from depths 1 to this |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        to_full = f"{r['psnr_full']:.1f}" if np.isfinite(r["psnr_full"]) else "the same"
        lines.append(
            f"| {r['depth']} | {r['psnr']:.1f} | {to_full} | {100 * r['energy']:.1f} % | {r['used']} | {r['perplexity']:.0f} "
            f"| {100 * r['class_alone']:.0f} % | {100 * r['class_so_far']:.0f} % |"
        )
    return "\n".join(lines)


def write_between(page: Path, start: str, end: str, text: str) -> None:
    """Puts `text` between the two marks of the page."""
    before, rest = page.read_text().split(start)
    _, after = rest.split(end)
    page.write_text(f"{before}{start}\n\n{text}\n\n{end}{after}")


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--package", type=Path, default=Path("resources/models/fruits"))
    p.add_argument("--data", type=Path, required=True, help="zip of class folders with pictures")
    p.add_argument("--per-class", type=int, default=20)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--into", type=Path, help=f"page to write the table into, between {START} and {END}")
    args = p.parse_args()
    manifest = json.loads((args.package / "model.json").read_text())
    pixels, label, classes = some_pictures(args.data, args.per_class, manifest["image"]["size"])
    rows = measure(args.package, pixels, label, args.threads)
    aside = -(-len(pixels) // ASIDE_EVERY)
    of = f"{manifest['id']} {manifest['version']}, {len(pixels)} pictures of {len(classes)} classes, {aside} of them put aside; chance is {100 / len(classes):.0f} %."
    text = f"{of}\n\n{table(rows)}"
    print(text)
    if args.into:
        write_between(args.into, START, END, text)


if __name__ == "__main__":
    main()

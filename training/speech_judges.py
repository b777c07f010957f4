"""Judges of speech at 16 kHz: two recognisers, PESQ, STOI, DNSMOS, speaker similarity. For `training/` only, never in the product.

Packages and pins are in `requirements-speech.txt`; no hub is asked.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np

from training.speech_data import RATE

DNSMOS_SAMPLES = 144_160  # 9.01 s
# From raw outputs to the scale of listeners (DNS-Challenge, P.835, not personalised): highest power first.
DNSMOS_FIT = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovr": (-0.06766283, 1.11546468, 0.04602535),
}


class Sphinx:
    """float32 `[N]` -> text as heard by pocketsphinx with its own English model."""

    def __init__(self):
        from pocketsphinx import Decoder

        self.decoder = Decoder(samprate=RATE, loglevel="FATAL")

    def __call__(self, audio_N: np.ndarray) -> str:
        self.decoder.start_utt()
        self.decoder.process_raw((audio_N.clip(-1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
        self.decoder.end_utt()
        heard = self.decoder.hyp()
        return heard.hypstr if heard else ""


class Normaliser:
    """Text as word error rates compare it: whisper's English rules."""

    def __init__(self):
        from whisper_normalizer.english import EnglishTextNormalizer

        self.normalise = EnglishTextNormalizer()

    def __call__(self, text: str) -> str:
        return self.normalise(text)


def word_error_rate(references: list[str], heard: list[str]) -> float:
    """Errors over words of the whole set, of normalised texts."""
    import jiwer

    return float(jiwer.wer(references, heard))


class Dnsmos:
    """float32 `[N]` -> `sig`, `bak`, `ovr`, 1 to 5; windows of 9.01 s at every second, a shorter clip repeated, as Microsoft's script does."""

    def __init__(self, model: Path, threads: int = 1):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def __call__(self, audio_N: np.ndarray) -> dict[str, float]:
        while len(audio_N) < DNSMOS_SAMPLES:
            audio_N = np.concatenate([audio_N, audio_N])
        starts = range(0, len(audio_N) - DNSMOS_SAMPLES + 1, RATE)
        name = self.session.get_inputs()[0].name
        raw = [self.session.run(None, {name: audio_N[None, s : s + DNSMOS_SAMPLES].astype(np.float32)})[0][0] for s in starts]
        columns = np.array(raw).T
        return {key: float(np.polyval(fit, column).mean()) for (key, fit), column in zip(DNSMOS_FIT.items(), columns)}


def pesq_wideband(reference_N: np.ndarray, audio_N: np.ndarray) -> float:
    """1 to 4.64; 1 also where PESQ finds no speech at all, as a young codec gives."""
    from pesq import PesqError, pesq

    return max(1.0, float(pesq(RATE, reference_N, audio_N, "wb", on_error=PesqError.RETURN_VALUES)))


def stoi(reference_N: np.ndarray, audio_N: np.ndarray) -> float:
    from pystoi import stoi as measure

    return float(measure(reference_N, audio_N, RATE))


class Speaker:
    """float32 `[N]` -> unit vector `[256]` by Resemblyzer; the cosine of two says how alike the voices are."""

    def __init__(self):
        _old_scipy_name()
        from resemblyzer import VoiceEncoder, preprocess_wav

        self.encoder, self.preprocess = VoiceEncoder("cpu", verbose=False), preprocess_wav

    def __call__(self, audio_N: np.ndarray) -> np.ndarray:
        voiced = self.preprocess(audio_N)
        # Where next to nothing sounds like speech, judge what there is and not an empty array.
        return self.encoder.embed_utterance(voiced if len(voiced) >= RATE // 2 else audio_N)


def _old_scipy_name() -> None:
    """Resemblyzer 0.1.4 imports `scipy.ndimage.morphology`, which scipy is taking away."""
    if importlib.util.find_spec("scipy.ndimage.morphology") is None:
        from scipy.ndimage import binary_dilation

        module = types.ModuleType("scipy.ndimage.morphology")
        module.binary_dilation = binary_dilation
        sys.modules[module.__name__] = module

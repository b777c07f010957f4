"""More voices from few, and prompts as people record them. All on float32 `[N]` at 16 kHz, numpy and scipy alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from training.speech_data import RATE


def shift_voice(x_N: np.ndarray, factor: float) -> np.ndarray:
    """Pitch and formants times `factor`, as of a speaker with a shorter vocal tract, and as much faster: lengths are divided by it."""
    from scipy.signal import resample_poly

    ratio = Fraction(1 / factor).limit_denominator(64)
    return resample_poly(x_N, ratio.numerator, ratio.denominator).astype(np.float32)


def exact_factor(factor: float) -> float:
    """What `shift_voice` really does for `factor`."""
    return float(1 / Fraction(1 / factor).limit_denominator(64))


def add_noise(x_N: np.ndarray, snr_db: float, tilt: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude falls as f^-tilt: 0 is white, 1 brown-like hum, `snr_db` below the clip's RMS."""
    spectrum = np.fft.rfft(rng.standard_normal(len(x_N)))
    f = np.maximum(np.fft.rfftfreq(len(x_N), 1 / RATE), 50.0)
    noise = np.fft.irfft(spectrum * f**-tilt, len(x_N))
    gain = np.sqrt(np.mean(x_N**2) / max(np.mean(noise**2), 1e-12)) * 10 ** (-snr_db / 20)
    return (x_N + gain * noise).astype(np.float32)


def add_room(x_N: np.ndarray, decay_s: float, wet: float, rng: np.random.Generator) -> np.ndarray:
    """A small room: exponentially decaying noise as impulse response, 60 dB down after `decay_s`, `wet` of its energy in the tail."""
    from scipy.signal import fftconvolve

    n = max(1, int(decay_s * RATE))
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    tail *= np.sqrt(wet / np.sum(tail**2))
    response = np.concatenate([[np.sqrt(1 - wet)], np.zeros(int(0.003 * RATE)), tail])
    return fftconvolve(x_N, response)[: len(x_N)].astype(np.float32)


def as_recorded(x_N: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A prompt as it may come: mild room, mild noise, another gain; never clipped."""
    x = add_room(x_N, rng.uniform(0.1, 0.4), rng.uniform(0.0, 0.3), rng)
    x = add_noise(x, rng.uniform(15, 40), rng.uniform(0, 1), rng)
    x = x * 10 ** (rng.uniform(-6, 6) / 20)
    return (x * min(1.0, 0.98 / max(float(np.abs(x).max()), 1e-5))).astype(np.float32)

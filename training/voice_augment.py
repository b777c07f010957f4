"""More voices from few, and prompts as people record them. All on float32 `[N]` at 16 kHz, numpy and scipy alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from training.speech_data import RATE

WINDOW, HOP = 512, 128
# Quefrencies, in samples, below which a cepstrum tells the vocal tract and not the pitch: 16 kHz / 40 is 400 Hz.
ENVELOPE_QUEFRENCIES = 40


def shift_voice(x_N: np.ndarray, factor: float) -> np.ndarray:
    """Pitch and formants times `factor`, as of a speaker with a shorter vocal tract, and as much faster: lengths are divided by it."""
    from scipy.signal import resample_poly

    ratio = Fraction(1 / factor).limit_denominator(64)
    return resample_poly(x_N, ratio.numerator, ratio.denominator).astype(np.float32)


def exact_factor(factor: float) -> float:
    """What `shift_voice` really does for `factor`."""
    return float(1 / Fraction(1 / factor).limit_denominator(64))


@dataclass(frozen=True)
class Voice:
    """What makes another speaker of one: `shift` as in `shift_voice`, `formants` moves them alone, and a channel of `tilt_db` an octave with
    three waves over the octaves, of `waves_db` and `waves_phase` each."""

    shift: float
    formants: float
    tilt_db: float
    waves_db: tuple[float, float, float]
    waves_phase: tuple[float, float, float]


def draw_voice(rng: np.random.Generator) -> Voice:
    three = lambda a, b: tuple(rng.uniform(a, b, 3).tolist())  # noqa: E731
    shift = exact_factor(float(np.exp(rng.uniform(np.log(0.86), np.log(1.16)))))
    return Voice(shift, float(rng.uniform(0.9, 1.12)), float(rng.uniform(-1, 1)), three(-2, 2), three(0, 2 * np.pi))


def change_voice(x_N: np.ndarray, voice: Voice) -> np.ndarray:
    """The clip as `voice`, at the same level; its length is divided by `voice.shift`."""
    from scipy.signal import istft, stft

    shifted = shift_voice(x_N, voice.shift)
    f, _, X_FT = stft(shifted, RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)
    cepstrum_QT = np.fft.irfft(np.log(np.abs(X_FT) + 1e-6), axis=0)
    cepstrum_QT[ENVELOPE_QUEFRENCIES : WINDOW - ENVELOPE_QUEFRENCIES + 1] = 0
    envelope_FT = np.fft.rfft(cepstrum_QT, axis=0).real
    source = f / voice.formants / (f[1] - f[0])
    below = np.minimum(source.astype(int), len(f) - 2)
    part = np.minimum(source - below, 1)[:, None]
    warped_FT = (1 - part) * envelope_FT[below] + part * envelope_FT[below + 1]
    octaves = np.log2(np.maximum(f, 100) / 1000)
    waves = [db * np.sin(n * octaves + phase) for n, db, phase in zip((1, 2, 3), voice.waves_db, voice.waves_phase)]
    channel_F = (voice.tilt_db * octaves + sum(waves)) * np.log(10) / 20
    gain_FT = np.exp(np.clip(warped_FT - envelope_FT, -3, 3) + channel_F[:, None])
    _, y = istft(X_FT * gain_FT, RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)
    y = y[: len(shifted)]
    y = y * np.sqrt(np.mean(shifted**2) / max(float(np.mean(y**2)), 1e-12))
    return (y * min(1.0, 0.98 / max(float(np.abs(y).max()), 1e-5))).astype(np.float32)


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

"""Spectral losses of the speech codec: log-mel and complex STFT at several resolutions."""

from __future__ import annotations

import torch
from torch import nn

from training.codec import compress

# Window in samples at 16 kHz (4 to 128 ms) -> mel bands.
MEL_BANDS = {64: 10, 128: 20, 256: 40, 512: 64, 1024: 80, 2048: 128}
COMPLEX_WINDOWS = (512, 1024)
MEL_FLOOR = 1e-5  # -100 dBFS


def mel_filters(window: int, bands: int, rate: int = 16_000) -> torch.Tensor:
    """Triangles on the mel scale, each of sum 1, none narrower than the bins' spacing: `[window / 2 + 1, bands]`."""
    top = 2595 * torch.log10(torch.tensor(1 + rate / 2 / 700))
    edge = 700 * (10 ** (torch.linspace(0, float(top), bands + 2) / 2595) - 1)
    spacing = rate / window
    centre = edge[1:-1]
    left, right = torch.minimum(edge[:-2], centre - spacing), torch.maximum(edge[2:], centre + spacing)
    bin_F1 = torch.linspace(0, rate / 2, window // 2 + 1).unsqueeze(1)
    triangle = torch.minimum((bin_F1 - left) / (centre - left), (right - bin_F1) / (right - centre)).clamp(min=0)
    return triangle / triangle.sum(0)


def complex_stft(audio_BN: torch.Tensor, hann_W: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Real and imaginary part `[B, F, T]` at a hop of a quarter window, scaled by the window's sum."""
    window = len(hann_W)
    s = torch.stft(audio_BN.float(), window, window // 4, window=hann_W / hann_W.sum(), return_complex=True)
    real, imaginary = torch.view_as_real(s).unbind(-1)
    return real, imaginary


def log_mel(real: torch.Tensor, imaginary: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    """`[B, F, T]` each and filters `[F, bands]` -> `[B, T, bands]`, natural logarithm."""
    magnitude = (real.square() + imaginary.square() + 1e-14).sqrt()
    return (magnitude.transpose(1, 2) @ filters + MEL_FLOOR).log()


class SpectralLoss(nn.Module):
    """`[B, N]` against its target `[B, N]` -> (log-mel L1 in nepers, mean over windows; L1 of the compressed complex spectra). Both scalars."""

    def __init__(self):
        super().__init__()
        for window, bands in MEL_BANDS.items():
            self.register_buffer(f"hann_{window}", torch.hann_window(window), persistent=False)
            self.register_buffer(f"mel_{window}", mel_filters(window, bands), persistent=False)

    def log_mel(self, real: torch.Tensor, imaginary: torch.Tensor, window: int) -> torch.Tensor:
        return log_mel(real, imaginary, self.get_buffer(f"mel_{window}"))

    def forward(self, got_BN: torch.Tensor, target_BN: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mel, complex_ = [], []
        for window in MEL_BANDS:
            hann = self.get_buffer(f"hann_{window}")
            got, target = complex_stft(got_BN, hann), complex_stft(target_BN, hann)
            mel.append((self.log_mel(*got, window) - self.log_mel(*target, window)).abs().mean())
            if window in COMPLEX_WINDOWS:
                complex_.append(sum((a - b).abs().mean() for a, b in zip(compress(*got), compress(*target))) / 2)
        return torch.stack(mel).mean(), torch.stack(complex_).mean()


class MelDistance(SpectralLoss):
    """The distance that is reported: mean absolute difference of 80 log-mel bands at a 64 ms window, in dB, `[B]`."""

    @torch.no_grad()
    def forward(self, got_BN: torch.Tensor, target_BN: torch.Tensor) -> torch.Tensor:
        a, b = (self.log_mel(*complex_stft(x, self.hann_1024), 1024) for x in (got_BN, target_BN))
        return (a - b).abs().mean((1, 2)) * (20 / torch.log(torch.tensor(10.0)))

"""Speech codec after the paper's Rvqvae (resgen.md section 4): STFT, ConvNeXt blocks with strided steps, residual quantiser, the mirror
image of it, inverse STFT. No vocoder.

Symbols: `N` samples, `T` STFT frames, `F` bins, `L` latents (tokens' positions), `H` width of a code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from training.depthwise import shifted_products
from training.quantiser import ResidualQuantiser, nearest_code

COMPRESSION = 0.3


@dataclass
class CodecConfig:
    """Lists run from the waveform inwards: `widths[0]` works at the STFT's rate (100 Hz), each of `strides` leads to the next width.

    `features` the encoder sees: `compressed` (real and imaginary part of |S|^0.3 at S's phase), `log_magnitude`, or both.
    """

    rate: int = 16_000
    hop: int = 160
    window: int = 640
    features: list[str] = field(default_factory=lambda: ["compressed", "log_magnitude"])
    widths: list[int] = field(default_factory=lambda: [256, 384])
    strides: list[int] = field(default_factory=lambda: [2])
    encoder_blocks: list[int] = field(default_factory=lambda: [1, 4])
    decoder_blocks: list[int] = field(default_factory=lambda: [2, 6])
    D: int = 16
    V: int = 1024
    H: int = 128
    codebook_decay: float = 0.99
    restart_below: float = 0.05

    @property
    def samples_per_latent(self) -> int:
        return self.hop * prod(self.strides)


class Stft(nn.Module):
    """Hann-windowed DFT and its inverse as (transposed) convolutions, so that any exporter takes them.

    `N = T hop` exactly: half of what overlaps is padded at each end. Scaled by the window's sum: a sine of amplitude a shows as a / 2.
    """

    def __init__(self, window: int, hop: int):
        super().__init__()
        self.hop, self.bins, self.pad = hop, window // 2 + 1, (window - hop) // 2
        hann = torch.hann_window(window, dtype=torch.float64)
        angle = 2 * torch.pi / window * torch.outer(torch.arange(self.bins), torch.arange(window)).double()
        basis = torch.cat([angle.cos(), -angle.sin()])
        once = torch.full((self.bins, 1), 2.0, dtype=torch.float64)
        once[0] = once[-1] = 1  # every other bin stands for its mirror image too
        inverse = torch.cat([once, once]) * basis * hann * hann.sum() / window
        for name, value in {"forward_2FW": basis * hann / hann.sum(), "inverse_2FW": inverse, "envelope_1W": hann.square()[None]}.items():
            self.register_buffer(name, value.float().unsqueeze(1), persistent=False)

    def forward(self, audio_BN: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Real and imaginary part, each `[B, T, F]`."""
        s = F.conv1d(audio_BN.unsqueeze(1), self.forward_2FW, stride=self.hop, padding=self.pad)
        real, imaginary = s.transpose(1, 2).split(self.bins, 2)
        return real, imaginary

    def inverse(self, real_BTF: torch.Tensor, imaginary_BTF: torch.Tensor) -> torch.Tensor:
        """`[B, N]`."""
        s = torch.cat([real_BTF, imaginary_BTF], 2).transpose(1, 2)
        audio = F.conv_transpose1d(s, self.inverse_2FW, stride=self.hop, padding=self.pad)
        envelope = F.conv_transpose1d(torch.ones_like(s[:1, :1]), self.envelope_1W, stride=self.hop, padding=self.pad)
        return (audio / envelope).squeeze(1)


def compress(real: torch.Tensor, imaginary: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """|S|^0.3 at the phase of S, smooth at 0."""
    # As a multiple of the floor: the ONNX exporter's optimizer takes the addition of a number as small as 1e-9 for none, and leaves it out.
    floor, power = 1e-9, (COMPRESSION - 1) / 2
    scale = floor**power * ((real.square() + imaginary.square()) / floor + 1) ** power
    return real * scale, imaginary * scale


def log_magnitude(real: torch.Tensor, imaginary: torch.Tensor) -> torch.Tensor:
    """log |S|, smooth at 0, where it is log 1e-6."""
    return 0.5 * torch.log((real.square() + imaginary.square()) / 1e-12 + 1) + math.log(1e-6)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over 7 frames, LayerNorm, pointwise MLP, scaled, plus the input; `[B, T, C]` -> the same.

    The depthwise convolution is a 2-D one of height 1: on CPUs its backward pass in channels-last order is several times faster than conv1d's.
    SiLU costs half of what GELU costs there.
    """

    def __init__(self, width: int, scale: float):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, (1, 7), padding=(0, 3), groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x_BTC: torch.Tensor) -> torch.Tensor:
        if x_BTC.is_cuda:
            h = shifted_products(x_BTC, self.depthwise.weight[:, 0, 0], self.depthwise.bias)
        else:
            h = self.depthwise(x_BTC.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)
        return x_BTC + self.scale * self.narrow(F.silu(self.wide(self.norm(h))))


class Down(nn.Module):
    """`stride` frames become one: `[B, T, C]` -> `[B, T / stride, C']`."""

    def __init__(self, width_in: int, width_out: int, stride: int):
        super().__init__()
        self.stride, self.norm, self.linear = stride, nn.LayerNorm(width_in), nn.Linear(width_in * stride, width_out)

    def forward(self, x_BTC: torch.Tensor) -> torch.Tensor:
        b, t, c = x_BTC.shape
        return self.linear(self.norm(x_BTC).reshape(b, t // self.stride, c * self.stride))


class Up(nn.Module):
    """One frame becomes `stride`: `[B, T, C]` -> `[B, stride T, C']`."""

    def __init__(self, width_in: int, width_out: int, stride: int):
        super().__init__()
        self.width_out, self.norm, self.linear = width_out, nn.LayerNorm(width_in), nn.Linear(width_in, width_out * stride)

    def forward(self, x_BTC: torch.Tensor) -> torch.Tensor:
        return self.linear(self.norm(x_BTC)).reshape(x_BTC.shape[0], -1, self.width_out)


def _blocks(width: int, count: int, total: int) -> list[nn.Module]:
    return [ConvNeXtBlock(width, 1 / total) for _ in range(count)]


class Encoder(nn.Module):
    """Audio `[B, N]` -> latents `[B, L, H]`."""

    def __init__(self, c: CodecConfig, stft: Stft):
        super().__init__()
        unknown = set(c.features) - {"compressed", "log_magnitude"}
        if unknown or not c.features:
            raise ValueError(f"`features` may hold compressed and log_magnitude, not {sorted(unknown) or 'nothing'}.")
        self.features, self.stft = c.features, stft
        width_in = stft.bins * sum(2 if name == "compressed" else 1 for name in c.features)
        layers: list[nn.Module] = [nn.Linear(width_in, c.widths[0]), nn.LayerNorm(c.widths[0])]
        for i, count in enumerate(c.encoder_blocks):
            if i > 0:
                layers.append(Down(c.widths[i - 1], c.widths[i], c.strides[i - 1]))
            layers += _blocks(c.widths[i], count, sum(c.encoder_blocks))
        self.layers = nn.Sequential(*layers, nn.LayerNorm(c.widths[-1]), nn.Linear(c.widths[-1], c.H))

    def forward(self, audio_BN: torch.Tensor) -> torch.Tensor:
        real, imaginary = self.stft(audio_BN)
        seen: list[torch.Tensor] = []
        if "compressed" in self.features:
            seen += compress(real, imaginary)
        if "log_magnitude" in self.features:
            # Speech at -23 dBFS lies between about -14 and -3 here: brought to unit size.
            seen.append((log_magnitude(real, imaginary) + 9) / 3)
        return self.layers(torch.cat(seen, 2))


class Decoder(nn.Module):
    """Latents `[B, L, H]` -> audio `[B, N]`; the last layer says log magnitude and phase of every bin (Siuzdak 2024, Vocos)."""

    def __init__(self, c: CodecConfig, stft: Stft):
        super().__init__()
        self.stft = stft
        layers: list[nn.Module] = [nn.Linear(c.H, c.widths[-1])]
        for i in reversed(range(len(c.widths))):
            layers += _blocks(c.widths[i], c.decoder_blocks[i], sum(c.decoder_blocks))
            if i > 0:
                layers.append(Up(c.widths[i], c.widths[i - 1], c.strides[i - 1]))
        self.layers = nn.Sequential(*layers, nn.LayerNorm(c.widths[0]))
        self.head = nn.Linear(c.widths[0], 2 * stft.bins)
        nn.init.constant_(self.head.bias[: stft.bins], -8.0)  # start near silence, not near exp(0)

    def forward(self, z_BLH: torch.Tensor) -> torch.Tensor:
        log_magnitude, phase = self.head(self.layers(z_BLH)).float().split(self.stft.bins, 2)
        magnitude = log_magnitude.clamp(max=0.0).exp()  # 1 is a full-scale sine and more
        return self.stft.inverse(magnitude * phase.cos(), magnitude * phase.sin())


class Codec(nn.Module):
    """Speech to tokens `[B, L, D]` and back."""

    def __init__(self, config: CodecConfig):
        super().__init__()
        self.config = config
        stft = Stft(config.window, config.hop)
        self.encoder, self.decoder = Encoder(config, stft), Decoder(config, stft)
        self.quantiser = ResidualQuantiser(config.D, config.V, config.H, config.codebook_decay, config.restart_below)

    def latents(self, audio_BN: torch.Tensor) -> torch.Tensor:
        """`[B, N]` -> `[B, L, H]`, float32; zeros fill up the last latent."""
        return self.encoder(F.pad(audio_BN, (0, -audio_BN.shape[1] % self.config.samples_per_latent))).float()

    def encode(self, audio_BN: torch.Tensor) -> torch.Tensor:
        """`[B, N]` in -1..1 -> codes int64 `[B, L, D]`."""
        z_BLH = self.latents(audio_BN)
        return self.quantiser.encode(z_BLH.flatten(0, 1)).unflatten(0, z_BLH.shape[:2])

    def decode(self, x_BLD: torch.Tensor, depth: int | None = None) -> torch.Tensor:
        """Codes `[B, L, D]` -> audio `[B, L * samples_per_latent]` from the first `depth` depths (all by default)."""
        return self.decoder(self.quantiser.embed(x_BLD.flatten(0, 1), depth).unflatten(0, x_BLD.shape[:2]))

    def forward(self, audio_BN: torch.Tensor, depth_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Reconstruction at each clip's own depth, commitment loss, mean squared residual by depth `[D]`."""
        z_BLH = self.latents(audio_BN)
        depth_N = depth_B.repeat_interleave(z_BLH.shape[1])
        zq, commit, residual_D = self.quantiser(z_BLH.flatten(0, 1), depth_N)
        return self.decoder(zq.unflatten(0, z_BLH.shape[:2])), commit, residual_D


@torch.no_grad()
def fit_codebooks(quantiser: ResidualQuantiser, z_NH: torch.Tensor, iterations: int = 6) -> None:
    """k-means, depth by depth, on latents `[N, H]` with N >= V: a start on many batches, where the quantiser's own knows one."""
    r, V = z_NH.float(), quantiser.V
    if len(r) < V:
        raise ValueError(f"{len(r)} latents cannot start {V} codes.")
    for j in range(quantiser.D):
        e_VH = r[torch.randperm(len(r))[:V]].clone()
        for _ in range(iterations):
            code_N = nearest_code(r, e_VH)
            count = torch.bincount(code_N, minlength=V)
            mean = torch.zeros_like(e_VH).index_add_(0, code_N, r) / count.clamp(min=1).unsqueeze(1)
            fresh = r[torch.randint(len(r), (V,))]
            e_VH = torch.where((count > 0).unsqueeze(1), mean, fresh)
        quantiser.e_DVH[j] = e_VH
        r = r - e_VH[nearest_code(r, e_VH)]
    quantiser.count_DV.fill_(1.0)
    quantiser.sum_DVH.copy_(quantiser.e_DVH)
    quantiser.initialised.fill_(True)


def load_codec(runs: Path, name: str) -> tuple[Codec, int]:
    """The averaged weights of a codec run with codebooks rounded as packages ship them (float16), and the step they are of."""
    path = runs / name / "checkpoint.pt"
    if not path.exists():
        raise SystemExit(f"There is no codec at {path}. Train it first: python -m training.train_codec --recipe …")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    codec = Codec(CodecConfig(**saved["recipe"]["model"]))
    codec.load_state_dict(saved["state"]["ema"])
    codec.quantiser.e_DVH.copy_(codec.quantiser.e_DVH.half().float())
    return codec.eval().requires_grad_(False), saved["step"]

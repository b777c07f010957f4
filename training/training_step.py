"""What training a generator is, whatever it makes: tokens and masks to a loss, and the loss to new weights."""

from __future__ import annotations

import torch
from torch import nn

from training.loss import HeadState, mixture_loss
from training.masking import visible
from training.runner import Ema


class TrainingStep(nn.Module):
    """Tokens and masked depths -> loss. Everything with gradients in one module, so that DDP sees one forward."""

    def __init__(self, generator: nn.Module, e_DVH: torch.Tensor, scale: float, smoothing: float):
        super().__init__()
        self.generator, self.smoothing = generator, smoothing
        self.register_buffer("e_DVH", e_DVH.float() * scale, persistent=False)

    def forward(self, x_BLD: torch.Tensor, k_BL: torch.Tensor, *condition: object) -> dict[str, torch.Tensor]:
        """`x` int64 `[B, L, D]`, `k [B, L]`, and what the generator takes after its first two arguments -> parts of the loss at positions with k > 0."""
        g, D = self.generator, len(self.e_DVH)
        seen = visible(k_BL, D).unsqueeze(3)
        visible_sum = torch.zeros(*k_BL.shape, self.e_DVH.shape[2], device=k_BL.device)
        z = torch.zeros_like(visible_sum)
        # Depth by depth: all at once would hold D times as much.
        for j in range(D):
            e_BLH = self.e_DVH[j][x_BLD[:, :, j]]
            visible_sum, z = visible_sum + e_BLH * seen[:, :, j], z + e_BLH * ~seen[:, :, j]
        head = g(visible_sum, k_BL, *condition)
        masked = (k_BL > 0).flatten()
        chosen = HeadState(*(part[masked].float() for part in vars(head).values()))
        with torch.autocast(x_BLD.device.type, enabled=False):
            return mixture_loss(z.flatten(0, 1)[masked], chosen, g.M.float(), g.s.float(), self.smoothing)


def adamw(generator: nn.Module, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """Weight decay on matrices of blocks only: not on embeddings, biases, norms or the mixture's means."""
    decayed = [p for name, p in generator.named_parameters() if p.ndim == 2 and "blocks." in name and not name.endswith("bias")]
    chosen = {id(p) for p in decayed}
    rest = [p for p in generator.parameters() if id(p) not in chosen]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), fused=next(generator.parameters()).is_cuda)


def step_down(loss: torch.Tensor, module: nn.Module, optimizer: torch.optim.Optimizer, lr: float) -> torch.Tensor:
    """One step of `module` down the gradient of `loss`, clipped to length 1 -> its length before. Without a finite gradient it stands still."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    if torch.isfinite(norm):
        optimizer.step()
    return norm


def descend(loss: torch.Tensor, generator: nn.Module, optimizer: torch.optim.Optimizer, ema: Ema, step: int, lr: float) -> torch.Tensor:
    """`step_down` of a generator, and of its averaged weights after it."""
    norm = step_down(loss, generator, optimizer, lr)
    ema.update(generator, step)
    return norm

"""ResGen's network for speech: text and voice prompt to the head's state at every position (resgen.md sections 2 and 4).

Symbols: `P` phones, `L` positions (tokens' frames), `R` text frames a position, `W` width. The prompt's tokens stand, unmasked, in front of the positions to be
made; a voice vector pooled from them modulates every block. Nobody knows the prompt's words, so its positions have no text.

Attention sees pairs of positions: at 50 positions a second neighbours hold much the same, and half as many cost half as much (an hourglass, Nawrot et al. 2022).
Only convolutions before and after, and the head, work at every position.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from training.depthwise import shifted_products
from training.loss import HeadState
from training.phone_table import PAD, PHONES


@dataclass
class SpeechConfig:
    """Shapes as in the codec: D, H; K components of rank h. `frames_per_token` is R."""

    D: int
    H: int
    K: int = 512
    rank: int = 16
    width: int = 320
    blocks: int = 8
    heads: int = 5
    text_blocks: int = 4
    frames_per_token: int = 4
    voice_blocks: int = 2
    dropout: float = 0.0  # of what each block adds, while training


@dataclass
class SpeechCondition:
    """What to say, when, and in whose voice. A text or voice is dropped, for guidance, where its flag is set."""

    phones: torch.Tensor  # int64 [B, P], 0 is padding
    frames: torch.Tensor  # int64 [B, L, R], index of the phone of each text frame, -1 where there is no text
    prompt: torch.Tensor  # bool [B, L]
    valid: torch.Tensor  # bool [B, L], false for padding
    drop_text: torch.Tensor  # bool [B]
    drop_voice: torch.Tensor  # bool [B]

    def dropping(self, text: bool, voice: bool) -> SpeechCondition:
        flags = torch.ones_like(self.drop_text)
        return SpeechCondition(self.phones, self.frames, self.prompt, self.valid, flags & text, flags & voice)

    def to(self, device: torch.device) -> SpeechCondition:
        return SpeechCondition(*(x.to(device, non_blocking=True) for x in vars(self).values()))

    @staticmethod
    def cat(parts: list[SpeechCondition]) -> SpeechCondition:
        return SpeechCondition(*(torch.cat([getattr(p, name) for p in parts]) for name in SpeechCondition.__dataclass_fields__))


# The score of what attention must not see: nothing is left of it after softmax, and no gradient is infinite.
MASKED = -1e4


def rotate(x_BhLw: torch.Tensor) -> torch.Tensor:
    """Rotary positions (Su et al. 2021): attention knows distances, at lengths that training never saw too."""
    L, half = x_BhLw.shape[2], x_BhLw.shape[3] // 2
    rate = 10_000 ** (-torch.arange(half, device=x_BhLw.device, dtype=torch.float32) / half)
    angle = torch.arange(L, device=x_BhLw.device, dtype=torch.float32).unsqueeze(1) * rate
    cos, sin = angle.cos().to(x_BhLw.dtype), angle.sin().to(x_BhLw.dtype)
    a, b = x_BhLw.chunk(2, 3)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], 3)


def attend(q_BhLw: torch.Tensor, k_BhLw: torch.Tensor, v_BhLw: torch.Tensor, valid_BL: torch.Tensor | None) -> torch.Tensor:
    """Softmax attention over valid positions.

    Written out: a CPU's fused kernel takes three to five times as long forth and back (bfloat16, 185 positions). Nothing here may be compiled without a look at
    the gradients: on an H200 compiled blocks (PyTorch 2.11), fused attention or not, gave ones of 10^7 or NaN, these without compiler and with a finite mask none.
    """
    mask = None if valid_BL is None else valid_BL[:, None, None, :]
    scores = (q_BhLw * q_BhLw.shape[3] ** -0.5) @ k_BhLw.transpose(2, 3)
    if mask is not None:
        scores = scores.masked_fill(~mask, MASKED)
    return scores.softmax(3) @ v_BhLw


def depthwise(conv: nn.Conv1d, x_BLW: torch.Tensor) -> torch.Tensor:
    """`conv` over the positions, channel by channel."""
    if x_BLW.is_cuda:
        return shifted_products(x_BLW, conv.weight.squeeze(1), conv.bias)
    return conv(x_BLW.transpose(1, 2)).transpose(1, 2)


class SpeechBlock(nn.Module):
    """As the picture generator's block, in one dimension: depthwise convolution, attention with rotary positions, MLP; adaLN with a shared projection."""

    def __init__(self, width: int, heads: int, kernel: int = 7, dropout: float = 0.0):
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.neighbours = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        nn.init.normal_(self.neighbours.weight, std=0.05)
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.bias = nn.Parameter(torch.zeros(6, width))
        with torch.no_grad():
            self.bias[2], self.bias[5] = 0.1, 0.1

    def forward(self, x_BLW: torch.Tensor, valid_BL: torch.Tensor | None, modulation_B6W: torch.Tensor | None = None) -> torch.Tensor:
        """`valid` is false for padding, None where there is none."""
        own = self.bias.unsqueeze(0) if modulation_B6W is None else modulation_B6W + self.bias
        shift1, scale1, gate1, shift2, scale2, gate2 = own.unsqueeze(2).unbind(1)
        if valid_BL is not None:
            # Padding must not reach its neighbours through the convolution.
            x_BLW = x_BLW * valid_BL.unsqueeze(2)
        x_BLW = x_BLW + depthwise(self.neighbours, x_BLW)
        q, k, v = self.qkv(self.norm1(x_BLW) * (1 + scale1) + shift1).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = attend(rotate(q), rotate(k), v, valid_BL)
        x_BLW = x_BLW + gate1 * self.dropout(self.out(attended.transpose(1, 2).flatten(2)))
        h = self.norm2(x_BLW) * (1 + scale2) + shift2
        return x_BLW + gate2 * self.dropout(self.down(F.gelu(self.up(h), approximate="tanh")))


class LocalBlock(nn.Module):
    """A block without attention: depthwise convolution and a narrower MLP, at every position."""

    def __init__(self, width: int, kernel: int = 7, dropout: float = 0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.neighbours = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        nn.init.normal_(self.neighbours.weight, std=0.05)
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.gate = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x_BLW: torch.Tensor, valid_BL: torch.Tensor | None) -> torch.Tensor:
        if valid_BL is not None:
            x_BLW = x_BLW * valid_BL.unsqueeze(2)
        h = x_BLW + depthwise(self.neighbours, x_BLW)
        return h + self.gate * self.dropout(self.down(F.gelu(self.up(self.norm(h)), approximate="tanh")))


def pairs(x_BLW: torch.Tensor) -> torch.Tensor:
    """Two positions in one, `[B, ceil(L / 2), 2 W]`; of an odd number the last stands beside zeros."""
    return torch.cat([x_BLW[:, ::2], F.pad(x_BLW, (0, 0, 0, 1))[:, 1::2]], 2)


def positions(pairs_BMW: torch.Tensor, L: int) -> torch.Tensor:
    """The way back, `[B, L, W / 2]`."""
    # By index: the exporter can't prove that a slice up to L is within 2 ceil(L / 2).
    return pairs_BMW.unflatten(2, (2, -1)).flatten(1, 2)[:, torch.arange(L, device=pairs_BMW.device)]


class TextEncoder(nn.Module):
    """Phones `[B, P]` -> `[B, P, W]`; `expand` repeats each by its duration and tells how far each position is into its phone."""

    def __init__(self, c: SpeechConfig):
        super().__init__()
        self.embed = nn.Embedding(len(PHONES), c.width)
        self.blocks = nn.ModuleList(SpeechBlock(c.width, c.heads, 5, c.dropout) for _ in range(c.text_blocks))
        self.linear = nn.Linear(c.width, c.width)
        self.place = nn.Linear(3, c.width)
        self.absent = nn.Parameter(torch.randn(c.width) * 0.02)

    def forward(self, phones_BP: torch.Tensor) -> torch.Tensor:
        x, valid = self.embed(phones_BP), phones_BP != PAD
        for block in self.blocks:
            x = block(x, valid)
        return self.linear(x)

    def expand(self, text_BPW: torch.Tensor, frames_BLR: torch.Tensor) -> torch.Tensor:
        """`[B, L, W]`: the mean over a position's text frames; `absent` where there is no text."""
        # share[b, l, p]: how much of position l is phone p. A product with it is a gather whose gradient needs no scatter.
        share_BLP = (frames_BLR.unsqueeze(3) == torch.arange(text_BPW.shape[1], device=text_BPW.device)).float().mean(2)
        length_BP = share_BLP.sum(1)
        gone_BLP = share_BLP.cumsum(1) - 0.5 * share_BLP
        here = share_BLP.sum(2)
        begun, length = (share_BLP * gone_BLP).sum(2), (share_BLP * length_BP.unsqueeze(1)).sum(2)
        place = torch.stack([begun / length.clamp(min=1.0), torch.log1p(begun), torch.log1p((length - begun).clamp(min=0.0))], 2)
        text_BLW = share_BLP.to(text_BPW.dtype) @ text_BPW + self.place(place)
        return torch.where((here > 0).unsqueeze(2), text_BLW, self.absent.to(text_BLW.dtype))


class VoiceEncoder(nn.Module):
    """The prompt's summed embeddings `[B, Q, H]` -> one vector `[B, W]`: blocks over pairs, then attention pooling."""

    def __init__(self, c: SpeechConfig):
        super().__init__()
        self.input = nn.Linear(c.H, c.width)
        self.merge = nn.Linear(2 * c.width, c.width)
        self.blocks = nn.ModuleList(SpeechBlock(c.width, c.heads, dropout=c.dropout) for _ in range(c.voice_blocks))
        self.weight = nn.Linear(c.width, 1)
        self.output = nn.Sequential(nn.LayerNorm(c.width), nn.Linear(c.width, c.width))

    def forward(self, z_BQH: torch.Tensor, prompt_BQ: torch.Tensor | None) -> torch.Tensor:
        """`prompt` is true on a first part of each row, None where all of it is prompt."""
        x, attended = self.input(z_BQH), None
        if prompt_BQ is not None:
            # A row without a prompt attends to its padding: nothing reads the result, and softmax over nothing would be NaN.
            attended = (prompt_BQ | ~prompt_BQ.any(1, keepdim=True))[:, ::2]
            x = x * prompt_BQ.unsqueeze(2)
        x = self.merge(pairs(x)).float()
        for block in self.blocks:
            x = block(x, attended)
        weight = self.weight(x).squeeze(2)
        if attended is not None:
            weight = weight.masked_fill(~attended, MASKED)
        return self.output((weight.softmax(1).unsqueeze(2) * x).sum(1))


class SpeechGenerator(nn.Module):
    """Visible embedding sums, masked depths and a condition -> the head's state at every position, N = B L rows."""

    def __init__(self, config: SpeechConfig):
        super().__init__()
        c = self.config = config
        self.embed_z = nn.Linear(c.H, c.width)
        self.embed_k = nn.Embedding(c.D + 1, c.width)
        self.embed_role = nn.Embedding(2, c.width)  # to be made, prompt
        self.text, self.voice = TextEncoder(c), VoiceEncoder(c)
        self.no_voice = nn.Parameter(torch.randn(c.width) * 0.02)
        self.no_text = nn.Parameter(torch.randn(c.width) * 0.02)
        self.modulation = nn.Linear(c.width, 6 * c.width)
        self.before, self.after = LocalBlock(c.width, dropout=c.dropout), LocalBlock(c.width, dropout=c.dropout)
        self.merge, self.split = nn.Linear(2 * c.width, c.width), nn.Linear(c.width, 2 * c.width)
        self.blocks = nn.ModuleList(SpeechBlock(c.width, c.heads, dropout=c.dropout) for _ in range(c.blocks))
        self.norm = nn.LayerNorm(c.width)
        self.head_pi = nn.Linear(c.width, c.K)
        self.head_ab = nn.Linear(c.width, c.rank + 1 + c.H)
        self.M = nn.Parameter(torch.randn(c.K, c.H, c.rank) * c.rank**-0.5)
        self.s = nn.Parameter(torch.randn(c.K, c.H) * 0.5)
        for embedding in (self.embed_k, self.embed_role):
            nn.init.normal_(embedding.weight, std=0.02)
        nn.init.normal_(self.modulation.weight, std=0.02)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, visible_sum_BLH: torch.Tensor, k_BL: torch.Tensor, condition: SpeechCondition) -> HeadState:
        """`visible_sum [B, L, H]` in the generator's scale, `k [B, L]`, 0 on the prompt."""
        c = condition
        text_BLW = self.text.expand(self.text(c.phones), c.frames)
        # Prompts stand in front, so no more than the longest is looked at; a GPU's attention likes multiples.
        Q = min(c.prompt.shape[1], 16 * (int(c.prompt.sum(1).max()) // 16 + 1))
        voice_BW = self.voice(visible_sum_BLH[:, :Q], c.prompt[:, :Q])
        return self.trunk(visible_sum_BLH, k_BL, c.prompt, c.valid, text_BLW, voice_BW, c.drop_text, c.drop_voice)

    def trunk(
        self,
        z_BLH: torch.Tensor,
        k_BL: torch.Tensor,
        prompt_BL: torch.Tensor,
        valid_BL: torch.Tensor | None,
        text_BLW: torch.Tensor,
        voice_BW: torch.Tensor,
        drop_text_B: torch.Tensor,
        drop_voice_B: torch.Tensor,
        first: int = 0,
    ) -> HeadState:
        """All but the encoders of text and voice, which need to run but once a sentence. The head's state is of the positions from `first` on."""
        # Without the voice, neither the vector nor the prompt's tokens may tell it.
        z_BLH = z_BLH * ~(prompt_BL & drop_voice_B.unsqueeze(1)).unsqueeze(2)
        voice_BW = torch.where(drop_voice_B.unsqueeze(1), self.no_voice, voice_BW)
        text_BLW = torch.where(drop_text_B[:, None, None], self.no_text, text_BLW)
        x = self.embed_z(z_BLH) + self.embed_k(k_BL) + self.embed_role(prompt_BL.long()) + text_BLW + voice_BW.unsqueeze(1)
        x = self.before(x, valid_BL)
        modulation = self.modulation(F.silu(voice_BW)).unflatten(1, (6, self.config.width))
        h = self.merge(pairs(x if valid_BL is None else x * valid_BL.unsqueeze(2))).float()
        # Padding stands at the end, so a pair is valid where its first is.
        valid_pairs = None if valid_BL is None else valid_BL[:, ::2]
        for block in self.blocks:
            h = block(h, valid_pairs, modulation)
        x = self.after(x + positions(self.split(h), x.shape[1]), valid_BL)
        x = self.norm(x[:, first:]).flatten(0, 1)
        u, log_a, b = self.head_ab(x).split([self.config.rank, 1, self.config.H], 1)
        return HeadState(self.head_pi(x), u, log_a.squeeze(1), b)

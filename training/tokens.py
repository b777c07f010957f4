"""Pictures encoded once to tokens, cached beside the run, with what the generator needs to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from training.data import VALIDATION_EVERY, Pictures, centre_crop, load_pictures, split, to_float
from training.tokenizer import Tokenizer, TokenizerConfig


@dataclass
class TokenSet:
    """`x` int16 `[variants, N, L, D]` (as photographed and, where asked for, mirrored), `label [N]`; `scale` brings the sum of all depths to unit variance;
    `sigma [D]` is the standard deviation per dimension of what is left after each depth. The last two are measured on the training split."""

    x: torch.Tensor
    label: torch.Tensor
    x_validation: torch.Tensor
    label_validation: torch.Tensor
    classes: list[str]
    scale: float
    sigma: torch.Tensor

    def views(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Place in 0..1 of each training and validation picture among all pictures of its class, which are sorted by name."""
        train, validation = torch.zeros(len(self.label)), torch.zeros(len(self.label_validation))
        for c in range(len(self.classes)):
            t, v = (self.label == c).nonzero().squeeze(1), (self.label_validation == c).nonzero().squeeze(1)
            n = len(t) + len(v)
            index = torch.arange(n)
            held_out = index % VALIDATION_EVERY == 0
            train[t], validation[v] = index[~held_out] / max(1, n - 1), index[held_out] / max(1, n - 1)
        return train, validation

    def summed(self, e_DVH: torch.Tensor) -> torch.Tensor:
        """`[N, L, H]`: embeddings of the training pictures, summed over depth, in the generator's scale."""
        x = self.x[0].long()
        total = torch.zeros(*x.shape[:2], e_DVH.shape[2])
        for j in range(len(e_DVH)):
            total += e_DVH[j][x[:, :, j]]
        return total * self.scale


def load_tokenizer(runs: Path, name: str) -> tuple[Tokenizer, dict]:
    """The averaged weights of a tokenizer run, ready for inference, and its checkpoint's recipe."""
    path = runs / name / "checkpoint.pt"
    if not path.exists():
        raise SystemExit(f"There is no tokenizer at {path}. Train it first: python -m training.train_tokenizer --recipe …")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    tokenizer = Tokenizer(TokenizerConfig(**saved["recipe"]["model"])).to(memory_format=torch.channels_last)
    tokenizer.load_state_dict(saved["state"]["ema"])
    round_codebooks(tokenizer)
    return tokenizer.eval().requires_grad_(False), saved["recipe"]


def load_decoder(tokenizer: Tokenizer, runs: Path, name: str | None) -> int | None:
    """Gives the tokenizer the decoder that `training.train_decoder` taught in run `name`, if one is named. -> its step."""
    if name is None:
        return None
    path = runs / name / "checkpoint.pt"
    if not path.exists():
        raise SystemExit(f"There is no decoder at {path}. Train it first: python -m training.train_decoder --recipe …")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    weights = {key.removeprefix("decoder."): value for key, value in saved["state"]["ema"].items() if key.startswith("decoder.")}
    tokenizer.decoder.load_state_dict(weights)
    return saved["step"]


def round_codebooks(tokenizer: Tokenizer) -> None:
    """Packages ship float16 codebooks; rounding before tokens are made keeps training, export and engine on the same codes."""
    tokenizer.quantiser.e_DVH.copy_(tokenizer.quantiser.e_DVH.half().float())


@torch.inference_mode()
def _latents(tokenizer: Tokenizer, pictures: Pictures, mirrored: bool) -> torch.Tensor:
    """`[N, L, H]`, in float32: bfloat16 would move a code here and there, and `sigma` with them, from what the package's graph says."""
    pixels = centre_crop(pictures.pixels_NHWC, tokenizer.config.size)
    out = []
    for batch in tqdm(pixels.split(64), desc="encode mirrored" if mirrored else "encode", mininterval=5):
        x = to_float(batch.flip(2) if mirrored else batch).contiguous(memory_format=torch.channels_last)
        out.append(tokenizer.latents(x).float())
    return torch.cat(out)


@torch.inference_mode()
def _quantise(tokenizer: Tokenizer, z_NLH: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Codes int16 `[N, L, D]`, mean squared residual by depth `[D]`, variance of the summed embeddings."""
    e, codes, residual, variance = tokenizer.quantiser.e_DVH, [], torch.zeros(len(tokenizer.quantiser.e_DVH)), torch.zeros(())
    for z in z_NLH.split(256):
        r = z.flatten(0, 1)
        x = tokenizer.quantiser.encode(r)
        codes.append(x.unflatten(0, z.shape[:2]).to(torch.int16))
        total = torch.zeros_like(r)
        for j in range(len(e)):
            total = total + e[j][x[:, j]]
            residual[j] += (r - total).square().mean() * len(z)
        variance += total.square().mean() * len(z)
    return torch.cat(codes), residual / len(z_NLH), variance / len(z_NLH)


def token_set(runs: Path, tokenizer_name: str, data: str, cache: Path, mirror: bool = False) -> TokenSet:
    """Reads the cache, or encodes `data` and writes it."""
    if cache.exists():
        return TokenSet(**torch.load(cache, weights_only=True))
    tokenizer, _ = load_tokenizer(runs, tokenizer_name)
    train, validation = split(load_pictures(data, tokenizer.config.size))
    x, residual, variance = _quantise(tokenizer, _latents(tokenizer, train, False))
    variants = [x, _quantise(tokenizer, _latents(tokenizer, train, True))[0]] if mirror else [x]
    x_validation, _, _ = _quantise(tokenizer, _latents(tokenizer, validation, False))
    tokens = TokenSet(
        torch.stack(variants), train.label_N, x_validation, validation.label_N, train.classes, float(variance**-0.5), residual.sqrt()
    )
    cache.parent.mkdir(parents=True, exist_ok=True)
    torch.save(vars(tokens), cache)
    return tokens

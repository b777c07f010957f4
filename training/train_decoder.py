"""Teaches the decoder of a trained tokenizer to make clean pictures of tokens that a generator made.

    python -m training.train_decoder --recipe training/recipes/fruits-decoder.yaml

The tokenizer's decoder has seen none but real tokens, cut off at a depth at the worst. A generator's are real in the coarse and only likely in
the fine, and what the decoder makes of them is dull where it should be sharp. Here encoder and codebooks stand still, so tokens stay valid, and the
decoder alone learns on, from four kinds of tokens: real ones; real ones cut off at a depth; real ones whose masked tokens the generator drew in
a single step, to be decoded to the real picture; and whole samples, for which there is no picture and a critic alone judges. The critic sees features
of EfficientNet-lite0 and knows the class (Sauer et al. 2021, "Projected GANs"): it learns in minutes what a texture is. A small second one sees
pixels: those features are blind to a fine regular weave, by which the decoder would please the first. Both see pictures at any shift, so what
keeps to the lattice of the decoder's upsampling has a loss of its own.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from training.data import Pictures, centre_crop, load_pictures, split, to_float
from training.discriminator import FeatureCritic, PatchDiscriminator, discriminator_loss, generator_loss
from training.generator import Generator, GeneratorConfig
from training.judges import psnr
from training.masking import draw_masked_depths, masked_count
from training.perceptual import ClassFeatures, ClassNeighbours, FeatureDistance
from training.runner import Ema, Run, arguments, autocast, learning_rate, load_recipe, start_processes
from training.sampler import Sampling, Step, sample
from training.sheet import save_sheet, to_bytes
from training.tokenizer import Tokenizer
from training.tokens import TokenSet, load_tokenizer, token_set
from training.training_step import step_down

FIRST_SEED = 1_000_000  # far from the seeds of the evaluation, whose samples the decoder must not have seen


class Samples:
    """The newest `keep` samples of the generator: tokens `[n, L, D]` and their classes, refreshed as training goes on.

    Those of classes that still come out wrong are drawn more often: `miss [C]` follows the class loss of each.
    """

    def __init__(self, step: Step, sampling: Sampling, classes: int, keep: int):
        self.step, self.sampling, self.classes, self.keep = step, sampling, classes, keep
        self.miss = torch.ones(classes)
        self.x, self.label, self.made = torch.empty(0, step.generator.config.L, step.generator.config.D, dtype=torch.int16), torch.empty(0).long(), 0

    def make(self, count: int) -> None:
        seeds = [FIRST_SEED + self.made + i for i in range(count)]
        label = torch.tensor([seed * 37 % self.classes for seed in seeds])
        x = sample(self.step, label.tolist(), seeds, self.sampling).to(torch.int16)
        self.x, self.label = torch.cat([self.x, x])[-self.keep :].clone(), torch.cat([self.label, label])[-self.keep :]
        self.made += count

    def hard_ones(self, count: int, draw: torch.Generator) -> torch.Tensor:
        """Indices `[count]`."""
        return torch.multinomial(0.1 + self.miss[self.label], count, replacement=True, generator=draw)

    def missed(self, label_B: torch.Tensor, loss_B: torch.Tensor) -> None:
        for c, loss in zip(label_B.tolist(), loss_B.tolist()):
            self.miss[c] += 0.2 * (loss - self.miss[c])

    def state_dict(self) -> dict[str, object]:
        return {"miss": self.miss, "x": self.x, "label": self.label, "made": self.made}

    def load_state_dict(self, state: dict) -> None:
        self.x, self.label, self.made = state["x"], state["label"], state["made"]
        self.miss = state.get("miss", self.miss)


@torch.no_grad()
def redraw(step: Step, x_BLD: torch.Tensor, label_B: torch.Tensor, view_B: torch.Tensor, s: Sampling, span: tuple[float, float], draw: torch.Generator):
    """`x` with the tokens masked at a progress within `span` drawn by the generator in one step."""
    B, L, D = x_BLD.shape
    H = step.e_DVH.shape[2]
    r = span[0] + (span[1] - span[0]) * torch.rand(B, generator=draw)
    k = draw_masked_depths(masked_count(r, L * D, s.schedule), L, D, draw)
    guidance = s.guidance_from + (s.guidance_to - s.guidance_from) * torch.rand(B, generator=draw)
    uniform = torch.rand(B, L, generator=draw).clamp(1e-6, 1 - 1e-6)
    gaussian = torch.randn(B, L, H, generator=draw)
    full = lambda value: torch.full((B,), value)  # noqa: E731
    view = [view_B] if step.generator.config.views else []
    proposed, _ = step(x_BLD.int(), k, label_B, guidance, full(s.top_p), full(s.noise), uniform, gaussian, *view)
    return proposed.long()


@torch.inference_mode()
def validate(tokenizer: Tokenizer, x_NLD: torch.Tensor, pixels_NCSS: torch.Tensor, samples: Samples, run: Run) -> None:
    """PSNR by depth on validation pictures, and a sheet: real, reconstructed, then samples."""
    tokenizer.eval()
    row = {}
    for d in sorted({1, 2, 4, 8, x_NLD.shape[2]} & set(range(1, x_NLD.shape[2] + 1))):
        decoded = torch.cat([tokenizer.decode(b.long(), d).float() for b in x_NLD.split(64)])
        row[f"psnr_{d}"] = float(psnr(torch.from_numpy(to_bytes(decoded)), torch.from_numpy(to_bytes(pixels_NCSS))).mean())
    run.write(row)
    shown = torch.linspace(0, len(decoded) - 1, 12).long()
    made = tokenizer.decode(samples.x[:24].long()).float()
    save_sheet(run.folder / "samples" / f"{run.step + 1:06d}.png", torch.cat([pixels_NCSS[shown], decoded[shown], made]), 12)


@torch.inference_mode()
def pooled_features(network: ClassFeatures, pictures: Pictures, size: int, cache: Path) -> torch.Tensor:
    """`[networks, N, d]` of all training pictures, from `cache` if it is there."""
    if not cache.exists():
        device = next(network.parameters()).device
        pooled = []
        for batch in tqdm(pictures.pixels_NHWC.split(64), desc="features of training pictures", mininterval=5):
            with autocast(device):
                pooled.append(network(to_float(centre_crop(batch, size)).to(device)).cpu())
        cache.parent.mkdir(parents=True, exist_ok=True)
        torch.save(torch.cat(pooled, 1), cache)
    return torch.load(cache, weights_only=True)


def trained_step(runs: Path, name: str, tokenizer: Tokenizer, tokens: TokenSet) -> tuple[Step, Sampling]:
    """The generator of a run with its averaged weights, and the sampling settings of its recipe."""
    path = runs / name / "checkpoint.pt"
    if not path.exists():
        raise SystemExit(f"There is no generator at {path}. Train it first: python -m training.train_resgen --recipe …")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    t = tokenizer.config
    generator = Generator(GeneratorConfig(C=len(tokens.classes), L=t.L, D=t.D, H=t.H, **saved["recipe"]["model"])).eval().requires_grad_(False)
    generator.load_state_dict(saved["state"]["ema"])
    return Step(generator, tokenizer.quantiser.e_DVH, tokens.scale, tokens.sigma).eval(), Sampling(**saved["recipe"]["sampling"])


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    device = start_processes(args.threads)
    if dist.is_initialized():
        raise SystemExit("The decoder is trained by one process; start it without torchrun.")
    torch.manual_seed(recipe["seed"])
    runs = Path(args.runs)
    tokenizer, _ = load_tokenizer(runs, recipe["tokenizer"])
    tokens = token_set(runs, recipe["tokenizer"], recipe["data"], runs / recipe["generator"] / "tokens.pt")
    step, sampling = trained_step(runs, recipe["generator"], tokenizer, tokens)
    sampling = sampling.with_(steps=recipe["sample_steps"])
    size = tokenizer.config.size
    train, validation = split(load_pictures(recipe["data"], size))
    checked = torch.arange(0, len(validation), 20)
    x_checked, checked_pixels = tokens.x_validation[checked], to_float(centre_crop(validation.pixels_NHWC[checked], size))
    views = tokens.views()[0]

    tokenizer = tokenizer.to(device)
    tokenizer.decoder.requires_grad_(True)
    ema = Ema(tokenizer, recipe["ema"])
    network = FeatureDistance(recipe["max_stride"]).to(device)
    judging = ClassFeatures().to(device)
    # Every other picture of a class, as they are frames of a film, is near enough.
    bank = train.select(torch.arange(0, len(train), recipe["bank_every"]))
    pooled_MNd = pooled_features(judging, bank, size, runs / recipe["name"] / "class-features.pt")
    neighbours = ClassNeighbours(pooled_MNd, bank.label_N).to(device)
    critic = FeatureCritic(network.channels(size), len(tokens.classes)).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(tokenizer.decoder.parameters(), lr=recipe["lr"], betas=(0.5, 0.95), weight_decay=0.0)
    patches = PatchDiscriminator().to(device, memory_format=torch.channels_last)
    critics = nn.ModuleDict({"features": critic, "pixels": patches})
    critic_optimizer = torch.optim.AdamW(critics.parameters(), lr=recipe["critic_lr"], betas=(0.0, 0.95), weight_decay=0.0)
    samples = Samples(step, sampling, len(tokens.classes), recipe["samples"]["keep"])
    state: dict[str, object] = {"tokenizer": tokenizer, "ema": ema.module, "critics": critics, "samples": samples}
    state |= {"optimizer": optimizer, "critic_optimizer": critic_optimizer}
    share, w, D = recipe["batch"], recipe["weights"], tokenizer.config.D
    paired = share["real"] + share["cut"] + share["redrawn"]

    with Run(args, recipe, state) as run:
        draw = torch.Generator().manual_seed(recipe["seed"] + 1000 * run.step)
        for _ in tqdm(range(samples.made, recipe["samples"]["first"], 16), desc="first samples"):
            samples.make(16)
        for n in run.steps():
            if n % recipe["samples"]["every"] == 0:
                samples.make(16)
            index = torch.randint(len(train), (paired,), generator=draw)
            pixels = to_float(centre_crop(train.pixels_NHWC[index], size)).to(device)
            x, label = tokens.x[0, index].long(), tokens.label[index]
            depth = torch.full((paired + share["samples"],), D)
            depth[share["real"] : share["real"] + share["cut"]] = torch.randint(1, D + 1, (share["cut"],), generator=draw)
            last = slice(share["real"] + share["cut"], paired)
            x[last] = redraw(step, x[last], label[last], views[index[last]], sampling, recipe["redraw_span"], draw)
            picked = samples.hard_ones(share["samples"], draw)
            x, label = torch.cat([x, samples.x[picked].long()]).to(device), torch.cat([label, samples.label[picked]]).to(device)
            with torch.no_grad():
                z = sum(tokenizer.quantiser.e_DVH[j][x[:, :, j]] * (depth > j).view(-1, 1, 1).to(device) for j in range(D))

            # As many real pictures as made ones, of the same classes, so that class alone tells nothing.
            other = torch.stack([_random_of(tokens.label, int(c), draw) for c in label[paired:].tolist()])
            real = torch.cat([pixels, to_float(centre_crop(train.pixels_NHWC[other], size)).to(device)])
            tokenizer.decoder.train()
            with autocast(device):
                y = tokenizer.decode_latents(z)
                true, drawn = slice(0, share["real"] + share["cut"]), slice(share["real"] + share["cut"], paired)
                mse, mse_drawn = F.mse_loss(y[true].float(), pixels[true]), F.mse_loss(y[drawn].float(), pixels[drawn])
                made_shifted, real_shifted = shifted(y, real, draw)
                features, real_features = network.features(made_shifted), network.features(real_shifted)
                feature = network.distance([f[:paired] for f in features], [f[:paired] for f in real_features])
                critics.requires_grad_(False)
                adversarial, patch = generator_loss(critic(features, label)), generator_loss(patches(made_shifted))
                # What decodes real tokens is of its class by itself.
                of_class_B = neighbours(judging(made_shifted[drawn.start :]), label[drawn.start :])
                samples.missed(label[paired:].cpu(), of_class_B[paired - drawn.start :].detach().cpu())
                of_class = of_class_B.mean()
                ramp = min(1, n / recipe["ramp"])
                loss = w["mse"] * mse + w["mse_drawn"] * mse_drawn + w["feature"] * feature
                loss = loss + w["weave"] * (woven := weave(y, tokenizer.config.strides[0]))
                loss = loss + ramp * (w["adversarial"] * adversarial + w["patch"] * patch + w["of_class"] * of_class)
            lr = learning_rate(n, recipe["lr"], 100, run.total, recipe["decay_share"])
            step_down(loss, tokenizer.decoder, optimizer, lr)
            critics.requires_grad_(True)
            with autocast(device):
                critic_loss = discriminator_loss(critic(real_features, label), critic([f.detach() for f in features], label))
                patch_loss = discriminator_loss(patches(real_shifted), patches(made_shifted.detach()))
            step_down(critic_loss + patch_loss, critics, critic_optimizer, recipe["critic_lr"] * lr / recipe["lr"])
            ema.update(tokenizer, n)

            judged = {"weave": woven, "adversarial": adversarial, "critic": critic_loss, "patch": patch, "patch_critic": patch_loss}
            run.log(recipe["log_every"], mse=mse, mse_drawn=mse_drawn, feature=feature, of_class=of_class, **judged)
            if (n + 1) % recipe["validate_every"] == 0:
                validate(ema.module, x_checked, checked_pixels, samples, run)


def weave(pixels_BCSS: torch.Tensor, period: int) -> torch.Tensor:
    """Variance of what is left of a picture averaged over all cells of `period` by `period` pixels: little of a photograph, all of a pattern of that lattice."""
    cell = pixels_BCSS.float().unflatten(3, (-1, period)).unflatten(2, (-1, period)).mean((2, 4))
    return cell.var((2, 3), correction=0).mean()


def shifted(made: torch.Tensor, real: torch.Tensor, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Both moved alike by up to 4 pixels and perhaps mirrored, so that the critic can't learn pictures by heart (Zhao et al. 2020)."""
    pad = 4
    y, x = torch.randint(2 * pad + 1, (2,), generator=draw).tolist()
    side, mirror = made.shape[-1], bool(torch.rand((), generator=draw) < 0.5)
    moved = [F.pad(p, (pad,) * 4, mode="replicate")[:, :, y : y + side, x : x + side] for p in (made, real)]
    made, real = (p.flip(3) if mirror else p for p in moved)
    return made.contiguous(memory_format=torch.channels_last), real.contiguous(memory_format=torch.channels_last)


def _random_of(label_N: torch.Tensor, c: int, draw: torch.Generator) -> torch.Tensor:
    """Index of a random picture of class `c`; labels are sorted."""
    first, end = torch.searchsorted(label_N, torch.tensor([c, c + 1])).tolist()
    return torch.randint(first, end, (), generator=draw)


if __name__ == "__main__":
    main()

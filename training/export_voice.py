"""Writes a model package that speaks: the graphs of its codec, `text` and `step`, golden inputs and outputs, card, `model.json`.

    python -m training.export_voice --recipe training/recipes/voice-resgen.yaml --card docs/models/voice-en/card.md --out resources/models/voice-en
    python -m training.export_voice --recipe training/recipes/tiny-voice.yaml --random --out test/fixtures/speech/tiny-voice

As `training.export` does it for pictures: weights are rounded to float16 before anything is recorded, and every graph is run and compared. `--random`
packs untrained weights (for tests and benchmarks). Numbers of positions, phones and evaluations without a condition are free in the graphs.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from training.codec import Codec, CodecConfig, load_codec
from training.durations import DurationModel, load_durations
from training.export import about, camel, compare, export_graph, new_package, round_to_half, seed_bits, write_manifest
from training.export_codec import MIN_POSITIONS, RunParts
from training.export_codec import graph_cases as codec_cases
from training.masking import draw_masked_depths
from training.phone_table import PHONES, to_ids
from training.runner import load_recipe
from training.sampler import Sampling
from training.speech_generator import SpeechConfig, SpeechGenerator
from training.speech_sampler import NO_BRANCHES, Branches, SpeechStep, TextGraph, guidance_branches, sample_speech
from training.speech_tokens import LEVEL_DB, SpeechTokens, from_durations

GOLDEN_TEXT = ["_", "HH", "AH0", "L", "OW1", "_", "W", "ER1", "L", "D", "."]

Case = tuple[torch.nn.Module, dict[str, torch.Tensor], list[str], tuple[dict[int, object], ...]]


def random_models(recipe: dict[str, Any]) -> tuple[Codec, SpeechStep, DurationModel]:
    """Untrained weights with codebooks that shrink by depth, as trained ones do; every phone lasts about 60 ms."""
    torch.manual_seed(recipe["seed"])
    codec = Codec(CodecConfig(**recipe["codec_model"])).eval()
    c = codec.config
    sizes = 0.7 ** torch.arange(c.D)
    codec.quantiser.e_DVH.copy_(torch.randn(c.D, c.V, c.H) * sizes[:, None, None])
    codec.quantiser.e_DVH.copy_(codec.quantiser.e_DVH.half().float())
    generator = SpeechGenerator(SpeechConfig(D=c.D, H=c.H, **recipe["model"])).eval()
    round_to_half(generator)
    round_to_half(codec)
    durations = DurationModel()
    # Of the eight weights that add up for a phone.
    durations.weight.copy_(torch.log(torch.tensor(70.0)) / 8 + 0.05 * torch.randn(len(durations.weight)))
    step = SpeechStep(generator, codec.quantiser.e_DVH, float(sizes.square().sum() ** -0.5), sizes * 0.7).eval()
    return codec, step, durations


def mix_decoders(taught: Codec, own: Codec, share: float) -> None:
    """Moves the decoder's weights from the taught ones towards the codec's own, which keep more of a voice; `share` is what stays of the taught (Wortsman et al. 2022, WiSE-FT)."""
    with torch.no_grad():
        for a, b in zip(taught.decoder.parameters(), own.decoder.parameters()):
            a.lerp_(b, 1 - share)


def trained_models(recipe: dict[str, Any], runs: Path) -> tuple[Codec, SpeechStep, DurationModel]:
    # Encoder and codebooks are the same in both.
    codec, _ = load_codec(runs, recipe.get("decoder") or recipe["codec"])
    if recipe.get("decoder_share", 1.0) < 1.0:
        mix_decoders(codec, load_codec(runs, recipe["codec"])[0], recipe["decoder_share"])
    durations, _ = load_durations(runs, recipe["durations"])
    tokens = SpeechTokens.load(runs / recipe["name"] / "tokens.pt")
    path = runs / recipe["name"] / "checkpoint.pt"
    if not path.exists():
        raise SystemExit(f"There is no generator at {path}. Train it first: python -m training.train_speech --recipe …")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    generator = SpeechGenerator(SpeechConfig(D=codec.config.D, H=codec.config.H, **saved["recipe"]["model"])).eval()
    generator.load_state_dict(saved["state"]["ema"])
    round_to_half(codec)
    round_to_half(generator)
    return codec, SpeechStep(generator, codec.quantiser.e_DVH, tokens.scale, tokens.sigma).eval(), durations.eval()


def graph_cases(codec: Codec, step: SpeechStep, durations: DurationModel, most: int) -> Iterator[tuple[str, Case, list[dict[str, torch.Tensor]]]]:
    """(name, what to export, inputs of other sizes to compare with too). Clips and texts of a batch are of one length."""
    c, g = codec.config, step.generator.config
    draw = torch.Generator().manual_seed(7)
    batch = torch.export.Dim("B", min=1, max=64)
    free = {"P": torch.export.Dim("P", min=2, max=most), "Q": torch.export.Dim("Q", min=3, max=most)}
    length = torch.export.Dim("L", min=MIN_POSITIONS, max=2 * most)

    def tokens(B: int, L: int) -> torch.Tensor:
        return torch.randint(c.V, (B, L, c.D), generator=draw, dtype=torch.int32)

    def text_inputs(B: int, P: int, Q: int) -> dict[str, torch.Tensor]:
        phones = torch.randint(1, len(PHONES), (B, P), generator=draw, dtype=torch.int32)
        return {"phones": phones, "speed": torch.linspace(1.0, 1.5, B), "prompt": tokens(B, Q)}

    def step_inputs(B: int, L: int, P: int, Q: int, branches: Branches) -> dict[str, torch.Tensor]:
        k = draw_masked_depths(torch.linspace(L * c.D // 2, L * c.D, B).long(), L, c.D, draw).to(torch.int32)
        frames = torch.linspace(0, P - 1, L * g.frames_per_token).to(torch.int32).unflatten(0, (L, -1)).expand(B, -1, -1).contiguous()
        return {
            "tokens": tokens(B, L),
            "k": k,
            "text": torch.randn(B, P, g.width, generator=draw),
            "voice": torch.randn(B, g.width, generator=draw),
            "frames": frames,
            "prompt": tokens(B, Q),
            **vars(branches),
            "guidance": torch.linspace(1.5, 0.5, B),
            "top_p": torch.linspace(0.95, 0.9, B),
            "noise_scale": torch.linspace(1.0, 0.7, B),
            "uniform": torch.rand(B, L, generator=draw) * 0.999 + 0.0005,
            "gaussian": torch.randn(B, L, c.H, generator=draw),
        }

    rows, one = {0: batch}, {0: batch, 1: free["P"]}
    at_text = (one, rows, {0: batch, 1: free["Q"]})
    yield "text", (TextGraph(step, durations), text_inputs(2, 9, 12), ["text", "ms", "voice"], at_text), [text_inputs(1, 30, 20)]
    # Traced with two of each, as an exporter takes a dimension of one for fixed; the graphs run with none and one.
    two = Branches(torch.tensor([0.7, 0.2]), torch.tensor([0.3, 0.4]), torch.tensor([0, 1], dtype=torch.int32))
    textless, mute = torch.export.Dim("G", min=1, max=2), torch.export.Dim("F", min=1, max=2)
    along = {0: batch, 1: length}
    at_step = (along, along, one, rows, along, {0: batch, 1: free["Q"]}, {0: textless}, {0: mute}, {0: mute}, rows, rows, rows, along, along)
    others = [step_inputs(1, 37, 14, 11, b) for b in (guidance_branches(None), guidance_branches(0.3), NO_BRANCHES)]
    yield "step", (step, step_inputs(2, 20, 9, 8, two), ["proposed", "confidence"], at_step), others


def golden_speech(golden: dict[str, np.ndarray], codec: Codec, step: SpeechStep, durations: DurationModel, s: Sampling) -> dict[str, str]:
    """A whole seeded sentence by the Python sampler, for the engine to repeat: phones and a clip's tokens in, tokens out."""
    draw, c = torch.Generator().manual_seed(9), codec.config
    prompt = torch.randint(c.V, (1, 16, c.D), generator=draw, dtype=torch.int32)
    phones = torch.tensor([to_ids(GOLDEN_TEXT)], dtype=torch.int32)
    with torch.inference_mode():
        ms = TextGraph(step, durations)(phones, torch.tensor([1.25]), prompt)[1]
    seconds = (ms[0].double() / 1000).tolist()
    row = from_durations(phones[0].tolist(), seconds, prompt[0], c.rate / c.samples_per_latent, step.generator.config.frames_per_token)
    made = sample_speech(step, row, 4_000_000_000, s).unsqueeze(0)
    golden |= {"speech.in.phones": phones.numpy(), "speech.in.prompt": prompt.numpy(), "speech.in.ms": ms.numpy(), "speech.out.tokens": made.numpy()}
    golden["speech.in.seed"] = seed_bits([4_000_000_000])
    return {"sampling": json.dumps(camel(s))}


@torch.no_grad()
def export_voice(recipe: dict[str, Any], codec: Codec, step: SpeechStep, durations: DurationModel, out: Path, card: str | None) -> None:
    """Writes the package. Raises SystemExit where a graph differs from PyTorch."""
    c, g, package = codec.config, step.generator.config, recipe["package"]
    with new_package(out) as folder:
        golden: dict[str, np.ndarray] = {}
        cases = [(name, (module, inputs, outputs, shapes), []) for name, module, inputs, outputs, shapes in codec_cases(RunParts(codec).eval())]
        for name, (module, inputs, outputs, shapes), others in [*cases, *graph_cases(codec, step, durations, package["positions"])]:
            path = folder / f"{name}.onnx"
            export_graph(module, inputs, outputs, path, shapes)
            for tried in [*others, inputs]:
                result = module(*tried.values())
                expected = dict(zip(outputs, result if isinstance(result, tuple) else (result,)))
                compare(path, tried, expected)
            golden |= {f"{name}.in.{k}": v.numpy() for k, v in inputs.items()} | {f"{name}.out.{k}": v.numpy() for k, v in expected.items()}
        presets = {name: Sampling(**knobs) for name, knobs in package["presets"].items()}
        metadata = golden_speech(golden, codec, step, durations, presets["fast"])
        save_file({k: np.ascontiguousarray(v) for k, v in golden.items()}, folder / "golden.safetensors", metadata)
        save_file({"codebooks": codec.quantiser.e_DVH.half().numpy()}, folder / "codebooks.safetensors")
        (folder / "card.md").write_text(card or f"# {package['title']}\n\nUntrained weights, for tests and benchmarks only.\n")
        manifest = {
            **about(package, "speech"),
            "tokens": {"L": package["positions"], "D": c.D, "V": c.V, "H": c.H, "K": g.K},
            "schedule": recipe["schedule"],
            "sigma": [round(float(s), 6) for s in step.sigma_D],
            "sound": {"sampleRate": c.rate, "samplesPerPosition": c.samples_per_latent},
            "speech": {"phones": PHONES, "width": g.width, "framesPerPosition": g.frames_per_token, "levelDb": LEVEL_DB},
            "presets": [{"id": name, "sampling": camel(s)} for name, s in presets.items()],
            "defaultPreset": "balanced",
        }
        write_manifest(folder, out, manifest)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True)
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), type=Path)
    p.add_argument("--out", required=True, type=Path)
    p.add_argument("--card", type=Path, help="card.md to ship; a stub sentence for random weights")
    p.add_argument("--random", action="store_true", help="untrained weights of the recipe's sizes")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = p.parse_args()
    recipe = load_recipe(args.recipe, args.set)
    if not args.random and not args.card:
        raise SystemExit("A trained package ships with its card: pass --card card.md.")
    models = random_models(recipe) if args.random else trained_models(recipe, args.runs)
    export_voice(recipe, *models, args.out, args.card.read_text() if args.card else None)
    print(f"{args.out}: {sum(f.stat().st_size for f in args.out.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

"""Turns a codec into a package that the token inspector opens: our own, or an `EncodecModel` or a `DacModel` of Hugging Face transformers.

    pip install -r training/requirements-codecs.txt # for the models of transformers
    python -m training.export_codec --run voice-codec --id voice-codec --title "Voice codec" --licence MIT --card docs/models/voice-codec/card.md --out resources/models/voice-codec
    python -m training.export_codec --model facebook/encodec_24khz --id encodec-24khz --licence CC-BY-NC-4.0 --out models/encodec-24khz
    python -m training.export_codec --random encodec --id tiny-codec --licence CC0-1.0 --out test/fixtures/codecs/tiny-codec
    python -m training.export_codec --random dac --id tiny-dac --licence CC0-1.0 --out test/fixtures/codecs/tiny-dac

`--run` is a run of `training.train_codec`; `--model` a name on the hub or a folder that `save_pretrained` wrote. The package has no `step`: it encodes, decodes and is inspected, and
generates nothing. All of them add up one embedding a depth and decode the sum, which is all that the studio asks of a codec.

Weights are rounded to float16 before anything is recorded, as in `export.py`. The number of positions is free in both graphs; a clip has to be
a whole number of positions long (the studio fills up with silence), and at least `MIN_POSITIONS`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn
from torch.nn.utils import parametrize

from training.codec import Codec, load_codec
from training.export import compare, export_graph, new_package, round_to_half, write_manifest
from training.quantiser import sum_embeddings, with_zero_code

MAX_POSITIONS = 4096
"""What the studio takes: 54 s at 75 Hz."""
MIN_POSITIONS = 8
"""EnCodec pads by reflection, which needs more positions than its last kernel is wide."""
GOLDEN_POSITIONS = 12


class ExportableLSTM(nn.Module):
    """An `nn.LSTM` that is exported as ONNX's own operator: torch.export would unroll it over a fixed number of positions."""

    def __init__(self, lstm: nn.LSTM):
        super().__init__()
        self.lstm = lstm

    def forward(self, x_LBH: torch.Tensor) -> tuple[torch.Tensor]:
        if not torch.compiler.is_exporting():
            return self.lstm(x_LBH)
        for n in range(self.lstm.num_layers):
            # ONNX orders the gates input, output, forget, cell; PyTorch input, forget, cell, output.
            w, r, b_w, b_r = (
                torch.cat([getattr(self.lstm, f"{name}_l{n}").chunk(4)[gate] for gate in (0, 3, 1, 2)])
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            (y_L1BH,) = torch.onnx.ops.symbolic_multi_out(
                "LSTM",
                (x_LBH, w.unsqueeze(0), r.unsqueeze(0), torch.cat([b_w, b_r]).unsqueeze(0)),
                {"hidden_size": self.lstm.hidden_size},
                dtypes=(x_LBH.dtype,),
                shapes=((x_LBH.shape[0], 1, x_LBH.shape[1], self.lstm.hidden_size),),
                version=14,
            )
            x_LBH = y_L1BH.squeeze(1)
        return (x_LBH,)


def nearest_by_distance(e_VH: torch.Tensor, r_BLH: torch.Tensor) -> torch.Tensor:
    return (e_VH.square().sum(1) - 2 * (r_BLH @ e_VH.t())).argmin(2)


class EncodecParts(nn.Module):
    """Encoder, codebooks and decoder of an `EncodecModel`, for lengths that are a whole number of hops."""

    def __init__(self, model: nn.Module):
        super().__init__()
        config = model.config
        if config.audio_channels != 1 or config.normalize or config.chunk_length_s is not None:
            raise SystemExit("Only mono EnCodec models without normalisation and chunks become packages: take the 24 kHz one.")
        if config.last_kernel_size > MIN_POSITIONS or config.kernel_size > MIN_POSITIONS:
            raise SystemExit(f"Kernels of more than {MIN_POSITIONS} positions need longer clips than the studio promises.")
        self.encoder, self.decoder = model.encoder, model.decoder
        self.hop, self.rate = config.hop_length, config.sampling_rate
        self.e_DVH = nn.Buffer(torch.stack([layer.codebook.embed for layer in model.quantizer.layers]))
        for module in list(self.modules()):
            if isinstance(getattr(module, "lstm", None), nn.LSTM):
                module.lstm = ExportableLSTM(module.lstm)
            if hasattr(module, "_get_extra_padding_for_conv1d"):
                # 0 for whole hops. As numbers, because what is computed from a length in tensors would fix that length in the graph.
                padding = int(module.padding_total)
                del module.padding_total
                module.padding_total = padding
                module._get_extra_padding_for_conv1d = lambda _: 0
            if parametrize.is_parametrized(module):
                for name in list(module.parametrizations):
                    parametrize.remove_parametrizations(module, name)

    def nearest(self, j: int, r_BLH: torch.Tensor) -> torch.Tensor:
        return nearest_by_distance(self.e_DVH[j], r_BLH)


class DacParts(nn.Module):
    """Encoder, codebooks and decoder of a `DacModel`. `e_DVH` are the codes as the decoder adds them up, after each depth's own projection."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.encoder, self.decoder = model.encoder, model.decoder
        self.quantizers = model.quantizer.quantizers
        self.hop, self.rate = int(model.config.hop_length), model.config.sampling_rate
        e_DVH = [q.out_proj(q.codebook.weight.t().unsqueeze(0)).squeeze(0).t() for q in self.quantizers]
        self.e_DVH = nn.Buffer(torch.stack(e_DVH).detach())

    def nearest(self, j: int, r_BLH: torch.Tensor) -> torch.Tensor:
        """By angle, in the few dimensions of the codebook, as DAC was trained."""
        q = self.quantizers[j]
        low = q.in_proj(r_BLH.transpose(1, 2)).transpose(1, 2)
        return (F.normalize(low, dim=2) @ F.normalize(q.codebook.weight, dim=1).t()).argmax(2)


class RunParts(nn.Module):
    """The same of our own codec (`training.codec`), with the axes where those have them."""

    def __init__(self, codec: Codec):
        super().__init__()
        self.codec = codec
        self.hop, self.rate = codec.config.samples_per_latent, codec.config.rate
        self.e_DVH = codec.quantiser.e_DVH

    def encoder(self, samples_B1N: torch.Tensor) -> torch.Tensor:
        return self.codec.encoder(samples_B1N.squeeze(1)).transpose(1, 2)

    def decoder(self, z_BHL: torch.Tensor) -> torch.Tensor:
        return self.codec.decoder(z_BHL.transpose(1, 2)).unsqueeze(1)

    def nearest(self, j: int, r_BLH: torch.Tensor) -> torch.Tensor:
        return nearest_by_distance(self.e_DVH[j], r_BLH)


Parts = EncodecParts | DacParts | RunParts


class SoundDecodeGraph(nn.Module):
    """tokens int32 `[B, L, D]`, depth int32 `[B, L]` -> samples float32 `[B, L * hop]`."""

    def __init__(self, parts: Parts):
        super().__init__()
        self.parts = parts

    def forward(self, tokens: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        e_DVH = self.parts.e_DVH
        z = sum_embeddings(with_zero_code(e_DVH), tokens, depth.unsqueeze(2) > torch.arange(len(e_DVH)))
        samples = self.parts.decoder(z.transpose(1, 2)).squeeze(1)
        # DAC's transposed convolutions lose a few samples at the end where a stride is odd.
        return F.pad(samples, (0, tokens.shape[1] * self.parts.hop - samples.shape[1]))


class SoundEncodeGraph(nn.Module):
    """samples float32 `[B, L * hop]` -> tokens int32 `[B, L, D]`, residual float32 `[B, L, D]`."""

    def __init__(self, parts: Parts):
        super().__init__()
        self.parts = parts

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        r = self.parts.encoder(samples.unsqueeze(1)).transpose(1, 2)
        tokens, residual = [], []
        for j in range(self.parts.e_DVH.shape[0]):
            code = self.parts.nearest(j, r)
            r = r - self.parts.e_DVH[j][code]
            tokens.append(code.to(torch.int32))
            residual.append(r.square().mean(2))
        return torch.stack(tokens, 2), torch.stack(residual, 2)


def load_parts(name: str) -> EncodecParts | DacParts:
    # Here, so that the rest of training/ does without transformers.
    from transformers import AutoConfig, DacModel, EncodecModel

    config = AutoConfig.from_pretrained(name)
    if config.model_type == "encodec":
        parts = EncodecParts(EncodecModel.from_pretrained(name).eval())
    elif config.model_type == "dac":
        parts = DacParts(DacModel.from_pretrained(name).eval())
    else:
        raise SystemExit(f"“{config.model_type}” is no codec that this script knows. Give it an EncodecModel or a DacModel.")
    round_to_half(parts)
    parts.e_DVH.copy_(parts.e_DVH.half().float())
    return parts.eval()


def load_run(runs: Path, name: str) -> RunParts:
    codec, _ = load_codec(runs, name)
    round_to_half(codec)
    return RunParts(codec).eval()


def random_encodec() -> nn.Module:
    """A tiny EnCodec with untrained weights, whose codebooks shrink by depth as trained ones do: D = 4, V = 16, H = 8, 8 samples a position."""
    from transformers import EncodecConfig, EncodecModel

    torch.manual_seed(0)
    # The bandwidth is what gives 4 depths of 4 bits at 1000 positions a second.
    sizes = {"num_filters": 4, "hidden_size": 8, "upsampling_ratios": [4, 2], "codebook_size": 16}
    model = EncodecModel(EncodecConfig(**sizes, sampling_rate=8000, target_bandwidths=[16.0])).eval()
    for j, layer in enumerate(model.quantizer.layers):
        layer.codebook.embed.copy_(torch.randn_like(layer.codebook.embed) * 0.7**j)
    return model


def random_dac() -> nn.Module:
    """A tiny DAC with untrained weights, with a projection before each codebook and after it: D = 4, V = 16, H = 16, 6 samples a position."""
    from transformers import DacConfig, DacModel

    torch.manual_seed(0)
    sizes = {"encoder_hidden_size": 4, "decoder_hidden_size": 16, "downsampling_ratios": [2, 3]}
    codes = {"n_codebooks": 4, "codebook_size": 16, "codebook_dim": 3}
    return DacModel(DacConfig(**sizes, **codes, sampling_rate=8000)).eval()


RANDOM = {"encodec": random_encodec, "dac": random_dac}


def graph_cases(parts: Parts):
    """(name, module, golden inputs, output names, dynamic shapes); two clips a batch, one of them decoded at half its depth."""
    D, V, _ = parts.e_DVH.shape
    draw = torch.Generator().manual_seed(7)
    B, L = 2, GOLDEN_POSITIONS
    batch = torch.export.Dim("B", min=1, max=64)
    length = torch.export.Dim("L", min=MIN_POSITIONS, max=MAX_POSITIONS)
    tokens = torch.randint(V, (B, L, D), generator=draw, dtype=torch.int32)
    depth = torch.tensor([[D], [max(1, D // 2)]], dtype=torch.int32).expand(B, L).contiguous()
    shapes = ({0: batch, 1: length}, {0: batch, 1: length})
    yield "decode", SoundDecodeGraph(parts), {"tokens": tokens, "depth": depth}, ["samples"], shapes
    time = torch.arange(L * parts.hop) / parts.rate
    # Noise and no tone: the logarithm of a bin that holds little more than rounding errors may be anything.
    samples = torch.randn(2, L * parts.hop, generator=draw) * torch.stack([0.3 * torch.sin(2 * torch.pi * 3 * time), torch.full_like(time, 0.1)])
    yield "encode", SoundEncodeGraph(parts), {"samples": samples}, ["tokens", "residual"], ({0: batch, 1: parts.hop * length},)


@torch.no_grad()
def export_codec(source: str | RunParts, out: Path, id: str, title: str, version: str, licence: str, card: str | None = None) -> None:
    """Writes the package of a model of transformers, by name, or of our own. Raises SystemExit where a graph differs from PyTorch, or for a model that can't be one."""
    parts = load_parts(source) if isinstance(source, str) else source
    D, V, H = parts.e_DVH.shape
    with new_package(out) as folder:
        golden: dict[str, np.ndarray] = {}
        for name, module, inputs, outputs, shapes in graph_cases(parts):
            export_graph(module, inputs, outputs, folder / f"{name}.onnx", shapes)
            result = module(*inputs.values())
            expected = dict(zip(outputs, result if isinstance(result, tuple) else (result,)))
            compare(folder / f"{name}.onnx", inputs, expected)
            golden |= {f"{name}.in.{k}": v.numpy() for k, v in inputs.items()}
            golden |= {f"{name}.out.{k}": v.numpy() for k, v in expected.items()}
        save_file({k: np.ascontiguousarray(v) for k, v in golden.items()}, folder / "golden.safetensors")
        save_file({"codebooks": parts.e_DVH.half().numpy()}, folder / "codebooks.safetensors")
        facts = f"{D} depths of {V} codes, {parts.rate / parts.hop:.4g} positions a second, {parts.rate} Hz"
        made_from = f"from `{Path(source).name}` " if isinstance(source, str) else ""
        (folder / "card.md").write_text(card or f"# {title}\n\nMade {made_from}by `training/export_codec.py`: {facts}.\n")
        manifest = {
            "format": 1,
            "id": id,
            "version": version,
            "kind": "speech",
            "title": title,
            "description": f"A codec to inspect: {facts}.",
            "licence": licence,
            "tokens": {"L": MAX_POSITIONS, "D": D, "V": V, "H": H},
            "sound": {"sampleRate": parts.rate, "samplesPerPosition": parts.hop},
        }
        write_manifest(folder, out, manifest)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = p.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", help="name on the hub, or a folder that save_pretrained wrote")
    source.add_argument("--run", help="name of a run of training.train_codec")
    source.add_argument("--random", choices=RANDOM, help="a tiny one with untrained weights, for tests")
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), type=Path)
    p.add_argument("--out", required=True, type=Path)
    p.add_argument("--id", required=True, help="id of the package: lower-case letters, digits and dashes")
    p.add_argument("--title", help="default: the id")
    p.add_argument("--version", default="1.0.0")
    p.add_argument("--licence", required=True, help="of the weights, as their authors say")
    p.add_argument("--card", type=Path, help="card.md to ship; a sentence of facts where left out")
    args = p.parse_args()
    card = args.card.read_text() if args.card else None
    with tempfile.TemporaryDirectory() as folder:
        if args.random:
            RANDOM[args.random]().save_pretrained(Path(folder) / f"random-{args.random}")
        source = load_run(args.runs, args.run) if args.run else args.model or str(Path(folder) / f"random-{args.random}")
        export_codec(source, args.out, args.id, args.title or args.id, args.version, args.licence, card)
    print(f"{args.out}: {sum(f.stat().st_size for f in args.out.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

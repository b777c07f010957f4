"""Writes a model package: ONNX graphs with float16 weights, codebooks, golden inputs and outputs, card, `model.json`.

    python -m training.export --recipe training/recipes/fruits-resgen.yaml --out resources/models/fruits
    python -m training.export --recipe training/recipes/tiny.yaml --random --out test/fixtures/models/tiny

Weights are rounded to float16 before anything is recorded, so PyTorch and onnxruntime compute from the same numbers; the graphs cast them
to float32 as they load. Every graph is run and compared before the package takes its place. `--random` packs untrained weights (for tests
and benchmarks).
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from PIL import Image
from safetensors.numpy import save_file
from torch import nn

from training.data import centre_crop, load_pictures, split
from training.generator import Generator, GeneratorConfig
from training.masking import draw_masked_depths
from training.quantiser import sum_embeddings, with_zero_code
from training.runner import load_recipe
from training.sampler import Sampling, Step, sample
from training.tokenizer import Tokenizer, TokenizerConfig
from training.tokens import load_decoder, load_tokenizer, round_codebooks

OPSET = 20
TOLERANCE = 1e-3


class DecodeGraph(nn.Module):
    """tokens int32 `[B, L, D]`, depth int32 `[B, L]` -> pixels uint8 `[B, S, S, 3]`."""

    def __init__(self, tokenizer: Tokenizer):
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, tokens: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        e_DVH, g = self.tokenizer.quantiser.e_DVH, self.tokenizer.config.grid
        z = sum_embeddings(with_zero_code(e_DVH), tokens, depth.unsqueeze(2) > torch.arange(len(e_DVH)))
        pixels = self.tokenizer.decoder(z.transpose(1, 2).unflatten(2, (g, g)))
        return (pixels.clamp(-1, 1) * 127.5 + 127.5).round().permute(0, 2, 3, 1).to(torch.uint8)


class EncodeGraph(nn.Module):
    """pixels uint8 `[B, S, S, 3]` -> tokens int32 `[B, L, D]`, residual float32 `[B, L, D]`."""

    def __init__(self, tokenizer: Tokenizer):
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        r = self.tokenizer.encoder(pixels.float().permute(0, 3, 1, 2) / 127.5 - 1).flatten(2).transpose(1, 2)
        tokens, residual = [], []
        for e_VH in self.tokenizer.quantiser.e_DVH:
            code = (e_VH.square().sum(1) - 2 * (r @ e_VH.t())).argmin(2)
            r = r - e_VH[code]
            tokens.append(code.to(torch.int32))
            residual.append(r.square().mean(2))
        return torch.stack(tokens, 2), torch.stack(residual, 2)


def round_to_half(module: nn.Module) -> None:
    for p in module.parameters():
        p.data = p.data.half().float()


def halve_weights(model: onnx.ModelProto) -> None:
    """Stores every float32 initializer of more than 64 numbers as float16 with a Cast behind it, which onnxruntime folds away on loading.

    Only what float16 holds exactly is converted, so this loses nothing: derived constants stay float32.
    """
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if values.size <= 64 or not np.array_equal(values.astype(np.float16).astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for node in reversed(casts):
        model.graph.node.insert(0, node)


def export_graph(
    module: nn.Module,
    inputs: dict[str, torch.Tensor],
    outputs: list[str],
    path: Path,
    dynamic_shapes: tuple[dict[int, object], ...] | None = None,
) -> None:
    """`dynamic_shapes` has the free axes of each input; the batch alone where it is left out."""
    batch = torch.export.Dim("B", min=1, max=64)
    shapes = dynamic_shapes or tuple({0: batch} for _ in inputs)
    # Exported first by itself: handed a bare module, the ONNX exporter would fix the batch size where this raises an error.
    exported = torch.export.export(module.eval(), tuple(inputs.values()), dynamic_shapes=shapes)
    program = torch.onnx.export(
        exported,
        input_names=list(inputs),
        output_names=outputs,
        opset_version=OPSET,
        dynamo=True,
        optimize=True,
        verbose=False,
    )
    model = program.model_proto
    halve_weights(model)
    model.doc_string = ""
    for node in model.graph.node:
        # The exporter records source paths of the machine that ran it.
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "B"
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def compare(path: Path, inputs: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Raises SystemExit where onnxruntime and PyTorch differ by more than the tolerance.

    Codes are ties broken by rounding now and then, and one such flip changes all deeper codes of its position, so 1 in 200 positions may.
    """
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(list(expected), {name: value.numpy() for name, value in inputs.items()})
    for (name, want), have in zip(expected.items(), got):
        want = want.numpy()
        if have.dtype != want.dtype or have.shape != want.shape:
            raise SystemExit(f"{path.name} {name}: {have.dtype}{have.shape}, PyTorch gives {want.dtype}{want.shape}")
        if want.dtype == np.uint8:
            bad = np.abs(have.astype(int) - want.astype(int)).max() > 1
        elif want.dtype == np.int32:
            bad = (have != want).any(-1).mean() > 0.005
        else:
            error = np.abs(have - want) / (1 + np.abs(want))
            bad = (error.max(-1) > TOLERANCE).mean() > 0.005
        if bad:
            raise SystemExit(f"{path.name}: output {name} differs from PyTorch's")
        print(f"{path.name} {name}: equal within tolerance, {np.abs(have.astype(np.float64) - want).max():.2g} at most")


def random_models(recipe: dict) -> tuple[Tokenizer, Generator, float, torch.Tensor, list[str]]:
    """Untrained weights with codebooks that shrink by depth, as trained ones do."""
    torch.manual_seed(recipe["seed"])
    tokenizer = Tokenizer(TokenizerConfig(**recipe["tokenizer_model"])).eval()
    t, classes = tokenizer.config, recipe["classes"]
    sizes = 0.7 ** torch.arange(t.D)
    tokenizer.quantiser.e_DVH.copy_(torch.randn(t.D, t.V, t.H) * sizes[:, None, None])
    generator = Generator(GeneratorConfig(C=len(classes), L=t.L, D=t.D, H=t.H, **recipe["model"])).eval()
    return tokenizer, generator, float(sizes.square().sum() ** -0.5), sizes * 0.7, classes


def trained_models(recipe: dict, runs: Path) -> tuple[Tokenizer, Generator, float, torch.Tensor, list[str]]:
    tokenizer, _ = load_tokenizer(runs, recipe["tokenizer"])
    load_decoder(tokenizer, runs, recipe.get("decoder"))
    tokens = torch.load(runs / recipe["name"] / "tokens.pt", weights_only=True)
    saved = torch.load(runs / recipe["name"] / "checkpoint.pt", map_location="cpu", weights_only=True)
    t = tokenizer.config
    generator = Generator(GeneratorConfig(C=len(tokens["classes"]), L=t.L, D=t.D, H=t.H, **recipe["model"])).eval()
    generator.load_state_dict(saved["state"]["ema"])
    return tokenizer, generator, tokens["scale"], tokens["sigma"], tokens["classes"]


def thumbnails(recipe: dict, tokenizer: Tokenizer, tile: int, columns: int) -> bytes:
    """One tile a class: the model's own reconstruction of the class's first validation picture."""
    _, validation = split(load_pictures(recipe["data"], tokenizer.config.size))
    first = [int((validation.label_N == c).nonzero()[0]) for c in range(len(validation.classes))]
    pixels = centre_crop(validation.pixels_NHWC[first], tokenizer.config.size)
    graph = DecodeGraph(tokenizer)
    x, _ = EncodeGraph(tokenizer)(pixels)
    tiles = graph(x, torch.full(x.shape[:2], tokenizer.config.D)).numpy()
    sheet = Image.new("RGB", (columns * tile, -(-len(tiles) // columns) * tile), "white")
    for i, picture in enumerate(tiles):
        sheet.paste(Image.fromarray(picture).resize((tile, tile), Image.Resampling.LANCZOS), (i % columns * tile, i // columns * tile))
    data = io.BytesIO()
    sheet.save(data, "WEBP", quality=88)
    return data.getvalue()


@torch.inference_mode()
def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True)
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), type=Path)
    p.add_argument("--out", required=True, type=Path)
    p.add_argument("--card", type=Path, help="card.md to ship (training.card writes it); a stub sentence for random weights")
    p.add_argument("--random", action="store_true", help="untrained weights from the recipe's tokenizer_model and classes")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = p.parse_args()
    recipe = load_recipe(args.recipe, args.set)
    if not args.random and not args.card:
        raise SystemExit("A trained package ships with its card: pass --card card.md (python -m training.card writes it).")

    tokenizer, generator, scale, sigma, classes = random_models(recipe) if args.random else trained_models(recipe, args.runs)
    round_codebooks(tokenizer)
    round_to_half(tokenizer)
    round_to_half(generator)
    step = Step(generator, tokenizer.quantiser.e_DVH, scale, sigma).eval()

    with new_package(args.out) as folder:
        write_package(folder, args.out, recipe, tokenizer, step, classes, args.card, args.random)
    print(f"{args.out}: {sum(f.stat().st_size for f in args.out.iterdir()) / 1e6:.1f} MB")


def write_package(folder: Path, out: Path, recipe: dict, tokenizer: Tokenizer, step: Step, classes: list[str], card_file: Path | None, random: bool) -> None:
    t, c, sigma, package = tokenizer.config, step.generator.config, step.sigma_D, recipe["package"]
    golden: dict[str, np.ndarray] = {}
    for name, module, inputs, outputs in graph_cases(step, tokenizer):
        path = folder / f"{name}.onnx"
        export_graph(module, inputs, outputs, path)
        result = module(*inputs.values())
        expected = dict(zip(outputs, result if isinstance(result, tuple) else (result,)))
        compare(path, inputs, expected)
        golden |= {f"{name}.in.{k}": v.numpy() for k, v in inputs.items()}
        golden |= {f"{name}.out.{k}": v.numpy() for k, v in expected.items()}
    presets = {name: Sampling(**knobs) for name, knobs in package["presets"].items()}
    metadata = golden_generation(golden, step, presets["fast"])
    save_file({k: np.ascontiguousarray(v) for k, v in golden.items()}, folder / "golden.safetensors", metadata)
    save_file({"codebooks": tokenizer.quantiser.e_DVH.half().numpy()}, folder / "codebooks.safetensors")
    card = card_file.read_text() if card_file else f"# {package['title']}\n\nUntrained weights, for tests and benchmarks only.\n"
    (folder / "card.md").write_text(card)

    manifest = {
        **about(package, "image"),
        "tokens": {"L": t.L, "D": t.D, "V": t.V, "H": t.H, "K": c.K, "grid": [t.grid, t.grid]},
        "schedule": recipe["schedule"],
        "sigma": [round(float(s), 6) for s in sigma],
        "classes": classes,
        "views": c.views > 0,
        "image": {"size": t.size},
        "presets": [{"id": name, "sampling": camel(s)} for name, s in presets.items()],
        "defaultPreset": "balanced",
    }
    if not random:
        tile, columns = 64, 12
        (folder / "thumbnails.webp").write_bytes(thumbnails(recipe, tokenizer, tile, columns))
        manifest["thumbnails"] = {"columns": columns, "tile": tile}
    write_manifest(folder, out, manifest)


@contextlib.contextmanager
def new_package(out: Path) -> Iterator[Path]:
    """A folder to write a package into, which takes the place of `out` once all went well."""
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".export-", dir=out.parent))
    try:
        yield folder
        shutil.rmtree(out, ignore_errors=True)
        folder.chmod(0o755)
        for path in folder.iterdir():
            path.chmod(0o644)
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep_equal_graphs(folder: Path, out: Path) -> list[str]:
    """Graphs of `folder` that `out` has with the same operations and the same numbers are taken from there: the exporter writes another file at each
    run, and a repository would keep all of them. -> their names."""
    equal = []
    for path in sorted(folder.glob("*.onnx")):
        shipped = out / path.name
        if shipped.exists() and _content(shipped) == _content(path):
            shutil.copyfile(shipped, path)
            equal.append(path.name)
    return equal


def _content(path: Path) -> list[tuple[object, ...]]:
    """Each operation with its attributes and where its inputs come from: numbers, an input of the graph or another operation. Names count for nothing."""
    graph = onnx.load(str(path)).graph
    source: dict[str, object] = {"": None} | {value.name: i for i, value in enumerate(graph.input)}
    for t in graph.initializer:
        values = onnx.numpy_helper.to_array(t)
        # Added to 0, -0 is 0: averaging a decoder with itself changes the sign of its zeros, and nothing else.
        source[t.name] = (t.data_type, *t.dims, hashlib.sha256((values + 0 if values.dtype.kind == "f" else values).tobytes()).digest())
    operations: list[tuple[object, ...]] = []
    for node in graph.node:
        attributes = sorted(a.SerializeToString(deterministic=True) for a in node.attribute)
        source |= {name: (len(operations), i) for i, name in enumerate(node.output)}
        operations.append((node.op_type, *attributes, *(source[name] for name in node.input)))
    return [*operations, tuple(source[value.name] for value in graph.output)]


def about(package: dict[str, str], kind: str) -> dict[str, object]:
    """What a manifest begins with, whatever the kind: the recipe's `package`."""
    return {"format": 1, "id": package["id"], "version": package["version"], "kind": kind} | {
        key: package[key] for key in ("title", "description", "licence")
    }


def write_manifest(folder: Path, out: Path, manifest: dict[str, object]) -> None:
    """`model.json` with a description of every file of the folder, whose graphs are those of `out` where they have not changed."""
    if equal := keep_equal_graphs(folder, out):
        print(f"As in the package before: {', '.join(equal)}")
    files = {path.stem if path.suffix != ".md" else "card": describe(path) for path in sorted(folder.iterdir())}
    (folder / "model.json").write_text(json.dumps({**manifest, "files": files}, indent=1, ensure_ascii=False) + "\n")


def graph_cases(step: Step, tokenizer: Tokenizer):
    """(name, module, golden inputs, output names); two items a batch, masks from none to all."""
    t, C = tokenizer.config, step.generator.config.C
    draw = torch.Generator().manual_seed(7)
    B = 2
    tokens = torch.randint(t.V, (B, t.L, t.D), generator=draw, dtype=torch.int32)
    k = draw_masked_depths(torch.tensor([t.L * t.D, t.L * t.D // 2]), t.L, t.D, draw).to(torch.int32)
    step_inputs = {
        "tokens": tokens,
        "k": k,
        "condition": torch.tensor([0, C - 1], dtype=torch.int32),
        "guidance": torch.tensor([0.5, 1.5]),
        "top_p": torch.tensor([0.9, 0.95]),
        "noise_scale": torch.tensor([0.7, 1.0]),
        "uniform": torch.rand(B, t.L, generator=draw) * 0.999 + 0.0005,
        "gaussian": torch.randn(B, t.L, t.H, generator=draw),
    }
    if step.generator.config.views:
        step_inputs["view"] = torch.tensor([0.3, -1.0])
    yield "step", step, step_inputs, ["proposed", "confidence"]
    depth = torch.tensor([[t.D], [max(1, t.D // 2)]], dtype=torch.int32).expand(B, t.L).contiguous()
    yield "decode", DecodeGraph(tokenizer), {"tokens": tokens, "depth": depth}, ["pixels"]
    pixels = torch.randint(256, (B, t.size // 8, t.size // 8, 3), generator=draw, dtype=torch.uint8)
    pixels = pixels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    yield "encode", EncodeGraph(tokenizer), {"pixels": pixels}, ["tokens", "residual"]


def golden_generation(golden: dict[str, np.ndarray], step: Step, sampling: Sampling) -> dict[str, str]:
    """A whole seeded generation by the Python sampler, for the engine's sampler to repeat."""
    condition, seeds = [0, step.generator.config.C - 1], [1, 4_000_000_000]
    golden["sample.in.condition"] = np.array(condition, np.int32)
    golden["sample.in.seed"] = seed_bits(seeds)
    golden["sample.out.tokens"] = sample(step, condition, seeds, sampling).numpy()
    return {"sampling": json.dumps(camel(sampling))}


def seed_bits(seeds: list[int]) -> np.ndarray:
    """Unsigned 32-bit seeds in the bits of int32, as safetensors of the studio have no unsigned ones."""
    return np.array(seeds, np.int64).astype(np.uint32).view(np.int32)


def camel(s: Sampling) -> dict[str, object]:
    return {
        "steps": s.steps,
        "schedule": s.schedule,
        "guidanceFrom": s.guidance_from,
        "guidanceTo": s.guidance_to,
        "topP": s.top_p,
        "tau": s.tau,
        "noise": s.noise,
        "reveal": s.reveal,
        **({"candidates": s.candidates} if s.candidates > 1 else {}),
        **({"voiceShare": s.voice_share} if s.voice_share is not None else {}),
    }


def describe(path: Path) -> dict[str, object]:
    data = path.read_bytes()
    return {"path": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


if __name__ == "__main__":
    main()

"""Makes run folders out of a model package, so that training goes on where another machine's stopped.

    python -m training.from_package --package resources/models/fruits --recipe training/recipes/fruits-resgen.yaml --runs runs
    python -m training.from_package --package resources/models/voice-en --recipe training/recipes/voice-resgen.yaml --runs runs
    python -m training.from_package --package resources/models/voice-codec --recipe training/recipes/voice-codec.yaml --runs runs

Writes `checkpoint.pt` of the tokenizer's, the decoder's and the generator's run: weights as shipped (averaged, rounded to float16), step 0, no optimizer. Of a
package that speaks they are the codec's, at the step where its encoder stands still, `durations.pt`, and the generator's; begin with `voice-codec`, as the
decoder of `voice-en` is another. The recipes must name the sizes that the package has. The result is held against the package's golden outputs before it is written.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.numpy import load_file
from torch import nn

from training.codec import Codec, CodecConfig
from training.durations import DurationModel
from training.export import DecodeGraph, EncodeGraph
from training.export_codec import RunParts, SoundDecodeGraph, SoundEncodeGraph
from training.generator import Generator, GeneratorConfig
from training.runner import load_recipe, write_checkpoint
from training.sampler import Step
from training.speech_generator import SpeechConfig, SpeechGenerator
from training.speech_sampler import SpeechStep, TextGraph
from training.tokenizer import Tokenizer, TokenizerConfig
from training.tokens import token_set


Golden = dict[str, torch.Tensor]


def graph_weights(path: Path, prefix: str) -> dict[str, torch.Tensor]:
    """Parameters of the module that `training.export` wrote as a graph, by their names below `prefix`.

    The exporter keeps the names of all weights but those of linear layers, which it transposes, and of group norms, which it makes `[C, 1, 1]`.
    The first are known by the bias that is added to their product; those without one, the norms, and tables that are looked up come unnamed
    in the order of the nodes.
    """
    graph = onnx.load(str(path)).graph
    constant = {t.name.removesuffix(".half"): numpy_helper.to_array(t) for t in graph.initializer}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    found = {name.removeprefix(prefix): value for name, value in constant.items() if name.startswith(prefix)}
    for node in graph.node:
        if node.op_type in ("Mul", "Add"):
            for value in (constant[n] for n in node.input if n in constant and constant[n].ndim == 3 and constant[n].shape[1:] == (1, 1)):
                found[f"? {len(found)}"] = value.reshape(-1)
            continue
        if node.op_type == "Conv" and len(node.input) == 3 and node.input[1].startswith(prefix):
            # Biases with equal numbers are stored once, under the name of the first.
            found[node.input[1].removeprefix(prefix).removesuffix("weight") + "bias"] = constant[node.input[2]]
            continue
        if node.op_type == "GatherND" and node.input[0] in constant and not node.input[0].startswith(prefix):
            found[f"? {len(found)}"] = constant[node.input[0]]
            continue
        weight = next((n for n in node.input[1:2] if n in constant and not n.startswith(prefix)), None)
        if node.op_type not in ("MatMul", "Gemm") or weight is None:
            continue
        biases = list(node.input[2:3]) or [n for user in users[node.output[0]] if user.op_type == "Add" for n in user.input]
        bias = next((n for n in biases if n.startswith(prefix) and n.endswith(".bias")), None)
        name = bias.removeprefix(prefix).removesuffix("bias") + "weight" if bias else f"? {len(found)}"
        found[name] = constant[weight].T
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in found.items()}


def load(module: nn.Module, found: dict[str, torch.Tensor]) -> list[str]:
    """Copies what fits by name and shape, then the unnamed in order to the parameters left of their shape. -> names that stay as they were."""
    missing, unnamed = [], [value for name, value in found.items() if name.startswith("? ")]
    for name, parameter in module.named_parameters():
        value = found.get(name)
        if value is None or value.shape != parameter.shape:
            value = next((v for v in unnamed if v.shape == parameter.shape), None)
            unnamed = [v for v in unnamed if v is not value]
        if value is None:
            missing.append(name)
        else:
            parameter.data.copy_(value)
    return missing


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--package", required=True, type=Path)
    p.add_argument("--recipe", required=True, help="the generator's, with that of the tokenizer or codec beside it under the name that it gives; or a codec's")
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), type=Path)
    args = p.parse_args()
    golden = {name: torch.from_numpy(value) for name, value in load_file(args.package / "golden.safetensors").items()}
    manifest = json.loads((args.package / "model.json").read_text())
    with torch.no_grad():
        if manifest["kind"] == "speech":
            speech_runs(args, golden, manifest)
        else:
            picture_runs(args, golden)


def shipped_codebooks(package: Path) -> torch.Tensor:
    """`[D, V, H]`."""
    return torch.from_numpy(load_file(package / "codebooks.safetensors")["codebooks"].astype(np.float32))


def picture_runs(args: argparse.Namespace, golden: Golden) -> None:
    recipe = load_recipe(args.recipe)
    tokenizer_recipe = load_recipe(Path(args.recipe).with_name(f"{recipe['tokenizer']}.yaml"))

    tokenizer = Tokenizer(TokenizerConfig(**tokenizer_recipe["model"])).eval().requires_grad_(False)
    load(tokenizer.encoder, graph_weights(args.package / "encode.onnx", "tokenizer.encoder."))
    load(tokenizer.decoder, graph_weights(args.package / "decode.onnx", "tokenizer.decoder."))
    sizes_differ = f"The tokenizer of {args.package} does not have the sizes of {recipe['tokenizer']}.yaml; set them there as the package's model.json says."
    codebooks = shipped_codebooks(args.package)
    if codebooks.shape != tokenizer.quantiser.e_DVH.shape:
        raise SystemExit(sizes_differ)
    tokenizer.quantiser.e_DVH.copy_(codebooks)
    decoded = DecodeGraph(tokenizer)(golden["decode.in.tokens"], golden["decode.in.depth"])
    encoded, _ = EncodeGraph(tokenizer)(golden["encode.in.pixels"])
    same = (encoded == golden["encode.out.tokens"]).float().mean()
    off = (decoded.int() - golden["decode.out.pixels"].int()).abs().max()
    print(f"tokenizer: {same:.4f} of the golden codes, pixels off by {off} at most")
    if same < 0.98 or off > 1:
        raise SystemExit(sizes_differ)
    for name in [recipe["tokenizer"], *([recipe["decoder"]] if "decoder" in recipe else [])]:
        write(args.runs / name, tokenizer_recipe, {"tokenizer": tokenizer, "ema": tokenizer}, 0)

    tokens = token_set(args.runs, recipe["tokenizer"], recipe["data"], args.runs / recipe["name"] / "tokens.pt", recipe.get("mirror", False))
    t = tokenizer.config
    generator = Generator(GeneratorConfig(C=len(tokens.classes), L=t.L, D=t.D, H=t.H, **recipe["model"])).eval().requires_grad_(False)
    left = load(generator, graph_weights(args.package / "step.onnx", "generator."))
    step = Step(generator, tokenizer.quantiser.e_DVH, tokens.scale, tokens.sigma)
    names = ("tokens", "k", "condition", "guidance", "top_p", "noise_scale", "uniform", "gaussian", "view")
    proposed, _ = step(*(golden[f"step.in.{name}"] for name in names if f"step.in.{name}" in golden))
    same = (proposed == golden["step.out.proposed"]).all(2).float().mean()
    print(f"generator: {same:.4f} of the golden positions alike; not in the package: {', '.join(left) or 'nothing'}")
    if not left and same < 0.98:
        raise SystemExit(f"The generator of {args.package} does not have the sizes of {args.recipe}.")
    write(args.runs / recipe["name"], recipe, {"generator": generator, "ema": generator}, 0)


def speech_runs(args: argparse.Namespace, golden: Golden, manifest: dict[str, Any]) -> None:
    """Of a package that speaks, or of a codec alone."""
    recipe = load_recipe(args.recipe)
    speaks = "step" in manifest["files"]
    if speaks != ("codec" in recipe):
        raise SystemExit(f"{args.package} {'speaks' if speaks else 'is a codec alone'}: name the recipe of {'its generator' if speaks else 'a codec'}.")
    codec_recipe = load_recipe(Path(args.recipe).with_name(f"{recipe['codec']}.yaml")) if speaks else recipe
    codec = speech_codec(args.package, codec_recipe, golden)
    # Where tokens that were made stay valid: from the start, training would move the encoder.
    write(args.runs / codec_recipe["name"], codec_recipe, {"codec": codec, "ema": codec}, codec_recipe["freeze_at"])
    if "decoder" in recipe:
        write(args.runs / recipe["decoder"], {"name": recipe["decoder"], "model": codec_recipe["model"]}, {"codec": codec, "ema": codec}, 0)
    if not speaks:
        return

    c, text, step = codec.config, args.package / "text.onnx", args.package / "step.onnx"
    generator = SpeechGenerator(SpeechConfig(D=c.D, H=c.H, **recipe["model"])).eval().requires_grad_(False)
    encoders = graph_weights(text, "step.generator.")
    # What a package lacks in one of its two graphs it has in the other.
    lacking = set(load(generator, {name: value for name, value in encoders.items() if name.startswith(("text.", "voice."))}))
    lacking &= set(load(generator, graph_weights(step, "generator.")))
    blocks = [*generator.text.blocks, *generator.voice.blocks]
    for block, bias in zip(blocks, folded_modulations(text, generator.config.width), strict=True):
        block.bias.copy_(bias)
    lacking -= {name for name, p in generator.named_parameters() if any(p is block.bias for block in blocks)}
    durations = DurationModel()
    durations.weight.copy_(looked_up(text, tuple(durations.weight.shape)))

    e_DVH = codec.quantiser.e_DVH
    scale = shipped_scale(step, e_DVH)
    speech_step = SpeechStep(generator, e_DVH, scale, torch.tensor(manifest["sigma"])).eval()
    inputs = {graph: golden_inputs(args.package, golden, graph) for graph in ("text", "step")}
    encoded = dict(zip(("text", "ms", "voice"), TextGraph(speech_step, durations)(**inputs["text"])))
    off = max(float((value - golden[f"text.out.{name}"]).abs().max() / golden[f"text.out.{name}"].abs().max()) for name, value in encoded.items())
    proposed, _ = speech_step(**inputs["step"])
    same = (proposed == golden["step.out.proposed"]).all(2).float().mean()
    print(f"generator: {same:.4f} of the golden positions alike, text and voice off by {off:.1g} of the largest at most; ", end="")
    print(f"not in the package: {', '.join(sorted(lacking)) or 'nothing'}")
    if not lacking and (same < 0.98 or off > 1e-2):
        raise SystemExit(f"The generator of {args.package} does not have the sizes of {args.recipe}.")
    write(args.runs / recipe["name"], recipe, {"generator": generator, "ema": generator}, 0)
    path = args.runs / recipe["durations"] / "durations.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # The paces of the training speakers are of use to nobody but the fit, which starts from the alignments anyway.
        torch.save({"model": durations.state_dict(), "pace": {}}, path)


def speech_codec(package: Path, recipe: dict[str, Any], golden: Golden) -> Codec:
    codec = Codec(CodecConfig(**recipe["model"])).eval().requires_grad_(False)
    q, codebooks = codec.quantiser, shipped_codebooks(package)
    sizes_differ = f"The codec of {package} does not have the sizes of the recipe {recipe['name']}; set them there as the package's model.json says."
    if codebooks.shape != q.e_DVH.shape:
        raise SystemExit(sizes_differ)
    # As k-means starts them: the averages of a codebook are not shipped.
    q.e_DVH.copy_(codebooks)
    q.sum_DVH.copy_(codebooks)
    q.count_DV.fill_(1.0)
    q.initialised.fill_(True)
    for name, module in {"encode": codec.encoder, "decode": codec.decoder}.items():
        lacking = load(module, graph_weights(package / f"{name}.onnx", f"parts.codec.{name}r."))
        print(f"codec, {name}: not in the package: {', '.join(lacking) or 'nothing'}")
    parts = RunParts(codec).eval()
    encoded, _ = SoundEncodeGraph(parts)(golden["encode.in.samples"])
    decoded = SoundDecodeGraph(parts)(golden["decode.in.tokens"], golden["decode.in.depth"])
    same = (encoded == golden["encode.out.tokens"]).float().mean()
    want = golden["decode.out.samples"]
    off = float((decoded - want).abs().max() / want.abs().max())
    print(f"codec: {same:.4f} of the golden codes, samples off by {off:.1g} of the loudest at most")
    if same < 0.98 or off > 1e-2:
        raise SystemExit(sizes_differ)
    return codec


def golden_inputs(package: Path, golden: Golden, graph: str) -> Golden:
    """By the names of the graph's inputs, which are those of the module's arguments."""
    names = [value.name for value in onnx.load(str(package / f"{graph}.onnx")).graph.input]
    return {name: golden[f"{graph}.in.{name}"] for name in names}


def shipped_scale(step: Path, e_DVH: torch.Tensor) -> float:
    """What the codec's codebooks were multiplied by for the generator: its graph has them in that scale, as one constant since voice-en 0.4.0."""
    D, V, H = e_DVH.shape
    constants = (numpy_helper.to_array(t) for t in onnx.load(str(step)).graph.initializer if list(t.dims) == [D, V, H])
    whole_DVH = next(constants, None)
    # Before, each codebook was looked up by itself, with a code of zeros behind it.
    scaled_VH = looked_up(step, (V + 1, H))[:V] if whole_DVH is None else torch.from_numpy(whole_DVH[0].astype(np.float32))
    return float((scaled_VH * e_DVH[0]).sum() / e_DVH[0].square().sum())


def looked_up(path: Path, shape: tuple[int, ...]) -> torch.Tensor:
    """The first constant of this shape that a graph looks something up in."""
    graph = onnx.load(str(path)).graph
    constant = {t.name.removesuffix(".half"): t for t in graph.initializer}
    for node in graph.node:
        if node.op_type.startswith("Gather") and node.input[0] in constant and tuple(constant[node.input[0]].dims) == shape:
            return torch.from_numpy(numpy_helper.to_array(constant[node.input[0]]).astype(np.float32))
    raise SystemExit(f"{path} looks nothing up in a table of {' x '.join(map(str, shape))} numbers. Take the recipe that the package was trained with.")


def folded_modulations(path: Path, width: int) -> Iterator[torch.Tensor]:
    """`SpeechBlock.bias` `[6, W]` of each block without a modulation from outside, in the order of the graph.

    Of them the exporter folds shift, scale and gate into six constants `[1, 1, W]` a block, in the order of their use: twice 1 + scale, shift, gate.
    """
    graph = onnx.load(str(path)).graph
    constant = {t.name.removesuffix(".half"): numpy_helper.to_array(t) for t in graph.initializer}
    used = [constant[n] for node in graph.node if node.op_type in ("Mul", "Add") for n in node.input if n in constant and constant[n].shape == (1, 1, width)]
    for i in range(0, len(used), 6):
        scale1, shift1, gate1, scale2, shift2, gate2 = (torch.from_numpy(value.astype(np.float32)).flatten() for value in used[i : i + 6])
        # Back to the float16 that was shipped: adding 1 rounded it.
        yield torch.stack([shift1, scale1 - 1, gate1, shift2, scale2 - 1, gate2]).half().float()


def write(folder: Path, recipe: dict[str, Any], state: dict[str, nn.Module], step: int) -> None:
    """A checkpoint at that step, without optimizers; one that is there stays, as it may have gone further."""
    path = folder / "checkpoint.pt"
    if path.exists():
        print(f"{path} exists and stays; to start again from the package, move that run away or give another --runs")
        return
    write_checkpoint(folder, {"step": step, "recipe": recipe, "state": {name: module.state_dict() for name, module in state.items()}})
    print(f"wrote {path}")


if __name__ == "__main__":
    main()

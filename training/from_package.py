"""Makes run folders out of a model package, so that training goes on where another machine's stopped.

    python -m training.from_package --package resources/models/fruits --recipe training/recipes/fruits-resgen.yaml --runs runs

Writes `checkpoint.pt` of the tokenizer's, the decoder's and the generator's run: weights as shipped (averaged, rounded to float16), step 0, no optimizer. The
recipes must name the sizes that the package has. The result is held against the package's golden outputs before it is written.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.numpy import load_file
from torch import nn

from training.export import DecodeGraph, EncodeGraph
from training.generator import Generator, GeneratorConfig
from training.runner import load_recipe
from training.sampler import Step
from training.tokenizer import Tokenizer, TokenizerConfig
from training.tokens import token_set


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
    p.add_argument("--recipe", required=True, help="the generator's; the tokenizer's is looked for beside it under the name that it gives")
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), type=Path)
    args = p.parse_args()
    recipe = load_recipe(args.recipe)
    tokenizer_recipe = load_recipe(Path(args.recipe).with_name(f"{recipe['tokenizer']}.yaml"))
    golden = {name: torch.from_numpy(value) for name, value in load_file(args.package / "golden.safetensors").items()}

    tokenizer = Tokenizer(TokenizerConfig(**tokenizer_recipe["model"])).eval().requires_grad_(False)
    load(tokenizer.encoder, graph_weights(args.package / "encode.onnx", "tokenizer.encoder."))
    load(tokenizer.decoder, graph_weights(args.package / "decode.onnx", "tokenizer.decoder."))
    sizes_differ = f"The tokenizer of {args.package} does not have the sizes of {recipe['tokenizer']}.yaml; set them there as the package's model.json says."
    codebooks = torch.from_numpy(load_file(args.package / "codebooks.safetensors")["codebooks"].astype(np.float32))
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
        write(args.runs / name, tokenizer_recipe, tokenizer)

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
    write(args.runs / recipe["name"], recipe, generator)


def write(folder: Path, recipe: dict, module: nn.Module) -> None:
    """A checkpoint at step 0; one that is there stays, as it may have gone further."""
    path = folder / "checkpoint.pt"
    if path.exists():
        print(f"{path} exists and stays; to start again from the package, move that run away or give another --runs")
        return
    folder.mkdir(parents=True, exist_ok=True)
    role = "tokenizer" if isinstance(module, Tokenizer) else "generator"
    state = {role: module.state_dict(), "ema": module.state_dict()}
    torch.save({"step": 0, "rng": torch.get_rng_state(), "recipe": recipe, "state": state}, path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()

"""A run's way to a machine that takes small files alone, such as one lent by the minute, and its weights' way back.

    python -m training.travel pack   --recipe training/recipes/voice-resgen.yaml --out there --piece-mb 55
    python -m training.travel unpack --recipe training/recipes/voice-resgen.yaml --pieces there        # on that machine, into its --runs
    python -m training.travel leave  --recipe training/recipes/voice-resgen.yaml --out back --piece-mb 15
    python -m training.travel arrive --recipe training/recipes/voice-resgen.yaml --pieces back         # here again

What goes there: the generator's averaged weights in float16 (the optimizer starts anew), the codec without its decoder, all tokens at 10 bits a code, clips and
alignments. With the zips of speech beside them, `training.speech_draws` makes further voices there. What comes back: the averaged weights and the log.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.codec import Codec, CodecConfig
from training.runner import load_recipe, write_checkpoint
from training.speech_tokens import Entry, SpeechTokens

BITS = 10  # of a code: codebooks of up to 1,024
PIECE = "piece-{:03d}.bin"


def pack_codes(codes: np.ndarray) -> np.ndarray:
    """int `[N]` below 1,024 -> uint8, five bytes for every four codes."""
    if codes.size and (codes.min() < 0 or codes.max() >= 1 << BITS):
        raise ValueError(f"Codes of 0 to {(1 << BITS) - 1} can travel, and these go from {codes.min()} to {codes.max()}.")
    four = np.pad(codes, (0, -len(codes) % 4)).astype(np.uint64).reshape(-1, 4)
    word = sum(four[:, i] << np.uint64(BITS * i) for i in range(4))
    return np.stack([(word >> np.uint64(8 * i)) & np.uint64(255) for i in range(5)], 1).astype(np.uint8).reshape(-1)


def unpack_codes(packed: np.ndarray, n: int) -> np.ndarray:
    """The way back, int16 `[n]`."""
    five = packed.reshape(-1, 5).astype(np.uint64)
    word = sum(five[:, i] << np.uint64(8 * i) for i in range(5))
    return np.stack([(word >> np.uint64(BITS * i)) & np.uint64((1 << BITS) - 1) for i in range(4)], 1).astype(np.int16).reshape(-1)[:n]


def light_tokens(tokens: SpeechTokens) -> dict[str, Any]:
    """All of them, with packed codes and entries as text: what the archive keeps compressed."""
    entries = json.dumps([vars(e) | {"ends": [round(end, 5) for end in e.ends]} for e in tokens.entries])
    packed = torch.from_numpy(pack_codes(tokens.x.numpy().reshape(-1)))
    rest = {"shape": tuple(tokens.x.shape), "tokens_per_second": tokens.tokens_per_second, "scale": tokens.scale, "sigma": tokens.sigma}
    return {"codes": packed, "entries": entries, **rest}


def whole_tokens(light: dict[str, Any]) -> SpeechTokens:
    L, D = light["shape"]
    x = torch.from_numpy(unpack_codes(light["codes"].numpy(), L * D)).reshape(L, D)
    return SpeechTokens(x, [Entry(**e) for e in json.loads(light["entries"])], light["tokens_per_second"], light["scale"], light["sigma"])


def halved(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.half() if value.is_floating_point() else value for name, value in state.items()}


def doubled(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def to_pieces(files: Iterator[tuple[str, bytes]], out: Path, piece_mb: float) -> int:
    """A compressed tar of the files, cut; -> number of pieces. Raises SystemExit where `out` holds something."""
    if out.exists() and any(out.iterdir()):
        raise SystemExit(f"{out} is not empty. Name a new folder.")
    out.mkdir(parents=True, exist_ok=True)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=3) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    data, size = archive.getvalue(), int(piece_mb * 1e6)
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    for n, piece in enumerate(pieces):
        (out / PIECE.format(n)).write_bytes(piece)
    return len(pieces)


def from_pieces(folder: Path) -> dict[str, bytes]:
    pieces = sorted(folder.glob("piece-*.bin"))
    if not pieces:
        raise SystemExit(f"{folder} holds no pieces. Name the folder that `pack` or `leave` wrote.")
    try:
        with tarfile.open(fileobj=io.BytesIO(b"".join(p.read_bytes() for p in pieces)), mode="r:gz") as tar:
            return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    except (tarfile.ReadError, EOFError) as e:
        raise SystemExit(f"The pieces in {folder} do not make a whole ({e}). Bring the missing ones.") from e


def saved(value: Any) -> bytes:
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()


def loaded(data: bytes) -> Any:
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def what_goes(recipe: dict[str, Any], runs: Path) -> Iterator[tuple[str, bytes]]:
    run, cache = runs / recipe["name"], runs / recipe["cache"]
    generator = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    yield "generator", saved(halved(generator["state"]["ema"]))
    codec = torch.load(runs / recipe["codec"] / "checkpoint.pt", map_location="cpu", weights_only=True)
    kept = {name: value for name, value in codec["state"]["ema"].items() if not name.startswith("decoder.")}
    yield "codec", saved({"step": codec["step"], "recipe": codec["recipe"], "state": halved(kept)})
    for path in [run / "tokens.pt", *sorted((run / "draws").glob("*.pt"))]:
        yield str(path.relative_to(run)), saved(light_tokens(SpeechTokens.load(path)))
    for name in ("clips.jsonl", "alignments.jsonl", "transcripts.jsonl"):
        if (cache / name).exists():
            yield f"cache/{name}", (cache / name).read_bytes()


def put(files: dict[str, bytes], recipe: dict[str, Any], runs: Path) -> None:
    """Runs as `training.train_speech` finds them. Raises SystemExit where the generator's is there already."""
    run, cache = runs / recipe["name"], runs / recipe["cache"]
    if (run / "checkpoint.pt").exists():
        raise SystemExit(f"{run} has a checkpoint already. Move it away, or name other --runs.")
    state = doubled(loaded(files["generator"]))
    write_checkpoint(run, {"step": 0, "recipe": recipe, "state": {"generator": state, "ema": state}})
    light = loaded(files["codec"])
    codec = Codec(CodecConfig(**light["recipe"]["model"])).state_dict() | doubled(light["state"])
    write_checkpoint(runs / recipe["codec"], {"step": light["step"], "recipe": light["recipe"], "state": {"codec": codec, "ema": codec}})
    for name, data in files.items():
        if name.endswith(".pt"):
            whole_tokens(loaded(data)).save(run / name)
        elif name.startswith("cache/"):
            cache.mkdir(parents=True, exist_ok=True)
            (cache / Path(name).name).write_bytes(data)


def what_returns(recipe: dict[str, Any], runs: Path) -> Iterator[tuple[str, bytes]]:
    run = runs / recipe["name"]
    checkpoint = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    about = {key: checkpoint[key] for key in ("step", "recipe", "machine") if key in checkpoint}
    yield "generator", saved(about | {"state": halved(checkpoint["state"]["ema"])})
    if (run / "log.csv").exists():
        yield "log.csv", (run / "log.csv").read_bytes()


def take_back(files: dict[str, bytes], recipe: dict[str, Any], runs: Path) -> None:
    """What was trained there becomes the run's checkpoint; the one before is kept beside it."""
    run = runs / recipe["name"]
    returned = loaded(files["generator"])
    if (run / "checkpoint.pt").exists():
        shutil.copy(run / "checkpoint.pt", run / "before.pt")
    state = doubled(returned.pop("state"))
    write_checkpoint(run, returned | {"state": {"generator": state, "ema": state}})
    if "log.csv" in files:
        (run / "log.csv").write_bytes(files["log.csv"])


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=("pack", "unpack", "leave", "arrive"))
    p.add_argument("--recipe", required=True)
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), type=Path)
    p.add_argument("--out", type=Path, help="new folder for the pieces, of pack and leave")
    p.add_argument("--pieces", type=Path, help="folder of the pieces, of unpack and arrive")
    p.add_argument("--piece-mb", type=float, default=55.0)
    args = p.parse_args()
    recipe, makes = load_recipe(args.recipe), args.what in ("pack", "leave")
    folder = args.out if makes else args.pieces
    if folder is None:
        p.error(f"{args.what} needs {'--out' if makes else '--pieces'}")
    if makes:
        files = what_goes(recipe, args.runs) if args.what == "pack" else what_returns(recipe, args.runs)
        print(f"{to_pieces(files, folder, args.piece_mb)} pieces in {folder}")
    else:
        (put if args.what == "unpack" else take_back)(from_pieces(folder), recipe, args.runs)


if __name__ == "__main__":
    main()

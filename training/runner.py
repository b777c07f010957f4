"""What every stage shares: recipe, processes, checkpoints that resume by themselves, logs, progress, schedules.

A run folder holds `checkpoint.pt` (weights, EMA, optimizers, step, random state, machine), `log.csv`, `tb/` and `samples/`.
"""

from __future__ import annotations

import argparse
import copy
import csv
import functools
import os
import platform
import signal
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import yaml
from torch import nn
from tqdm import tqdm


def arguments(doc: str) -> argparse.Namespace:
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True, help="YAML file in training/recipes")
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), help="folder of run folders (default: $RESGEN_RUNS or runs)")
    p.add_argument("--threads", type=int, default=1, help="CPU threads a process; use 1 when anything else runs on the machine")
    p.add_argument("--steps", type=int, help="stop at this step instead of the recipe's")
    p.add_argument("--minutes", type=float, help="checkpoint and stop after this long")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a recipe entry, e.g. model.D=8")
    return p.parse_args()


def load_recipe(path: str | Path, overrides: list[str] = ()) -> dict[str, Any]:
    """Reads a recipe; `a.b=1` in `overrides` sets a nested entry. Raises SystemExit with a sentence when it cannot."""
    try:
        recipe = yaml.safe_load(Path(path).read_text())
    except OSError as e:
        raise SystemExit(f"Cannot read the recipe {path}: {e.strerror}. Recipes are in training/recipes.") from e
    for entry in overrides:
        key, _, value = entry.partition("=")
        *parents, leaf = key.split(".")
        node = recipe
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = yaml.safe_load(value)
    return recipe


def machine() -> str:
    """Processor and GPU of this machine, without its name."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join([f"{os.cpu_count()} cores of {model}", *(gpus or ["no GPU"])])


class Ema:
    """Exponential moving average of a module, warmed up: decay min(decay, (1 + step) / (10 + step))."""

    def __init__(self, module: nn.Module, decay: float):
        self.module, self.decay = copy.deepcopy(module).eval().requires_grad_(False), decay

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        d = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - d)
        for a, b in zip(self.module.buffers(), module.buffers()):
            a.copy_(b)


def learning_rate(step: float, peak: float, warmup: int, steps: int, decay_share: float, floor: float = 0.02) -> float:
    """Linear warm-up, flat, then linear to `floor * peak` over the last `decay_share` of the run.

    Flat in between, so that a run can be stopped at any time, decayed for an export on a copy, and the original continued.
    """
    decay_from = int(steps * (1 - decay_share))
    if step < warmup:
        return peak * (step + 1) / warmup
    if step < decay_from:
        return peak
    return peak * max(floor, 1 - (1 - floor) * (step - decay_from) / max(1, steps - decay_from))


class Run:
    """One training run: `with Run(...) as run: for step in run.steps(): ...`.

    `state` maps names to objects with `state_dict`/`load_state_dict`; all are restored before the first step. SIGTERM and Ctrl-C
    write a checkpoint before the run ends.
    """

    def __init__(self, args: argparse.Namespace, recipe: dict[str, Any], state: dict[str, Any]):
        self.recipe, self.state = recipe, state
        self.folder = Path(args.runs) / recipe["name"]
        self.total = args.steps or recipe["steps"]
        self.started = time.monotonic()
        self.deadline = self.started + args.minutes * 60 if args.minutes else None
        self.save_every_s = float(recipe.get("save_every_s", 180))
        self.main = not dist.is_initialized() or dist.get_rank() == 0
        self.step = 0
        self._stop = False
        self._sums: dict[str, list[float]] = {}

    def __enter__(self) -> Run:
        (self.folder / "samples").mkdir(parents=True, exist_ok=True)
        path = self.folder / "checkpoint.pt"
        if path.exists():
            saved = torch.load(path, map_location="cpu", weights_only=True)
            for name, holder in self.state.items():
                if name in saved["state"]:
                    holder.load_state_dict(saved["state"][name])
            self.step = saved["step"]
            torch.set_rng_state(saved["rng"])
        if self.main:
            from torch.utils.tensorboard import SummaryWriter

            self.tb = SummaryWriter(str(self.folder / "tb"))
            self.bar = tqdm(total=self.total, initial=self.step, desc=self.recipe["name"], mininterval=5, dynamic_ncols=True)
        for s in (signal.SIGTERM, signal.SIGINT):
            signal.signal(s, lambda *_: setattr(self, "_stop", True))
        return self

    def __exit__(self, kind, *_: object) -> None:
        if kind is None:
            self.save()
        if self.main:
            self.bar.close()
            self.tb.close()

    def steps(self):
        saved_at = time.monotonic()
        while self.step < self.total and not self._stop and not (self.deadline and time.monotonic() > self.deadline):
            yield self.step
            self.step += 1
            if self.main:
                self.bar.update(1)
            if time.monotonic() - saved_at > self.save_every_s:
                self.save()
                saved_at = time.monotonic()

    @property
    def scheduled(self) -> float:
        """The step that the learning rate is of. With `schedule_by_time` in the recipe and a limit of minutes, as much of all steps as of the time is over."""
        if not (self.recipe.get("schedule_by_time") and self.deadline):
            return self.step
        return min(1.0, (time.monotonic() - self.started) / (self.deadline - self.started)) * self.total

    def log(self, every: int, **values: torch.Tensor | float) -> None:
        """Averages `values` over `every` steps, then writes one row of `log.csv` and TensorBoard."""
        for name, value in values.items():
            self._sums.setdefault(name, []).append(value.detach() if isinstance(value, torch.Tensor) else value)
        if (self.step + 1) % every == 0:
            # Only now: to read a number from a GPU is to wait for it.
            if self.main:
                self.write({name: float(sum(v)) / len(v) for name, v in self._sums.items()})
            self._sums.clear()

    def write(self, row: dict[str, float]) -> None:
        path = self.folder / "log.csv"
        with path.open("a", newline="") as f:
            csv.writer(f).writerows([[self.step + 1, round(time.time()), name, f"{value:.6g}"] for name, value in row.items()])
        for name, value in row.items():
            self.tb.add_scalar(name, value, self.step + 1)
        self.bar.set_postfix({name: f"{value:.4g}" for name, value in list(row.items())[:4]})

    def save(self) -> None:
        if not self.main:
            return
        state = {name: holder.state_dict() for name, holder in self.state.items()}
        write_checkpoint(self.folder, {"step": self.step, "recipe": self.recipe, "machine": machine(), "state": state})


def write_checkpoint(folder: Path, content: dict[str, Any]) -> None:
    """As `Run` reads it: `step`, `recipe`, and `state` of each part. The one before stays until this one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "checkpoint.partial"
    torch.save({"rng": torch.get_rng_state(), **content}, partial)
    partial.replace(folder / "checkpoint.pt")


def start_processes(threads: int) -> torch.device:
    """Joins the process group if torchrun started us; picks the device: one GPU a process, else the CPU."""
    torch.set_num_threads(threads)
    cuda = torch.cuda.is_available()
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group("nccl" if cuda else "gloo")
    if not cuda:
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    torch.cuda.set_device(device)
    return device


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 autocast where it pays: on a GPU, and on CPUs whose bfloat16 product beats the float32 one (AVX-512 BF16, AMX).

    On a CPU with AVX2 alone oneDNN emulates bfloat16 some 50 times slower, hence the measurement.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=_bfloat16_pays(device.type))


@functools.cache
def _bfloat16_pays(device_type: str) -> bool:
    if device_type != "cpu":
        return True

    def seconds(dtype: torch.dtype) -> float:
        a = torch.ones(256, 256, dtype=dtype)
        a @ a
        start = time.perf_counter()
        for _ in range(4):
            a @ a
        return time.perf_counter() - start

    return seconds(torch.bfloat16) < seconds(torch.float32)


def distributed(module: nn.Module) -> nn.Module:
    return nn.parallel.DistributedDataParallel(module) if dist.is_initialized() else module

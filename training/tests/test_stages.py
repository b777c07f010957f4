"""One or a few iterations of both stages on a folder of class folders, alone and with two processes."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training import train_decoder, train_resgen, train_tokenizer
from training.sampler import Sampling
from training.tokens import load_decoder, load_tokenizer, token_set

ROOT = Path(__file__).parents[2]


def log_names(folder: Path) -> set[str]:
    return {row[2] for row in csv.reader((folder / "log.csv").open())}


def test_both_stages_train_on_class_folders(stage, tmp_path):
    runs = tmp_path / "runs"
    saved = stage(train_tokenizer, "--steps", "1")
    assert saved["step"] == 1 and saved["state"]["tokenizer"]["quantiser.initialised"]
    first = saved["state"]["tokenizer"]

    # Resumes, crosses freeze_at = 2 and ends with the discriminator at work.
    saved = stage(train_tokenizer)
    second = saved["state"]["tokenizer"]
    assert saved["step"] == 4
    changed = {name for name in first if not torch.equal(first[name], second[name])}
    assert any(name.startswith("decoder") for name in changed) and "quantiser.e_DVH" in changed
    assert {"psnr_1", "psnr_8", "codes_used_1"} <= log_names(runs / "tiny-tokenizer")
    assert list((runs / "tiny-tokenizer" / "samples").glob("*.png"))

    saved = stage(train_resgen)
    assert saved["step"] == 2
    assert all(torch.isfinite(t).all() for t in saved["state"]["ema"].values())
    assert "validation_loss_per_dim" in log_names(runs / "tiny-resgen")
    assert list((runs / "tiny-resgen" / "samples").glob("*.png"))


def test_encoder_and_codebooks_stand_still_once_frozen(stage):
    """Of the averaged weights, which make the tokens."""
    before = stage(train_tokenizer, "--steps", "2")["state"]["ema"]
    after = stage(train_tokenizer)["state"]["ema"]
    for name in before:
        if name.startswith(("encoder", "quantiser")):
            assert torch.equal(before[name], after[name]), name
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("decoder"))


def test_the_decoder_learns_on_and_nothing_else_moves(stage, tmp_path):
    runs = tmp_path / "runs"
    before = stage(train_tokenizer)["state"]["ema"]
    stage(train_resgen)
    saved = stage(train_decoder, "--steps", "1")
    assert saved["step"] == 1 and saved["state"]["samples"]["made"] == 32
    # Resumes with the samples it has: 16 at first, 16 at step 0, 16 at step 2, of which the newest 24 stay.
    after = stage(train_decoder)["state"]
    assert after["samples"]["made"] == 48 and after["samples"]["x"].shape == (24, 4, 8)
    assert {"psnr_1", "psnr_8", "of_class", "critic"} <= log_names(runs / "tiny-decoder")
    moved = {name for name in before if not torch.equal(before[name].half().float(), after["ema"][name].half().float())}
    assert moved and all(name.startswith("decoder.") for name in moved)

    tokenizer, _ = load_tokenizer(runs, "tiny-tokenizer")
    assert load_decoder(tokenizer, runs, None) is None
    assert load_decoder(tokenizer, runs, "tiny-decoder") == 3
    assert all(torch.equal(value, after["ema"][f"decoder.{name}"]) for name, value in tokenizer.decoder.state_dict().items())
    with pytest.raises(SystemExit, match="Train it first"):
        load_decoder(tokenizer, runs, "no-such-run")


def test_samples_of_classes_that_come_out_wrong_are_drawn_more_often(tiny_step):
    samples = train_decoder.Samples(tiny_step, Sampling(steps=2), classes=3, keep=60)
    samples.make(60)
    for _ in range(30):
        samples.missed(torch.tensor([0, 1, 2]), torch.tensor([0.0, 0.0, 2.0]))
    picked = samples.label[samples.hard_ones(500, torch.Generator().manual_seed(0))]
    assert (picked == 2).float().mean() > 0.8 and (picked != 2).any()
    again = train_decoder.Samples(tiny_step, Sampling(steps=2), classes=3, keep=60)
    again.load_state_dict(samples.state_dict())
    assert torch.equal(again.miss, samples.miss)


def test_weave_is_the_variance_of_a_pattern_on_the_lattice_alone():
    plain = torch.rand(2, 3, 1, 1).expand(2, 3, 24, 24)
    pattern = torch.randn(2, 3, 4, 4)
    assert float(train_decoder.weave(plain, 4)) < 1e-9
    woven = train_decoder.weave(plain + pattern.repeat(1, 1, 6, 6), 4)
    assert float(woven) == pytest.approx(float(pattern.var((2, 3), correction=0).mean()), rel=1e-4)
    # What has another period averages away.
    assert float(train_decoder.weave(plain + torch.randn(2, 3, 3, 3).repeat(1, 1, 8, 8), 4)) < 1e-9


def test_token_set_is_the_tokenizers_encoding(stage, class_folders, tmp_path):
    stage(train_tokenizer)
    tokens = token_set(tmp_path / "runs", "tiny-tokenizer", str(class_folders), tmp_path / "tokens.pt", mirror=True)
    assert tokens.x.shape == (2, 60, 4, 8) and tokens.x_validation.shape == (6, 4, 8) and tokens.classes == ["apple", "banana", "cherry"]
    tokenizer, _ = load_tokenizer(tmp_path / "runs", "tiny-tokenizer")
    sums = tokenizer.quantiser.embed(tokens.x[0].long().flatten(0, 1))
    assert float((sums * tokens.scale).square().mean()) == pytest.approx(1, rel=1e-3)
    assert bool((tokens.sigma > 0).all()) and tokens.sigma.shape == (8,)
    again = token_set(tmp_path / "runs", "tiny-tokenizer", "no such data", tmp_path / "tokens.pt")
    assert torch.equal(tokens.x, again.x)


def torchrun(stage: str, recipe: Path, runs: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "training.tests.ranks"]
    command += [stage, "--recipe", str(recipe), "--runs", str(runs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]


def assert_ranks_agree(folder: Path, names: list[str]) -> None:
    a, b = (torch.load(folder / f"rank-{i}.pt", weights_only=True) for i in (0, 1))
    for name in names:
        for key in a[name]:
            assert torch.equal(a[name][key], b[name][key]), f"{name}.{key} differs between the ranks"


def test_two_processes_train_one_model(stage, recipes, tmp_path):
    """DDP over gloo: each rank sees other pictures, yet both end with the same weights and codebooks."""
    runs = tmp_path / "runs"
    torchrun("training.train_tokenizer", recipes["tiny-tokenizer"], runs)
    assert_ranks_agree(runs / "tiny-tokenizer", ["tokenizer", "ema"])
    torchrun("training.train_resgen", recipes["tiny-resgen"], runs)
    assert_ranks_agree(runs / "tiny-resgen", ["generator"])
    saved = torch.load(runs / "tiny-resgen" / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 2

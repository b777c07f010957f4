"""A package's weights come back as run folders, and give what the package gives."""

import sys

import pytest
import torch
import yaml

from training import export, from_package, train_resgen, train_tokenizer
from training.runner import load_recipe


@pytest.fixture
def package(stage, recipes, tmp_path, monkeypatch):
    """A trained tiny package; its runs are moved away."""
    stage(train_tokenizer)
    stage(train_resgen)
    recipe = load_recipe(recipes["tiny-resgen"])
    recipe["package"]["presets"]["fast"] = {"steps": 2}
    recipes["tiny-resgen"].write_text(yaml.safe_dump(recipe))
    (tmp_path / "card.md").write_text("# Tiny\n")
    command = ["export", "--recipe", str(recipes["tiny-resgen"]), "--runs", str(tmp_path / "runs"), "--card", str(tmp_path / "card.md")]
    monkeypatch.setattr(sys, "argv", [*command, "--out", str(tmp_path / "package")])
    export.main()
    (tmp_path / "runs").rename(tmp_path / "lost")
    return tmp_path / "package"


def test_runs_come_back_from_a_package(package, recipes, tmp_path, monkeypatch, stage):
    command = ["from_package", "--package", str(package), "--recipe", str(recipes["tiny-resgen"]), "--runs", str(tmp_path / "runs")]
    monkeypatch.setattr(sys, "argv", command)
    from_package.main()
    for name in ("tiny-tokenizer", "tiny-resgen"):
        was = torch.load(tmp_path / "lost" / name / "checkpoint.pt", weights_only=True)["state"]["ema"]
        got = torch.load(tmp_path / "runs" / name / "checkpoint.pt", weights_only=True)
        assert got["step"] == 0
        for key, value in was.items():
            if not key.endswith(("count_DV", "sum_DVH", "initialised")):
                assert torch.equal(got["state"]["ema"][key], value.half().float()), key
    # Training goes on from there, and a run that has gone on is left alone.
    assert stage(train_resgen)["step"] == 2
    monkeypatch.setattr(sys, "argv", command)
    from_package.main()
    assert torch.load(tmp_path / "runs" / "tiny-resgen" / "checkpoint.pt", weights_only=True)["step"] == 2


def test_a_package_of_other_sizes_is_refused(package, recipes, tmp_path, monkeypatch):
    recipe = load_recipe(recipes["tiny-tokenizer"])
    recipe["model"]["H"] = 6
    recipes["tiny-tokenizer"].write_text(yaml.safe_dump(recipe))
    monkeypatch.setattr(sys, "argv", ["x", "--package", str(package), "--recipe", str(recipes["tiny-resgen"]), "--runs", str(tmp_path / "runs")])
    with pytest.raises(SystemExit, match="does not have the sizes"):
        from_package.main()

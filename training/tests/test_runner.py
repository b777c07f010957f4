import csv
from pathlib import Path

import pytest
import torch
from torch import nn

from training.runner import Ema, Run, learning_rate, load_recipe
from training.tests.conftest import run_arguments
from training.training_step import step_down


def train_toy(runs: Path, steps: int) -> tuple[nn.Module, Ema]:
    """A run whose every step draws from the global random state, as a real one may."""
    torch.manual_seed(1)
    model = nn.Linear(4, 2)
    ema, optimizer = Ema(model, 0.9), torch.optim.AdamW(model.parameters(), lr=1e-2)
    recipe = {"name": "toy", "steps": 9}
    with Run(run_arguments(runs, steps=steps), recipe, {"model": model, "ema": ema.module, "optimizer": optimizer}) as run:
        for step in run.steps():
            loss = (model(torch.randn(8, 4)) - torch.randn(8, 2)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            ema.update(model, step)
            run.log(3, loss=loss)
    return model, ema


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path):
    whole, whole_ema = train_toy(tmp_path / "whole", 9)
    train_toy(tmp_path / "parts", 4)
    train_toy(tmp_path / "parts", 6)
    parts, parts_ema = train_toy(tmp_path / "parts", 9)
    for a, b in [(whole, parts), (whole_ema.module, parts_ema.module)]:
        assert all(torch.equal(p, q) for p, q in zip(a.state_dict().values(), b.state_dict().values()))


def test_a_finished_run_does_nothing_more(tmp_path):
    before, _ = train_toy(tmp_path, 5)
    after, _ = train_toy(tmp_path, 5)
    assert torch.equal(before.weight, after.weight)


def test_log_holds_averages_by_step(tmp_path):
    train_toy(tmp_path, 9)
    rows = list(csv.reader((tmp_path / "toy" / "log.csv").open()))
    assert [(row[0], row[2]) for row in rows] == [("3", "loss"), ("6", "loss"), ("9", "loss")]
    assert all(float(row[3]) > 0 for row in rows)


def test_recipe_overrides(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("name: a\nmodel:\n  D: 16\n")
    recipe = load_recipe(path, ["model.D=8", "model.deep.er=[1, 2]", "name=b"])
    assert recipe == {"name": "b", "model": {"D": 8, "deep": {"er": [1, 2]}}}
    with pytest.raises(SystemExit, match="Cannot read the recipe"):
        load_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_recipes_read(path):
    recipe = load_recipe(path)
    assert recipe["name"] == path.stem
    # YAML reads 5e-4 as text; only 5.0e-4 is a number.
    assert isinstance(recipe.get("lr", 1.0), float)


def test_a_run_of_so_many_minutes_may_fall_with_the_clock(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("training.runner.time.monotonic", lambda: now[0])
    args = run_arguments(tmp_path, steps=1000)
    args.minutes = 2.0
    run = Run(args, {"name": "toy", "steps": 9, "schedule_by_time": True}, {})
    now[0] += 30
    assert run.scheduled == 250
    now[0] += 300
    assert run.scheduled == 1000
    run = Run(args, {"name": "toy", "steps": 9}, {})
    now[0] += 30
    assert run.scheduled == 0


def test_without_a_finite_gradient_nothing_moves():
    model = nn.Linear(2, 1)
    optimizer, before = torch.optim.AdamW(model.parameters(), lr=0.1), [p.detach().clone() for p in model.parameters()]
    step_down(model(torch.ones(1, 2)).sum() * float("nan"), model, optimizer, 0.1)
    assert all(torch.equal(p, q) for p, q in zip(before, model.parameters()))
    step_down(model(torch.ones(1, 2)).sum(), model, optimizer, 0.1)
    assert not any(torch.equal(p, q) for p, q in zip(before, model.parameters()))


def test_learning_rate_warms_up_and_falls():
    rates = [learning_rate(step, 1.0, 10, 100, decay_share=0.6) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[10] == rates[39] == 1.0
    assert rates[40:] == sorted(rates[40:], reverse=True) and rates[-1] < 0.05


def test_ema_warms_up_to_its_decay():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ema = Ema(model, 0.99)
    nn.init.ones_(model.weight)
    ema.update(model, 0)
    assert float(ema.module.weight) == pytest.approx(0.9)  # decay 1 / 10 at step 0
    ema.update(model, 10_000)
    assert float(ema.module.weight) == pytest.approx(0.9 + 0.1 * 0.01)

import json

import pytest
import torch

from training import card, evaluate, train_resgen, train_tokenizer
from training.data import load_pictures, split
from training.evaluate import COMPARED_EVERY, Evaluation, Figures, default_sampling, interleave, place_in_class
from training.judges import FEATURE_WIDTH
from training.runner import load_recipe
from training.sampler import Sampling


class BrightnessJudge:
    """Stands in for the network: the mean of each channel, the picture's class in the tiny data."""

    def features(self, pixels_NHWC, name):
        f = torch.zeros(len(pixels_NHWC), FEATURE_WIDTH)
        f[:, :3] = pixels_NHWC.float().mean((1, 2))
        return f


@pytest.fixture
def trained(stage, recipes, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "FeatureJudge", BrightnessJudge)
    monkeypatch.setattr(evaluate, "SWEEPS", {"steps": [1, 2], "reveal": ["random"]})
    stage(train_tokenizer)
    stage(train_resgen)
    return load_recipe(recipes["tiny-resgen"]), tmp_path / "runs"


def test_compared_pictures_are_the_validation_split_and_as_many_set_aside(class_folders):
    pictures = load_pictures(class_folders, 24)
    place = place_in_class(pictures.label_N)
    compared = interleave(pictures, (place % COMPARED_EVERY == 0).nonzero().squeeze(1))
    for c in range(3):
        assert sorted(pictures.names[i][-7:-4] for i in compared[c::3]) == ["000", "010", "020"]
    assert pictures.label_N[compared].tolist() == [0, 1, 2] * 3
    _, validation = split(pictures)
    assert set(validation.names) <= {pictures.names[i] for i in compared}


def test_a_part_is_measured_again_only_when_its_subject_changed(tmp_path):
    measured = []
    path = tmp_path / "evaluation.json"
    for step in (1, 1, 2):
        Figures(path).part("real", {"step": step}, lambda: measured.append(step) or {"figure": step})
    assert measured == [1, 2]
    assert json.loads(path.read_text()) == {"real": {"of": {"step": 2}, "figure": 2}}


def test_every_part_is_measured_and_told_in_a_card(trained):
    recipe, runs = trained
    e = Evaluation(recipe, runs, batch=4)
    figures = Figures(e.folder / "evaluation.json")
    evaluate.evaluate(e, figures, 9, 3, [])
    parts = figures.parts
    assert {"depths", "real", "reconstructions", "samples", "sheet", "memorisation"} <= set(parts)
    assert [name for name in parts if name.startswith("sweep.")] == ["sweep.steps.1", "sweep.steps.2", "sweep.reveal.random"]
    assert [row["depth"] for row in parts["depths"]["depths"]] == list(range(1, 9))
    assert parts["real"]["figures"]["9"]["accuracy"] == 1.0
    assert set(parts["samples"]["figures"]) == {"3", "9"}
    for name in ("samples", "depths", "nearest-training"):
        assert (e.folder / "evaluation" / f"{name}.png").exists()
    # The setting that is the default is the same set of samples.
    assert parts["sweep.steps.2"]["figures"]["3"] == pytest.approx(parts["samples"]["figures"]["3"])

    text = card.card(card.gather(recipe, runs, "a test"), parts, e.classes)
    for bar in card.bars(parts):
        assert bar.name in text and bar.measured in text
    assert "# Fruits" in text and "random" in text and "trained on a test" in text.lower()


def test_sampling_goes_on_where_it_was_and_does_not_depend_on_the_batch(trained):
    recipe, runs = trained
    e, s = Evaluation(recipe, runs, batch=4), Sampling(steps=2)
    first, _ = e.samples(s, 5)
    e.batch = 2
    more, _ = e.samples(s, 9)
    assert torch.equal(more[:5], first) and len(more) == 9
    again, _ = Evaluation(recipe, runs, batch=9).samples(s, 9)
    assert torch.equal(more, again)


def test_default_sampling_is_the_shipped_preset():
    recipe = {"sampling": {"steps": 3}, "package": {"presets": {"balanced": {"steps": 7}}}}
    assert default_sampling(recipe).steps == 7
    assert default_sampling({"sampling": {"steps": 3}}).steps == 3


def test_unknown_part_is_named(monkeypatch):
    monkeypatch.setattr("sys.argv", ["evaluate", "--recipe", "x.yaml", "--parts", "samples,nonsense"])
    with pytest.raises(SystemExit, match="nonsense"):
        evaluate.main()

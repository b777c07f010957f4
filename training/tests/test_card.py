import pytest

from training.card import bars, common_count, hours_of_training, table
from training.plots import plot_depths, plot_sweeps, plot_training, read_log, sweep_rows


def parts_of(psnr=(20.0, 31.0), frechet=25.0, accuracy=0.91) -> dict:
    def figures(f: float, a: float) -> dict:
        return {"figures": {"505": {"frechet": f + 9, "accuracy": a}, "2020": {"frechet": f, "accuracy": a}}}

    return {
        "depths": {"depths": [{"depth": i + 1, "psnr": p, "ssim": 0.9} for i, p in enumerate(psnr)]},
        "real": figures(2.0, 1.0),
        "reconstructions": figures(10.0, 0.97),
        "samples": figures(frechet, accuracy),
        "sweep.noise.0.7": {"figures": {"505": {"frechet": 30.0, "accuracy": 0.9}}, "seconds_per_picture": 1.5},
        "sweep.noise.1.0": {"figures": {"505": {"frechet": 40.0, "accuracy": 0.8}}, "seconds_per_picture": 1.5},
        "sweep.reveal.random": {"figures": {"505": {"frechet": 41.0, "accuracy": 0.8}}, "seconds_per_picture": 1.5},
    }


def met(parts: dict) -> list[bool]:
    return [bar.met for bar in bars(parts)]


def test_bars_hold_at_their_limits():
    assert met(parts_of()) == [True, True, True, True]
    assert met(parts_of(psnr=(20.0, 29.9))) == [False, True, True, True]
    assert met(parts_of(psnr=(31.0, 30.9, 32.0))) == [True, False, True, True]
    assert met(parts_of(accuracy=0.89)) == [True, True, False, True]
    assert met(parts_of(frechet=30.1)) == [True, True, True, False]


def test_bars_compare_the_largest_common_count():
    parts = parts_of()
    assert common_count(parts) == "2020"
    del parts["samples"]["figures"]["2020"]
    assert common_count(parts) == "505"


def test_bars_that_were_not_measured_are_not_claimed():
    assert bars({}) == []


def test_sweeps_and_tables():
    assert sweep_rows(parts_of(), "noise")[1] == ("1.0", {"frechet": 40.0, "accuracy": 0.8, "seconds": 1.5})
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_hours_leave_out_pauses_and_the_log_its_repeated_steps(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("50,1000,loss,3\n100,1600,loss,2\n100,90000,loss,1.5\n150,90600,loss,1\n")
    rows = read_log(log)
    assert rows["loss"] == [(50, 1000, 3.0), (100, 90000, 1.5), (150, 90600, 1.0)]
    assert hours_of_training(rows) == pytest.approx(600 / 3600)


def test_plots_are_written_and_repeatable(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("50,1000,psnr_1,20\n100,1100,psnr_1,21\n50,1000,loss,3\n100,1600,validation_loss_per_dim,2\n")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        plot_depths(parts_of(), tmp_path / name / "depths.svg")
        plot_sweeps(parts_of(), ["noise", "reveal"], tmp_path / name / "sweeps.svg")
        plot_training(log, log, tmp_path / name / "training.svg")
    for plot in ("depths", "sweeps", "training"):
        text = (tmp_path / "a" / f"{plot}.svg").read_text()
        assert "<svg" in text and text == (tmp_path / "b" / f"{plot}.svg").read_text()

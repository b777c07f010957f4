"""A run that travels arrives as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.codec import Codec, CodecConfig
from training.speech_tokens import SpeechTokens
from training.tests.test_speech_resgen import tiny_tokens
from training.travel import from_pieces, pack_codes, put, take_back, to_pieces, unpack_codes, what_goes, what_returns, write_checkpoint

RECIPE = {"name": "r", "codec": "c", "cache": "speech"}
MODEL = {"features": ["compressed", "log_magnitude"], "widths": [8, 8], "strides": [2], "encoder_blocks": [1, 1], "decoder_blocks": [1, 1], "D": 4, "V": 16, "H": 8}


@pytest.mark.parametrize("n", [0, 1, 3, 4, 1001])
def test_codes_are_the_same_after_packing(n: int):
    codes = np.random.default_rng(n).integers(0, 1024, n).astype(np.int16)
    assert len(pack_codes(codes)) == 5 * -(-n // 4)
    assert np.array_equal(unpack_codes(pack_codes(codes), n), codes)


def test_codes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="0 to 1023 can travel"):
        pack_codes(np.array([1024]))


def make_run(runs: Path) -> tuple[SpeechTokens, Codec, dict[str, torch.Tensor]]:
    tokens, codec = tiny_tokens(), Codec(CodecConfig(**MODEL))
    weights = {"w": torch.randn(3, 5).half().float(), "n": torch.arange(3)}
    write_checkpoint(runs / "r", {"step": 7, "recipe": RECIPE, "machine": "here", "state": {"ema": weights}})
    write_checkpoint(runs / "c", {"step": 9, "recipe": {"model": MODEL}, "state": {"ema": codec.state_dict()}})
    tokens.save(runs / "r" / "tokens.pt")
    tokens.save(runs / "r" / "draws" / "1.pt")
    (runs / "speech").mkdir()
    (runs / "speech" / "clips.jsonl").write_text('{"path": "a"}\n')
    return tokens, codec, weights


def test_a_run_goes_in_pieces_and_comes_back_trained(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    tokens, codec, weights = make_run(here)
    n = to_pieces(what_goes(RECIPE, here), tmp_path / "out", 0.02)
    assert n > 1 and max(p.stat().st_size for p in (tmp_path / "out").iterdir()) <= 20_000
    put(from_pieces(tmp_path / "out"), RECIPE, there)
    state = torch.load(there / "r" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 0 and all(torch.equal(state["state"]["ema"][k], v) for k, v in weights.items())
    moved = torch.load(there / "c" / "checkpoint.pt", weights_only=True)["state"]["ema"]
    assert torch.equal(moved["quantiser.e_DVH"], codec.state_dict()["quantiser.e_DVH"].half().float())
    for name in ("tokens.pt", "draws/1.pt"):
        arrived = SpeechTokens.load(there / "r" / name)
        assert torch.equal(arrived.x, tokens.x) and arrived.scale == tokens.scale
        assert [vars(e) | {"ends": None} for e in arrived.entries] == [vars(e) | {"ends": None} for e in tokens.entries]
        assert all(np.allclose(a.ends, b.ends, atol=1e-5) for a, b in zip(arrived.entries, tokens.entries))
    assert (there / "speech" / "clips.jsonl").read_text() == '{"path": "a"}\n'

    trained = {"w": weights["w"] + 1, "n": weights["n"]}
    write_checkpoint(there / "r", {"step": 50, "recipe": RECIPE | {"batch": 128}, "machine": "there", "state": {"ema": trained}})
    (there / "r" / "log.csv").write_text("50,1,loss,0.1\n")
    to_pieces(what_returns(RECIPE, there), tmp_path / "back", 15)
    take_back(from_pieces(tmp_path / "back"), RECIPE, here)
    back = torch.load(here / "r" / "checkpoint.pt", weights_only=True)
    assert (back["step"], back["machine"], back["recipe"]["batch"]) == (50, "there", 128)
    assert torch.equal(back["state"]["generator"]["w"], trained["w"].half().float())
    assert torch.load(here / "r" / "before.pt", weights_only=True)["step"] == 7
    assert (here / "r" / "log.csv").read_text() == "50,1,loss,0.1\n"


def test_what_is_missing_or_in_the_way_is_said(tmp_path: Path):
    make_run(tmp_path / "here")
    to_pieces(what_goes(RECIPE, tmp_path / "here"), tmp_path / "out", 0.02)
    with pytest.raises(SystemExit, match="not empty"):
        to_pieces(iter(()), tmp_path / "out", 1)
    with pytest.raises(SystemExit, match="has a checkpoint already"):
        put(from_pieces(tmp_path / "out"), RECIPE, tmp_path / "here")
    max((tmp_path / "out").iterdir()).unlink()
    with pytest.raises(SystemExit, match="do not make a whole"):
        from_pieces(tmp_path / "out")
    with pytest.raises(SystemExit, match="holds no pieces"):
        from_pieces(tmp_path)

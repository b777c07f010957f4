"""What the decoder of speech is taught with: clips said again, in step with the true ones."""

from __future__ import annotations

import csv
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from training import train_voice_decoder
from training.alignments import Alignment
from training.codec import Codec, CodecConfig, load_codec
from training.phone_table import BOUNDARY, PHONES
from training.runner import load_recipe
from training.sampler import Sampling
from training.speech_data import RATE, Clip
from training.speech_generator import SpeechConfig, SpeechGenerator
from training.speech_sampler import SpeechStep
from training.speech_tokens import Cutter, Entry, SpeechTokens
from training.train_voice_decoder import Retold, summed, targets_of_clips

RECIPES = Path(__file__).parents[1] / "recipes"
D, V, H, R, PER_TOKEN, LEAD_MS = 3, 8, 6, 2, 320, 70
CODEC = CodecConfig(widths=[8, 8], encoder_blocks=[1, 1], decoder_blocks=[1, 1], D=D, V=V, H=H)
MODEL = {"K": 8, "rank": 2, "width": 16, "blocks": 1, "heads": 2, "text_blocks": 1, "frames_per_token": R}


class Ramps:
    """`Speech` whose samples count up, so that each says where it is from; two clips for each of two voices and a held-out one."""

    def __init__(self) -> None:
        self.clips = [Clip(f"{i}", "s", voice, "x", 0, 40 * PER_TOKEN - 5 * i, 0.1) for i, voice in enumerate(("a", "a", "b", "b"))]

    def read(self, i: int, start: int = 0, length: int | None = None) -> np.ndarray:
        wanted = np.zeros(self.clips[i].samples - start if length is None else length, np.float32)
        found = np.arange(self.clips[i].samples, dtype=np.float32)[start:][: len(wanted)] * 1e-6
        wanted[: len(found)] = found
        return wanted


def tokens_of(clips: list[Clip]) -> SpeechTokens:
    """The code of every depth is the position, modulo V."""
    entries, start = [], 0
    # In another order than the clips, as several processes may encode them.
    for clip in [*clips[::2], *clips[1::2], Clip("9", "s", "ls-19", "x", 0, 40 * PER_TOKEN, 0.1)]:
        ends = ((np.arange(10) * 80 + LEAD_MS + int(clip.path)) / 1000).tolist()
        entries += [Entry(clip.speaker, "s", start, 40, [1, 5] * 5, ends), Entry(f"{clip.speaker} x1.100", "s", start, 40, [1, 5] * 5, ends), Entry(clip.speaker, "s", start, 40)]
        start += 40
    x = (torch.arange(start) % 40 % V).to(torch.int16).unsqueeze(1).expand(-1, D).contiguous()
    return SpeechTokens(x, entries, 50.0, 1.0, torch.tensor([0.5, 0.3, 0.1]))


# As `tokens_of` has them: ids 1 and 5.
ALIGNED = [Alignment("s", str(i), voice, False, LEAD_MS + i, [PHONES[5], *[BOUNDARY, PHONES[5]] * 4], [80] * 9) for i, voice in enumerate(("a", "a", "b", "b"))]


def test_clips_are_found_for_tokens_and_others_are_refused():
    speech = Ramps()
    tokens = tokens_of(speech.clips)
    assert [(e.voice, i) for e, i in targets_of_clips(tokens, speech, ALIGNED)] == [("a", 0), ("b", 2), ("a", 1), ("b", 3)]
    with pytest.raises(SystemExit, match="made of other clips"):
        targets_of_clips(tokens, speech, ALIGNED[:1])


def test_what_is_said_again_keeps_its_first_depths_and_stays_in_step_with_the_clip():
    torch.manual_seed(0)
    speech = Ramps()
    tokens = tokens_of(speech.clips)
    e_DVH = torch.randn(D, V, H) * torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)
    step = SpeechStep(SpeechGenerator(SpeechConfig(D=D, H=H, **MODEL)).eval(), e_DVH, 1.0, tokens.sigma).eval()
    cutter = Cutter(tokens.where(lambda e: e.voice != "ls-19"), {"s": 1.0}, R, (0.1, 0.2), 0.5)
    retold = Retold(step, Sampling(steps=2), cutter, speech, targets_of_clips(tokens, speech, ALIGNED), {"s": 1.0}, {"batch": 4, "keep": 6, "kept": [0, 1, 2], "noise": [0.3, 0.8]})
    retold.make(1)
    first = [t.made for t in retold.told]
    retold.make(2)
    assert len(retold.told) == 6 and torch.equal(retold.told[0].made, first[2])
    retold.told = []
    for seed in range(5):
        retold.make(seed)
    assert {t.kept for t in retold.told} == {0, 1, 2}
    for t in retold.told:
        assert len(t.audio) == len(t.real) * PER_TOKEN and len(t.made) == len(t.real) <= 26
        assert torch.equal(t.made[:, : t.kept], t.real[:, : t.kept]) and not torch.equal(t.made[:, t.kept :], t.real[:, t.kept :])
    draw = torch.Generator().manual_seed(0)
    real, audio, kept = retold.draw(5, 8, False, draw)
    assert real.shape == (5, 8, D) and audio.shape == (5, 8 * PER_TOKEN) and (kept == D).all()
    for x, a in zip(real, audio):
        # Real tokens count positions and the clip's samples count samples: where a piece starts, and that it is in step, can be read from both.
        gain = (a[1] - a[0]) / 1e-6
        assert round(float(a[0] / gain / 1e-6) / PER_TOKEN) % V == x[0, 0]


def test_summed_is_what_the_codec_decodes_at_that_depth():
    torch.manual_seed(0)
    codec = Codec(CODEC).eval()
    codec.quantiser.e_DVH.normal_()
    x = torch.randint(V, (2, 7, D))
    both = codec.decoder(summed(codec, x, torch.tensor([1, 3])))
    torch.testing.assert_close(both[0], codec.decode(x, 1)[0])
    torch.testing.assert_close(both[1], codec.decode(x)[1])


def test_the_stage_teaches_the_decoder_alone(monkeypatch, tmp_path):
    speech, runs = Ramps(), tmp_path / "runs"
    tokens, torch_codec = tokens_of(speech.clips), Codec(CODEC)
    torch_codec.quantiser.e_DVH.normal_()
    spoken = load_recipe(RECIPES / "voice-resgen.yaml") | {"name": "tiny-resgen", "codec": "tiny-codec", "model": MODEL, "prompt_s": [0.1, 0.2], "longest_s": 0.5}
    spoken["data"] = {"folder": "", "sets": {"s": 1.0}}
    generator = SpeechGenerator(SpeechConfig(D=D, H=H, **MODEL))
    for name, recipe, module in (("tiny-codec", {"model": asdict(CODEC)}, torch_codec), ("tiny-resgen", spoken, generator)):
        (runs / name).mkdir(parents=True)
        torch.save({"step": 1, "rng": torch.get_rng_state(), "recipe": recipe, "state": {"ema": module.state_dict()}}, runs / name / "checkpoint.pt")
    tokens.save(runs / "tiny-resgen" / "tokens.pt")
    monkeypatch.setattr("training.export_voice.load_durations", lambda *_: (torch.nn.Identity(), {}))
    monkeypatch.setattr(train_voice_decoder, "load_speech", lambda *_: (speech, speech))
    monkeypatch.setattr(train_voice_decoder, "load_alignments", lambda *_: (ALIGNED, speech.clips))
    recipe = load_recipe(RECIPES / "voice-decoder.yaml") | {"name": "tiny-decoder", "generator": "tiny-resgen", "segment_s": 0.2, "sample_steps": 2, "steps": 3}
    recipe |= {"batch": {"real": 2, "made": 3}, "critic": {"windows": [256], "width": 2, "lr": 1e-3, "from_codec": True}, "validation_clips": 2, "validate_every": 2}
    recipe |= {"log_every": 1, "retold": {"batch": 2, "every": 2, "keep": 8, "kept": [0, 1], "noise": [0.5, 0.5]}}
    (tmp_path / "tiny-decoder.yaml").write_text(yaml.safe_dump(recipe))
    handlers = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(sys, "argv", ["train_voice_decoder", "--recipe", str(tmp_path / "tiny-decoder.yaml"), "--runs", str(runs)])
    train_voice_decoder.main()
    for s, handler in handlers.items():
        signal.signal(s, handler)
    taught, step = load_codec(runs, "tiny-decoder")
    before, _ = load_codec(runs, "tiny-codec")
    assert step == 3
    changed = {name.split(".")[0] for name, value in taught.state_dict().items() if not torch.equal(value, before.state_dict()[name])}
    assert changed == {"decoder"}
    assert {"mel", "mel_made", "adversarial", "critic", "mel_db_1"} <= {row[2] for row in csv.reader((runs / "tiny-decoder" / "log.csv").open())}
    assert RATE == 50 * PER_TOKEN

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
from training.codec import Codec, CodecConfig, load_codec, with_more_blocks
from training.period_discriminator import PeriodDiscriminator
from training.phone_table import BOUNDARY, PHONES
from training.runner import load_recipe
from training.sampler import Sampling
from training.speech_data import RATE, Clip
from training.speech_generator import SpeechConfig, SpeechGenerator
from training.speech_sampler import SpeechStep
from training.speech_tokens import Cutter, Entry, SpeechTokens
from training.stft_discriminator import critic_loss
from training.train_voice_decoder import Balance, Recordings, Retold, summed, targets_of_clips

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
    pairs = targets_of_clips(tokens, speech, ALIGNED)
    recordings = Recordings(tokens, speech, pairs, {"s": 1.0}, torch.device("cpu"))
    settings = {"prompt": 6, "positions": 12, "batch": 4, "keep": 6, "kept": [0, 1, 2], "noise": [0.3, 0.8]}
    retold = Retold(step, Sampling(steps=2), cutter, recordings, pairs, {"s": 1.0}, settings)
    retold.make(1)
    first = retold.made
    retold.make(2)
    assert len(retold.made) == 6 and torch.equal(retold.made[0], first[2])
    retold.settings["keep"] = 100
    for seed in range(3, 8):
        retold.make(seed)
    assert set(retold.kept.tolist()) == {0, 1, 2}
    for made, at, kept in zip(retold.made, retold.at.tolist(), retold.kept.tolist()):
        real = recordings.codes[at : at + 12]
        assert torch.equal(made[:, :kept], real[:, :kept]) and not torch.equal(made[:, kept:], real[:, kept:])
    draw = torch.Generator().manual_seed(0)
    x, at, kept = retold.draw(20, 5, draw)
    for codes, start, depths in zip(x, at.tolist(), kept.tolist()):
        assert torch.equal(codes[:, :depths], recordings.codes[start : start + 5, :depths].long())


def test_recordings_are_in_step_with_their_codes():
    speech = Ramps()
    tokens = tokens_of(speech.clips)
    recordings = Recordings(tokens, speech, targets_of_clips(tokens, speech, ALIGNED), {"s": 1.0}, torch.device("cpu"))
    x, at = recordings.draw(5, 8, torch.Generator().manual_seed(0))
    audio = recordings.heard(at, 8)
    assert x.shape == (5, 8, D) and audio.shape == (5, 8 * PER_TOKEN)
    for codes, a in zip(x, audio):
        # Real tokens count positions and the clip's samples count samples: where a piece starts, and that it is in step, can be read from both.
        slope = float(a[2500] - a[0]) / 2500
        assert round(float(a[0]) / slope / PER_TOKEN) % V == codes[0, 0]


def test_pull_is_shared_as_the_recipe_says_however_large_a_loss_is():
    y = torch.randn(3, 50, requires_grad=True)
    one, other = torch.randn(50), torch.randn(50)
    pull = Balance({"a": 1.0, "b": 3.0})({"a": 1e4 * (y * one).sum(), "b": (y * other).sum()}, y)
    torch.testing.assert_close(pull, (0.25 * one / one.norm() + 0.75 * other / other.norm()).expand(3, -1))


def test_a_period_critic_learns_to_tell_a_repeating_waveform_from_one_that_does_not():
    torch.manual_seed(0)
    critic = PeriodDiscriminator(5, 4)
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2)

    def pair() -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(8, 1, 5).expand(-1, 41, -1).flatten(1), torch.randn(8, 203)

    for _ in range(60):
        optimizer.zero_grad()
        critic_loss(*(critic(audio) for audio in pair())).backward()
        optimizer.step()
    true, fake = (critic(audio)[-1].flatten(1).mean(1) for audio in pair())
    assert true.min() > fake.max()


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
    critic = {"windows": [256], "width": 2, "periods": [3], "period_width": 2, "lr": 1e-3, "alone": 1}
    recipe |= {"from": "tiny-codec", "decoder_blocks": [2, 1], "batch": {"real": 2, "made": 3}, "critic": critic, "validation_clips": 2, "validate_every": 2}
    recipe |= {"log_every": 1, "retold": {"prompt": 6, "positions": 12, "batch": 2, "every": 2, "first": 2, "keep": 8, "kept": [0, 1], "noise": [0.5, 0.5]}}
    (tmp_path / "tiny-decoder.yaml").write_text(yaml.safe_dump(recipe))
    handlers = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(sys, "argv", ["train_voice_decoder", "--recipe", str(tmp_path / "tiny-decoder.yaml"), "--runs", str(runs)])
    train_voice_decoder.main()
    for s, handler in handlers.items():
        signal.signal(s, handler)
    taught, step = load_codec(runs, "tiny-decoder")
    before = with_more_blocks(load_codec(runs, "tiny-codec")[0], [2, 1])
    assert step == 3
    changed = {name.split(".")[0] for name, value in taught.state_dict().items() if not torch.equal(value, before.state_dict()[name])}
    assert changed == {"decoder"}
    assert {"mel", "mel_made", "adversarial", "critic", "mel_db_1"} <= {row[2] for row in csv.reader((runs / "tiny-decoder" / "log.csv").open())}
    assert RATE == 50 * PER_TOKEN

import csv
import io
import json
import signal
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
import yaml

from training import train_codec
from training.codec import Codec, CodecConfig, Stft, fit_codebooks
from training.depthwise import shifted_products
from training.export import round_to_half
from training.export_codec import RunParts, export_codec
from training.evaluate_codec import MEASURES, bars, chosen_clips, summarise
from training.quantiser import ResidualQuantiser
from training.runner import load_recipe
from training.speech_data import RATE, Segments, Speech, active_level, build_cache, read_clips
from training.speech_losses import MEL_BANDS, MelDistance, SpectralLoss, mel_filters
from training.stft_discriminator import StftDiscriminator, adversarial_loss, critic_loss, feature_matching_loss

RECIPES = Path(__file__).parents[1] / "recipes"
TINY = {"widths": [16, 24], "strides": [2], "encoder_blocks": [1, 1], "decoder_blocks": [1, 1], "D": 4, "V": 16, "H": 8}


def tone(seconds: float, hertz: float) -> torch.Tensor:
    t = torch.arange(round(seconds * RATE)) / RATE
    return 0.2 * torch.sin(2 * torch.pi * hertz * t) + 0.01 * torch.randn(len(t))


def codec_of(**changes: object) -> Codec:
    codec = Codec(CodecConfig(**{**TINY, **changes}))
    codec.quantiser.e_DVH.normal_()
    return codec.eval()


def test_shifted_products_are_the_depthwise_convolution():
    conv, x = torch.nn.Conv1d(6, 6, 7, padding=3, groups=6), torch.randn(2, 11, 6)
    torch.testing.assert_close(shifted_products(x, conv.weight.squeeze(1), conv.bias), conv(x.transpose(1, 2)).transpose(1, 2))


def test_inverse_stft_gives_the_audio_back_edges_included():
    audio = torch.randn(2, 160 * 7)
    stft = Stft(640, 160)
    real, imaginary = stft(audio)
    assert real.shape == (2, 7, 321)
    torch.testing.assert_close(stft.inverse(real, imaginary), audio, atol=1e-4, rtol=1e-4)


def test_stft_is_torchs():
    audio, hann = torch.randn(1, 160 * 9), torch.hann_window(640)
    real, imaginary = Stft(640, 160)(audio)
    padded = torch.nn.functional.pad(audio, (240, 240))
    expected = torch.stft(padded, 640, 160, window=hann, center=False, return_complex=True).transpose(1, 2) / hann.sum()
    torch.testing.assert_close(torch.complex(real, imaginary), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("features", [["compressed"], ["log_magnitude"], ["compressed", "log_magnitude"]])
@pytest.mark.parametrize(
    ("shape", "rate"), [({}, 50), ({"widths": [16, 24, 24], "strides": [2, 2], "encoder_blocks": [1, 1, 1], "decoder_blocks": [1, 1, 1]}, 25)]
)
@torch.no_grad()
def test_a_second_becomes_rate_latents_and_a_second_again(features, shape, rate):
    codec = codec_of(features=features, **shape)
    x = codec.encode(torch.randn(2, RATE) * 0.1)
    assert x.shape == (2, rate, 4) and int(x.max()) < 16
    assert codec.decode(x).shape == (2, RATE)


@torch.no_grad()
def test_any_length_is_filled_up_to_a_whole_latent():
    codec = codec_of()
    assert codec.encode(torch.randn(1, 321) * 0.1).shape == (1, 2, 4)
    assert codec.encode(torch.randn(1, 1) * 0.1).shape == (1, 1, 4)


def test_unknown_features_are_refused():
    with pytest.raises(ValueError, match="log_magnitude"):
        codec_of(features=["mel"])


@torch.no_grad()
def test_decoding_a_prefix_ignores_the_deeper_codes():
    codec = codec_of()
    x = codec.encode(torch.randn(2, 3200) * 0.1)
    for depth in (1, 3):
        changed = x.clone()
        changed[:, :, depth:] = 15 - changed[:, :, depth:]
        torch.testing.assert_close(codec.decode(changed, depth), codec.decode(x, depth))
    assert not torch.allclose(codec.decode(x, 1), codec.decode(x, 4))


@torch.no_grad()
def test_training_at_a_depth_is_decoding_at_that_depth():
    codec = codec_of()
    audio = torch.randn(4, 3200) * 0.1
    y, _, residual_D = codec(audio, torch.tensor([1, 2, 3, 4]))
    x = codec.encode(audio)
    for i in range(4):
        torch.testing.assert_close(y[i : i + 1], codec.decode(x[i : i + 1], i + 1), atol=1e-5, rtol=1e-3)
    assert residual_D.shape == (4,)


@torch.no_grad()
def test_k_means_start_leaves_less_at_every_depth():
    quantiser, z = ResidualQuantiser(4, 16, 8), torch.randn(400, 8)
    fit_codebooks(quantiser, z)
    _, _, residual_D = quantiser.eval()(z, torch.full((400,), 4))
    assert bool(quantiser.initialised) and float(residual_D[0]) < 0.8 and bool((residual_D.diff() < 0).all())
    with pytest.raises(ValueError, match="cannot start"):
        fit_codebooks(quantiser, z[:10])


def test_losses_are_zero_at_identity_and_have_a_gradient_elsewhere():
    audio = torch.stack([tone(0.5, 300), torch.zeros(8000)])
    loss = SpectralLoss()
    assert [float(v) for v in loss(audio, audio)] == [0, 0]
    assert MelDistance()(audio, audio).tolist() == [0, 0]
    silent = torch.zeros(2, 8000, requires_grad=True)
    mel, complex_ = loss(silent, audio)
    (mel + complex_).backward()
    assert float(mel.detach()) > 0.1 and float(complex_.detach()) > 0 and bool(torch.isfinite(silent.grad).all())


def test_complex_loss_hears_a_turned_phase_which_mel_does_not():
    audio = tone(0.5, 300).unsqueeze(0)
    mel, complex_ = SpectralLoss()(-audio, audio)
    assert float(mel) < 1e-5 and float(complex_) > 0.01


def test_mel_distance_of_half_the_amplitude_is_6_db():
    audio = torch.randn(1, RATE) * 0.3
    assert float(MelDistance()(audio / 2, audio)) == pytest.approx(6.02, abs=0.05)


@pytest.mark.parametrize("window", MEL_BANDS)
def test_mel_filters_are_averages_and_none_is_empty(window):
    filters = mel_filters(window, MEL_BANDS[window])
    torch.testing.assert_close(filters.sum(0), torch.ones(MEL_BANDS[window]))
    assert float(filters.min()) >= 0


def test_discriminator_learns_to_tell_and_matching_is_zero_at_identity():
    real, fake = tone(0.5, 300).unsqueeze(0), 0.1 * torch.randn(1, 8000)
    critic = StftDiscriminator(512, width=4)
    optimizer = torch.optim.Adam(critic.parameters(), lr=5e-3)
    first = float(critic_loss(critic(real), critic(fake)).detach())
    for _ in range(20):
        optimizer.zero_grad()
        critic_loss(critic(real), critic(fake)).backward()
        optimizer.step()
    maps = critic(real)
    assert float(critic_loss(maps, critic(fake)).detach()) < first / 2
    assert float(feature_matching_loss(maps, maps).detach()) == 0
    assert float(adversarial_loss(maps).detach()) < float(adversarial_loss(critic(fake)).detach())


@pytest.fixture
def speech_zips(tmp_path: Path) -> list[str]:
    """Two zips of 16 kHz WAV files (any format that libsndfile knows will do); one speaker of the first is a held-out one."""
    soundfile = pytest.importorskip("soundfile", reason="pip install -r training/requirements-speech.txt")
    zips = []
    for name, speakers in (("clean", ["ko-1", "ls-19"]), ("real", ["ls-7"])):
        zips.append(str(tmp_path / f"{name}.zip"))
        with zipfile.ZipFile(zips[-1], "w") as archive:
            rows = []
            for speaker in speakers:
                for k in range(3):
                    buffer = io.BytesIO()
                    soundfile.write(buffer, tone(0.3 + 0.1 * k, 200 + 50 * k).numpy(), RATE, format="WAV", subtype="PCM_16")
                    path = f"audio/{speaker}/{k}.wav"
                    archive.writestr(path, buffer.getvalue())
                    rows.append({"path": path, "speaker": speaker, "text": "a tone", "seconds": 0.3 + 0.1 * k})
            archive.writestr("utterances.jsonl", "\n".join(map(json.dumps, rows)) + "\n")
    return zips


def test_a_cache_that_was_cut_off_is_finished_and_equal(speech_zips, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    clips = build_cache(speech_zips, whole)
    build_cache(speech_zips, parts)
    lines = (parts / "clips.jsonl").read_text().splitlines(keepends=True)
    (parts / "clips.jsonl").write_text("".join(lines[:4]) + lines[4][:20])
    assert len(read_clips(parts / "clips.jsonl")) == 4
    assert build_cache(speech_zips, parts) == clips and len(clips) == 9
    assert (whole / "samples.i16").read_bytes() == (parts / "samples.i16").read_bytes()
    with pytest.raises(SystemExit, match="other zips"):
        build_cache(speech_zips[1:], whole)


def test_held_out_speakers_are_never_trained_on(speech_zips, tmp_path):
    clips = build_cache(speech_zips, tmp_path / "cache")
    train, validation = Speech(tmp_path / "cache", clips).split(tmp_path / "cache")
    assert {c.speaker for c in validation.clips} == {"ls-19"} and {c.speaker for c in train.clips} == {"ko-1", "ls-7"}


def test_segments_keep_their_level_length_and_seed(speech_zips, tmp_path):
    clips = build_cache(speech_zips, tmp_path / "cache")
    speech = Speech(tmp_path / "cache", clips)
    segments = Segments(speech, {"clean": 1.0, "real": 0.0}, 3200, level_db=-23, gain_db=0)
    a = segments.draw(6, torch.Generator().manual_seed(1))
    assert a.shape == (6, 3200) and torch.equal(a, segments.draw(6, torch.Generator().manual_seed(1)))
    for row in a:
        assert 20 * np.log10(active_level(row.numpy())) == pytest.approx(-23, abs=0.3)
    longer = Segments(speech, {"clean": 1.0, "real": 1.0}, RATE, -23, 6).draw(2, torch.Generator().manual_seed(1))
    assert bool((longer[:, 9000:] == 0).all())


@pytest.fixture
def train(monkeypatch, speech_zips, tmp_path):
    """Runs the stage on the shipped recipe, made tiny; puts the signal handlers back."""
    handlers = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}
    recipe = load_recipe(RECIPES / "voice-codec.yaml") | {
        "name": "tiny-codec",
        "data": {"folder": str(tmp_path), "sets": {"clean": 1.0, "real": 1.0}},
        "clean_set": "clean",
        "clean_until": 1,
        "model": TINY,
        "segment_s": 0.2,
        "batch": 4,
        "steps": 5,
        "quantise_from": 1,
        "kmeans_frames": 40,
        "freeze_at": 3,
        "adversarial_from": 3,
        "critic": {"windows": [256, 512], "width": 2, "lr": 1e-3},
        "validation_clips": 2,
        "validate_every": 2,
    }
    (tmp_path / "tiny-codec.yaml").write_text(yaml.safe_dump(recipe))

    def run(*more: str) -> dict:
        monkeypatch.setattr(
            sys, "argv", ["train_codec", "--recipe", str(tmp_path / "tiny-codec.yaml"), "--runs", str(tmp_path / "runs"), *more]
        )
        train_codec.main()
        return torch.load(tmp_path / "runs" / "tiny-codec" / "checkpoint.pt", weights_only=True)

    yield run
    for s, handler in handlers.items():
        signal.signal(s, handler)


def test_the_stage_trains_resumes_and_freezes(train, tmp_path):
    plain = train("--steps", "1")
    assert plain["step"] == 1 and not plain["state"]["codec"]["quantiser.initialised"]
    before = train("--steps", "3")
    assert before["step"] == 3 and before["state"]["codec"]["quantiser.initialised"]
    after = train()
    assert after["step"] == 5
    for name, value in before["state"]["ema"].items():
        if name.startswith(("encoder", "quantiser")):
            assert torch.equal(value, after["state"]["ema"][name]), name
    assert any(not torch.equal(v, after["state"]["ema"][n]) for n, v in before["state"]["ema"].items() if n.startswith("decoder"))
    critics = [(plain["state"]["critics"][n], v) for n, v in after["state"]["critics"].items()]
    assert any(not torch.equal(a, b) for a, b in critics)
    folder = tmp_path / "runs" / "tiny-codec"
    assert {"mel_db_1", "mel_db_4", "codes_used_1"} <= {row[2] for row in csv.reader((folder / "log.csv").open())}
    assert list((folder / "samples").glob("*.wav"))


def judged(quality: float, heard: str) -> dict[str, object]:
    """One system's row; `quality` 0..1 raises every measure, and lowers the mel distance."""
    row = {name: quality for name in MEASURES} | {"mel_db": 5 * (1 - quality), "dnsmos_ovr": 2 + quality, "pesq": 1 + 3 * quality}
    return row | {"whisper": heard, "sphinx": heard}


def test_bars_are_those_of_the_issue():
    pytest.importorskip("jiwer", reason="pip install -r training/requirements-speech.txt")
    text = "one two three four five six seven eight nine ten"
    systems = {"original": judged(1.0, text), "depth_4": judged(0.5, ""), "depth_8": judged(0.8, text), "depth_16": judged(0.95, text)}
    clips = {"a": {"text": text, "systems": systems}}
    summary = summarise(clips)
    assert summary["depth_4"]["wer_whisper"] == 1 and summary["depth_16"]["wer_whisper"] == 0
    assert all(bars(summary, [4, 8, 16]).values())
    systems["depth_16"] = judged(0.6, text.replace("ten", "then"))
    failed = {name for name, holds in bars(summarise(clips), [4, 8, 16]).items() if not holds}
    assert failed == {"wer_whisper <= real + 0.03", "speaker_cosine >= 0.85", "stoi >= 0.90", "dnsmos_ovr within 0.3", "16 better than 8 better than 4"}


def test_judged_clips_have_a_text_and_come_from_every_speaker_in_turn(speech_zips, tmp_path):
    clips = build_cache(speech_zips, tmp_path / "cache")
    clips[0] = replace(clips[0], text=None)
    speech = Speech(tmp_path / "cache", clips)
    chosen = [speech.clips[i] for i in chosen_clips(speech, 5)]
    assert [c.speaker for c in chosen] == ["ko-1", "ls-19", "ls-7", "ko-1", "ls-19"] and clips[0] not in chosen


@torch.no_grad()
def test_a_run_becomes_a_package_that_gives_the_codecs_tokens(tmp_path):
    torch.manual_seed(0)
    codec = codec_of()
    codec.quantiser.e_DVH.mul_(0.6 ** torch.arange(4).view(4, 1, 1))
    round_to_half(codec)
    codec.quantiser.e_DVH.copy_(codec.quantiser.e_DVH.half().float())
    export_codec(RunParts(codec), tmp_path / "package", "tiny", "Tiny", "1.0.0", "CC0-1.0")
    manifest = json.loads((tmp_path / "package" / "model.json").read_text())
    assert manifest["sound"] == {"sampleRate": RATE, "samplesPerPosition": 320}
    clip = tone(0.4, 220).unsqueeze(0)
    run = lambda graph, **inputs: ort.InferenceSession(str(tmp_path / "package" / f"{graph}.onnx")).run(None, inputs)[0]  # noqa: E731
    x = run("encode", samples=clip.numpy())
    assert (x == codec.encode(clip).numpy()).all(-1).mean() > 0.9
    audio = run("decode", tokens=x, depth=np.full(x.shape[:2], 2, np.int32))
    torch.testing.assert_close(torch.from_numpy(audio), codec.decode(torch.from_numpy(x).long(), 2), atol=1e-4, rtol=1e-3)

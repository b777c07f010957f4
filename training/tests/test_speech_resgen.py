"""Speech ResGen on tiny synthetic data: what the network may know, how rows are cut, that it learns, that sampling keeps the prompt."""

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.alignments import Alignment
from training.codec import Codec, CodecConfig
from training.masking import draw_progress
from training.phone_table import to_ids
from training.sampler import Sampling
from training.speech_data import RATE, Clip
from training.speech_draws import draw_file, load_tokens
from training.speech_generator import SpeechConfig, SpeechGenerator
from training.speech_sampler import SpeechStep, candidate_seed, sample_speech
from training.speech_tokens import Augment, Cutter, Entry, SpeechTokens, Versions, collate, encode_all, from_durations, text_frames
from training.train_speech import cutters, draw_masks
from training.training_step import TrainingStep
from training.voice_augment import Voice, add_noise, as_recorded, change_voice, draw_voice, exact_factor, shift_voice

D, V, H, R, RATE_TOKENS = 3, 8, 6, 2, 50.0
CONFIG = SpeechConfig(D=D, H=H, K=16, rank=4, width=32, blocks=2, heads=2, text_blocks=1, frames_per_token=R)
VOWELS, CONSONANTS = ["AA1", "IY0", "UW1"], ["B", "S", "M"]


def tiny_tokens(seed: int = 0) -> SpeechTokens:
    """Two clips for each of four voices. The first depth says the phone, the second the voice, so that both are worth knowing."""
    rng = np.random.default_rng(seed)
    pieces, entries, start = [], [], 0
    for voice in ("a", "b", "ls-19", "b x1.100"):
        for _ in range(2):
            names = [n for _ in range(6) for n in ("_", str(rng.choice(CONSONANTS)), str(rng.choice(VOWELS)))] + ["."]
            phones = to_ids(names)
            lengths = rng.integers(2, 5, len(phones))
            x = np.stack([np.repeat([p % V for p in phones], lengths), np.full(lengths.sum(), len(voice) % V), rng.integers(0, V, lengths.sum())], 1)
            pieces.append(torch.from_numpy(x).to(torch.int16))
            entries.append(Entry(voice, "s", start, len(x), phones, (np.cumsum(lengths) / RATE_TOKENS).tolist()))
            start += len(x)
    return SpeechTokens(torch.cat(pieces), entries, RATE_TOKENS, 1.0, torch.tensor([0.5, 0.3, 0.1]))


def test_a_further_set_leaves_what_was_there_as_it_was():
    first, second = tiny_tokens(0), tiny_tokens(1)
    both = first.with_more(second)
    assert torch.equal(both.x[: len(first.x)], first.x) and both.entries[: len(first.entries)] == first.entries
    for before, after in zip(second.entries, both.entries[len(first.entries) :]):
        assert torch.equal(both.x[after.start : after.start + after.length], second.x[before.start : before.start + before.length])
        assert (after.voice, after.phones, after.ends) == (before.voice, before.phones, before.ends)
    assert both.scale == first.scale and both.sets == {"s"}


def codebooks() -> torch.Tensor:
    return torch.randn(D, V, H, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)


def cutter(tokens: SpeechTokens) -> Cutter:
    return Cutter(tokens, {"s": 1.0}, R, (0.1, 0.3), 10.0)


def test_rows_are_prompt_then_text_of_what_follows():
    tokens = tiny_tokens()
    cut, draw = cutter(tokens), torch.Generator().manual_seed(3)
    own = other = 0
    for _ in range(40):
        row = cut.row(tokens.entries[0], draw)
        made = row.x[row.prompt :]
        assert row.prompt >= 5 and len(row.frames) == len(row.x)
        assert (row.frames[: row.prompt] == -1).all() and (row.frames[row.prompt :] >= 0).all()
        # The first depth is the phone itself: the text must point at it.
        middle = row.frames[row.prompt :, 1]
        assert [row.phones[i] % V for i in middle] == made[:, 0].tolist()
        whole = len(made) == tokens.entries[0].length
        own, other = own + (not whole), other + whole
        assert row.x[: row.prompt, 1].unique().tolist() == [1]
    assert own and other


def test_of_a_long_clip_some_words_are_made():
    tokens = tiny_tokens()
    cut, draw = Cutter(tokens, {"s": 1.0}, R, (0.1, 0.3), 0.4), torch.Generator().manual_seed(3)
    entry, starts = tokens.entries[0], set()
    for _ in range(40):
        row = cut.row(entry, draw)
        made = row.x[row.prompt :, 0].tolist()
        assert 0 < len(made) <= 20 and [row.phones[i] % V for i in row.frames[row.prompt :, 1]] == made
        # All phones given are heard.
        assert {int(i) for i in row.frames[row.prompt :].flatten()} == set(range(len(row.phones)))
        starts.add(tuple(made[:6]))
    assert len(starts) > 3


def test_batches_are_of_rows_of_about_one_length():
    rng = np.random.default_rng(0)
    lengths = rng.integers(10, 200, 60)
    starts = np.cumsum(lengths) - lengths
    phones = to_ids(["_", "B"])
    entries = [Entry(f"v{i}", "s", int(a), int(n), phones, [n / 100, n / 50]) for i, (a, n) in enumerate(zip(starts, lengths))]
    tokens = SpeechTokens(torch.zeros(int(lengths.sum()), D, dtype=torch.int16), entries, RATE_TOKENS, 1.0, torch.ones(D))
    cut, draw = Cutter(tokens, {"s": 1.0}, R, (0.1, 0.3), 10.0), torch.Generator().manual_seed(0)
    filled = [float(cut.draw(8, draw).condition.valid.float().mean()) for _ in range(20)]
    assert np.mean(filled) > 0.8


def test_text_frames_start_at_the_first_phone_heard():
    entry = Entry("v", "s", 0, 6, to_ids(["_", "B", "AA1"]), [0.04, 0.08, 0.1])
    first, last, frames = text_frames(entry, 2, 6, 50.0, 2)
    assert (first, last) == (1, 2) and frames.tolist() == [[0, 0], [0, 0], [1, 1], [1, 1]]


def test_masks_stay_on_what_is_made():
    made = torch.tensor([[False, True, True, False], [True, True, True, True]])
    k = draw_masks(made, D, torch.tensor([0.0, 0.9999999]), "circle")
    assert k[0].tolist() == [0, D, D, 0]
    assert int(k[1].sum()) == 1


def test_padding_changes_nothing():
    torch.manual_seed(0)
    generator, draw = SpeechGenerator(CONFIG).eval(), torch.Generator().manual_seed(5)
    cut = cutter(tiny_tokens())
    rows = [cut.row(cut.targets[i], draw) for i in (0, 5)]
    rows.sort(key=lambda r: len(r.x))
    no = torch.zeros(2, dtype=torch.bool)
    both, alone = collate(rows, no, no), collate(rows[:1], no[:1], no[:1])
    z = torch.randn(*both.x.shape[:2], H)
    L = len(rows[0].x)
    k = both.made * 2
    a = generator(z, k, both.condition).u.unflatten(0, k.shape)[0, :L]
    b = generator(z[:1, :L], k[:1, :L], alone.condition).u
    assert torch.allclose(a, b, atol=1e-4)


def test_dropped_text_and_voice_are_not_known():
    torch.manual_seed(0)
    generator, cut, draw = SpeechGenerator(CONFIG).eval(), cutter(tiny_tokens()), torch.Generator().manual_seed(5)
    batch = cut.draw(2, draw)
    k = torch.where(batch.made, D, 0)
    z = torch.randn(*batch.x.shape[:2], H) * (k < D).unsqueeze(2)

    def logits(z: torch.Tensor, condition) -> torch.Tensor:
        return generator(z, k, condition).logits

    other_voice = z * (1 + batch.condition.prompt.unsqueeze(2))
    without_voice = batch.condition.dropping(text=False, voice=True)
    assert torch.equal(logits(z, without_voice), logits(other_voice, without_voice))
    assert not torch.allclose(logits(z, batch.condition), logits(other_voice, batch.condition))
    without_text = batch.condition.dropping(text=True, voice=False)
    changed = collate([cut.row(cut.targets[0], draw)], torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.bool)).condition
    said_otherwise = type(changed)(changed.phones.roll(1, 1), changed.frames, changed.prompt, changed.valid, changed.drop_text, changed.drop_voice)
    L = changed.valid.shape[1]
    states = [generator(z[:1, :1].expand(1, L, H), torch.zeros(1, L, dtype=torch.long), c).logits for c in (changed, said_otherwise)]
    assert torch.equal(*states)
    assert not torch.allclose(logits(z, batch.condition), logits(z, without_text))


def test_it_learns_text_and_voice():
    torch.manual_seed(0)
    generator, tokens = SpeechGenerator(CONFIG), tiny_tokens()
    model, cut = TrainingStep(generator, codebooks(), 1.0, 0.01), cutter(tokens)
    optimizer, draw = torch.optim.AdamW(generator.parameters(), 3e-3), torch.Generator().manual_seed(1)
    losses = []
    for _ in range(60):
        rows = cut.draw(8, draw, (0.1, 0.05, 0.05))
        k = draw_masks(rows.made, D, draw_progress(8, generator=draw), "circle", draw)
        loss = model(rows.x, k, rows.condition)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()) / H)
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.5
    # With the wrong text the same tokens are less likely.
    generator.eval()
    rows = cut.draw(16, draw)
    k = torch.where(rows.made, D, 0)
    c = rows.condition
    wrong = type(c)(c.phones.roll(1, 1), c.frames, c.prompt, c.valid, c.drop_text, c.drop_voice)
    with torch.inference_mode():
        assert float(model(rows.x, k, wrong)["loss"]) > float(model(rows.x, k, c)["loss"])


@pytest.mark.parametrize("voice_share", [None, 0.3])
def test_sampling_keeps_the_prompt_and_is_repeatable(voice_share: float | None):
    torch.manual_seed(0)
    tokens = tiny_tokens()
    step = SpeechStep(SpeechGenerator(CONFIG).eval(), codebooks(), tokens.scale, tokens.sigma).eval()
    prompt = tokens.x[:9]
    row = from_durations(to_ids(["_", "B", "AA1", "."]), [0.04, 0.06, 0.1, 0.08], prompt, RATE_TOKENS, R)
    s = Sampling(steps=5, voice_share=voice_share)
    a, b = (sample_speech(step, row, 3, s) for _ in range(2))
    assert torch.equal(a, b) and a.shape == (14, D) and a.dtype == torch.int32
    assert len(a.unique(dim=0)) > 1
    assert not torch.equal(a, sample_speech(step, row, 5, s))
    # The first depths of what is there stay.
    again = sample_speech(step, replace(row, x=torch.cat([prompt.long(), a.long()])), 5, s, kept=1)
    assert torch.equal(again[:, 0], a[:, 0]) and not torch.equal(again[:, 1:], a[:, 1:])
    # Another clip is another voice, and a guidance of zero costs no further evaluation.
    assert not torch.equal(a, sample_speech(step, replace(row, x=torch.cat([tokens.x[20:29].long(), row.x[9:]])), 3, s))
    trunks = []
    step.generator.trunk = lambda *args, trunk=step.generator.trunk, **more: (trunks.append(len(args[0])), trunk(*args, **more))[1]
    sample_speech(step, row, 3, s.with_(guidance_from=1.0, guidance_to=0.0, steps=2))
    assert trunks == ([1, 1, 1, 0] if voice_share is None else [2, 1, 1, 0])


def test_of_several_candidates_the_one_is_kept_whose_voice_is_nearest_to_the_clip():
    torch.manual_seed(0)
    tokens = tiny_tokens()
    step = SpeechStep(SpeechGenerator(CONFIG).eval(), codebooks(), tokens.scale, tokens.sigma).eval()
    row = from_durations(to_ids(["_", "B", "AA1", "."]), [0.04, 0.06, 0.1, 0.08], tokens.x[:9], RATE_TOKENS, R)
    s, chosen = Sampling(steps=3), set()
    with torch.inference_mode():
        clip = step.encode_voice(row.x[:9].unsqueeze(0))
        for seed in range(4):
            alone = [sample_speech(step, row, candidate_seed(seed, c), s) for c in range(3)]
            near = [float(torch.cosine_similarity(step.encode_voice(one.unsqueeze(0)), clip)) for one in alone]
            chosen.add(near.index(max(near)))
            assert torch.equal(sample_speech(step, row, seed, s.with_(candidates=3)), alone[near.index(max(near))])
    assert len(chosen) > 1
    assert [candidate_seed(7, c) for c in range(3)] == [7, 0x9E3779C0, 0x3C6EF379]


def test_dropout_is_of_training_alone():
    torch.manual_seed(0)
    generator = SpeechGenerator(replace(CONFIG, dropout=0.5))
    rows = cutter(tiny_tokens()).draw(2, torch.Generator().manual_seed(0))
    z, k = torch.randn(*rows.x.shape[:2], H), torch.zeros(rows.x.shape[:2], dtype=torch.long)
    out = lambda: generator(z, k, rows.condition).logits  # noqa: E731
    assert not torch.allclose(out(), out())
    generator.eval()
    assert torch.equal(out(), out())


def test_without_the_voice_its_clip_is_left_out():
    tokens = tiny_tokens()
    rows = cutter(tokens).draw(8, torch.Generator().manual_seed(2), (0.0, 0.0, 1.0))
    assert rows.condition.drop_voice.all() and not rows.condition.prompt.any()
    assert cutter(tokens).draw(8, torch.Generator().manual_seed(2), (0.0, 1.0, 0.0)).condition.prompt.any()


class _Clips:
    """`Speech` with sounds made up here."""

    def __init__(self, names: list[tuple[str, float]]):
        rng = np.random.default_rng(0)
        self.audio = [(rng.standard_normal(int(seconds * RATE)) * 0.1).astype(np.float32) for _, seconds in names]
        self.clips = [Clip(f"{i}", "s", voice, "x", 0, len(a), 0.1) for i, ((voice, _), a) in enumerate(zip(names, self.audio))]

    def read(self, i: int) -> np.ndarray:
        return self.audio[i]


def test_clips_are_encoded_as_they_are_shifted_and_recorded(tmp_path: Path):
    torch.manual_seed(0)
    codec = Codec(CodecConfig(widths=[8, 8], encoder_blocks=[1, 1], decoder_blocks=[1, 1], D=2, V=4, H=4)).eval()
    speech = _Clips([("a", 1.0), ("a", 0.5), ("ls-19", 1.0)])
    words = Alignment("s", "0", "a", True, 100, ["B", "AA1", "."], [200, 300, 400])
    tokens = encode_all(codec, Versions(speech, [words, Alignment("s", "2", "ls-19", True, 0, ["B", "."], [500, 500])], Augment([1.25]), 0))
    assert [(e.voice, e.length, len(e.phones)) for e in tokens.entries] == [
        ("a", 50, 4), ("a x1.250", 40, 4), ("a", 50, 0), ("a", 25, 0), ("ls-19", 50, 3), ("ls-19 x1.250", 40, 3), ("ls-19", 50, 0),
    ]  # fmt: skip
    assert tokens.entries[1].ends == pytest.approx([0.08, 0.24, 0.48, 0.8])
    tokens.save(tmp_path / "tokens.pt")
    again = SpeechTokens.load(tmp_path / "tokens.pt")
    assert again.entries == tokens.entries and torch.equal(again.x, tokens.x) and again.scale == tokens.scale
    train, validation = cutters(again, {"data": {"sets": {"s": 1.0}}, "prompt_s": [0.1, 0.2], "longest_s": 5}, R)
    assert {e.voice for e in train.targets} == {"a", "a x1.250"} and {e.voice for e in validation.targets} == {"ls-19"}


def test_every_clip_is_encoded_once_more_in_a_voice_that_is_drawn():
    torch.manual_seed(0)
    codec = Codec(CodecConfig(widths=[8, 8], encoder_blocks=[1, 1], decoder_blocks=[1, 1], D=2, V=4, H=4)).eval()
    speech = _Clips([("a", 1.0), ("a", 0.5), ("a", 1.0), ("ls-19", 1.0)])
    words = [Alignment("s", name, "a", True, 100, ["B", "AA1", "."], [200, 300, 400]) for name in ("0", "1", "2")]
    tokens = encode_all(codec, Versions(speech, words, Augment([], clips_per_drawn=2), 0, drawn_only=True))
    assert tokens.drawn and len(tokens.entries) == 3
    assert {e.voice for e in tokens.entries} <= {"a drawn 0", "a drawn 1"}
    for e, seconds in zip(tokens.entries, (1.0, 0.5, 1.0)):
        shift = draw_voice(np.random.default_rng([0, int(e.voice.split()[-1]), zlib.crc32(b"a")])).shift
        assert e.ends == pytest.approx([s / shift for s in (0.1, 0.3, 0.6, 1.0)])
        assert e.length == pytest.approx(seconds * RATE_TOKENS / shift, abs=1)
    both = encode_all(codec, Versions(speech, words, Augment([], clips_per_drawn=2), 0))
    assert [e.voice for e in both.entries if not e.voice.startswith("a drawn")] == ["a", "a", "a", "a", "a", "a", "ls-19"]
    assert not encode_all(codec, Versions(speech, words, Augment([]), 0)).drawn


def test_many_processes_and_batches_encode_what_one_does():
    torch.manual_seed(0)
    codec = Codec(CodecConfig(widths=[8, 8], encoder_blocks=[1, 1], decoder_blocks=[1, 1], D=2, V=4, H=4)).eval()
    speech = _Clips([("a", 1.0), ("a", 0.5), ("b", 0.8), ("ls-19", 0.73)])
    words = [Alignment("s", name, voice, True, 100, ["B", "AA1", "."], [200, 100, 100]) for name, voice in (("0", "a"), ("1", "a"), ("2", "b"))]
    versions = Versions(speech, words, Augment([1.25], clips_per_drawn=2), 0)
    alone, many = encode_all(codec, versions), encode_all(codec, versions, processes=2, at_once=3)
    by_voice = lambda tokens: sorted((e.voice, e.length, e.phones, e.ends, e.start) for e in tokens.entries)  # noqa: E731
    assert [row[:4] for row in by_voice(many)] == [row[:4] for row in by_voice(alone)]
    assert many.scale == pytest.approx(alone.scale, rel=0.01)
    for a, b in zip(by_voice(alone), by_voice(many)):
        # At the end of a clip the encoder sees what the longer one beside it left as silence.
        n = a[1] - 6
        assert (alone.x[a[4] : a[4] + n] == many.x[b[4] : b[4] + n]).float().mean() > 0.98


def test_further_draws_are_other_voices_and_are_taken_up_in_order(tmp_path: Path):
    torch.manual_seed(0)
    codec = Codec(CodecConfig(widths=[8, 8], encoder_blocks=[1, 1], decoder_blocks=[1, 1], D=2, V=4, H=4)).eval()
    speech, words = _Clips([("a", 1.0), ("b", 0.5)]), [Alignment("s", "0", "a", True, 100, ["B", "."], [200, 300])]
    first, second, third = (encode_all(codec, Versions(speech, words, Augment([], clips_per_drawn=2), 0, n)) for n in (0, 1, 2))
    assert [e.voice for e in first.entries] == ["a", "a", "a drawn 0", "b"]
    assert [e.voice for e in second.entries + third.entries] == ["a drawn 1.0", "a drawn 2.0"]
    recipe = {"name": "r", "draws": 2}
    first.save(tmp_path / "r" / "tokens.pt")
    third.save(draw_file(recipe, tmp_path, 2))
    assert load_tokens(recipe, tmp_path)[1] == 0, "the second waits for the first"
    second.save(draw_file(recipe, tmp_path, 1))
    tokens, n = load_tokens(recipe, tmp_path)
    assert n == 2 and [e.voice for e in tokens.entries[4:]] == ["a drawn 1.0", "a drawn 2.0"] and len(tokens.x) == sum(e.length for e in tokens.entries)
    assert load_tokens({"name": "r"}, tmp_path)[1] == 0


def test_drawn_voices_have_their_share_however_many_draws_there_are():
    tokens = tiny_tokens()
    for e in tokens.entries[:6]:
        e.voice += " drawn 0"
    drawn = torch.tensor([" drawn " in e.voice for e in tokens.entries])
    weight = Cutter(tokens, {"s": 1.5}, R, (0.1, 0.3), 10.0, 0.25).weight
    assert float(weight[drawn].sum() / weight.sum()) == pytest.approx(0.25)
    assert torch.equal(Cutter(tokens, {"s": 1.5}, R, (0.1, 0.3), 10.0).weight, torch.full((8,), 1.5, dtype=torch.float64))


def test_lengths_are_multiples_where_a_gpu_wants_them():
    rows = cutter(tiny_tokens()).draw(4, torch.Generator().manual_seed(2), multiple=16)
    assert rows.x.shape[1] % 16 == rows.condition.phones.shape[1] % 16 == 0
    assert torch.equal(rows.x.shape[1] - rows.condition.valid.long().sum(1), (~rows.condition.valid).long().sum(1)) and not rows.x[~rows.condition.valid].any()


def test_a_prompt_is_never_the_same_clip_as_people_record_it():
    tokens = tiny_tokens()
    first = tokens.entries[0]
    first.voice, recorded = "one clip", replace(first, voice="one clip", phones=[], ends=[], start=len(tokens.x))
    tokens = replace(tokens, x=torch.cat([tokens.x, tokens.x[first.start : first.start + first.length]]), entries=[first, recorded])
    cut, draw = cutter(tokens), torch.Generator().manual_seed(0)
    # Its own beginning, or none at all.
    for row in (cut.row(first, draw) for _ in range(20)):
        assert row.at == 0 and row.prompt == 0 or torch.equal(row.x[: row.prompt], tokens.x[row.at - row.prompt : row.at].long())


def test_a_speaker_of_few_clips_is_heard_as_often_as_one_of_many_if_the_recipe_says_so():
    tokens = tiny_tokens()
    for e in tokens.entries[1:]:
        e.voice = "many x1.250" if e is tokens.entries[1] else "many"
    tokens.entries[0].voice = "few"
    n = len(tokens.entries)

    def share(balance: float) -> float:
        weight = Cutter(tokens, {"s": 1.0}, R, (0.1, 0.3), 10.0, balance=balance).weight
        return float(weight[0] / weight.sum())

    assert share(0.0) == pytest.approx(1 / n)
    assert share(0.5) == pytest.approx(1 / (1 + (n - 1) ** 0.5))
    assert share(1.0) == pytest.approx(1 / 2)


def test_a_voice_is_drawn_with_its_own_formants_and_channel():
    rng = np.random.default_rng(2)
    assert draw_voice(np.random.default_rng([1, 2])) == draw_voice(np.random.default_rng([1, 2])) != draw_voice(np.random.default_rng([1, 3]))
    # Pulses at 125 Hz through one formant at 1 kHz.
    t = np.arange(2 * RATE) / RATE
    x = np.convolve((np.arange(len(t)) % 128 == 0).astype(float), np.exp(-300 * t[:800]) * np.sin(2 * np.pi * 1000 * t[:800]))[: len(t)].astype(np.float32) * 0.3
    plain = Voice(1.0, 1.0, 0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    assert change_voice(x, plain) == pytest.approx(x, abs=1e-3)

    def harmonics(y: np.ndarray) -> np.ndarray:
        """Power at multiples of 125 Hz."""
        return np.abs(np.fft.rfft(y[: 2 * RATE]))[250 :: 250][:24] ** 2

    warped = change_voice(x, Voice(1.0, 1.25, 0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    assert len(warped) == len(x)
    assert (np.argmax(harmonics(x)) + 1) * 125 == 1000 and (np.argmax(harmonics(warped)) + 1) * 125 == 1250
    tilted = harmonics(change_voice(x, Voice(1.0, 1.0, 6.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))) / harmonics(x)
    assert 10 * np.log10(tilted[15] / tilted[7]) == pytest.approx(6, abs=0.5)
    louder = change_voice(rng.standard_normal(RATE).astype(np.float32) * 0.4, draw_voice(rng))
    assert louder.dtype == np.float32 and np.abs(louder).max() <= 0.981


def test_augmentation():
    rng = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32) * 0.3
    shifted = shift_voice(tone, 1.25)
    assert len(shifted) == RATE / exact_factor(1.25) == RATE / 1.25
    assert np.argmax(np.abs(np.fft.rfft(shifted[:8000]))) * 2 == pytest.approx(250, abs=2)
    noisy = add_noise(tone, 20.0, 0.5, rng)
    assert 10 * np.log10(np.mean(tone**2) / np.mean((noisy - tone) ** 2)) == pytest.approx(20, abs=0.1)
    recorded = as_recorded(tone, rng)
    assert recorded.shape == tone.shape and recorded.dtype == np.float32 and np.abs(recorded).max() <= 0.981

from training.runner import load_recipe
from training.voice_card import card


def test_the_card_says_what_was_measured():
    recipe = load_recipe("training/recipes/voice-resgen.yaml")

    def clip(speaker: str, said: str) -> dict:
        judged = {"wer_whisper": 0.25, "wer_sphinx": 0.5, "speaker_cosine": 0.7, "dnsmos_ovr": 2.9, "longest_deleted": 0, "longest_inserted": 0}
        return {"speaker": speaker, "prompt": f"clip of {speaker}", "text": "a gray cat sleeps", "whisper": said, "sphinx": "a gray cat sleeps", **judged}

    clips = {"0 a": clip("ls-19", "a gray cap sleeps"), "0 b": clip("ls-1737", "a gray cat sleeps")}
    worst = {key: {"mean": 0.1, "worst": 0.25} for key in ("wer_whisper", "wer_sphinx", "speaker_cosine", "dnsmos_ovr")}
    report = {
        "step": 5400,
        "sampling": recipe["package"]["presets"]["balanced"],
        "prompts": 1,
        "prompt_s": 8.0,
        "clips": clips,
        "summary": {**worst, "dropped": [], "repeated": ["0 a"]},
        "bars": {"wer_whisper <= 0.12": True, "dnsmos_ovr >= 3.0": False},
    }
    earlier = [{"steps": 13250, "batch": 32, "hours": 7.9, "machine": "2 cores"}, {"steps": 100, "batch": 128, "hours": 0.1, "machine": "a GPU", "note": "the half of them in vain"}]
    text = card({**recipe, "earlier": earlier}, report, 16, 128, 1.75, "4 cores")
    before = "13,250 steps of up to 32 rows (7.9 hours, 2 cores), then 100 steps of up to 128 rows (6 minutes, a GPU; the half of them in vain)"
    assert f"M numbers, {before}, then 5,400 steps of up to 16 rows (1.8 hours, 4 cores). Weights" in text
    assert "M numbers, 5,400 steps of up to 16 rows (6 minutes, a GPU). Weights" in card({**recipe, "earlier": []}, report, 16, 128, 0.1, "a GPU")
    assert "(6 minutes, a GPU; the half of them in vain)" in card({**recipe, "note": "the half of them in vain"}, report, 16, 128, 0.1, "a GPU")
    assert "| word error rate, whisper-base | 12.5% | 0.0% | 25.0% | 25.0% |" in text
    assert "1 sentences that are in no training text, said after 8 s of ls-1737 and ls-19" in text
    assert "decoder" not in text and "taught on for 4,000 steps" in card(recipe, report | {"decoder_step": 4000}, 16, 128, 1.75, "2 cores")
    mixed = card({**recipe, "decoder_share": 0.75}, report | {"decoder_step": 4000}, 16, 128, 1.75, "2 cores")
    assert "The weights are 75% of that decoder's and 25% of the codec's own." in mixed
    assert "repeated: 1" in text and "| dnsmos_ovr >= 3.0 | **not met** |" in text and "## Licence" in text
    assert all(name in text for name in ("Kokoro-82M", "LibriSpeech train-clean-5", "speechocean762, adult"))
    assert "Of clips without a text only the voice was used." in text
    assert "Of clips without a text 225 got one by whisper-base, where it was sure; of others only the voice" in card(recipe, report, 16, 128, 1.75, "2 cores", 225)

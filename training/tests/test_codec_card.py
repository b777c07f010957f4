from training.codec_card import COLUMNS, card
from training.runner import load_recipe


def test_the_card_says_what_was_measured():
    recipe = load_recipe("training/recipes/voice-codec.yaml")
    values = {key: 0.5 for key in COLUMNS}
    report = {
        "step": 1234,
        "level_db": -23.0,
        "clips": {"a": {"speaker": "ls-19"}, "b": {"speaker": "ls-1737"}},
        "summary": {"original": values, "depth_16": {**values, "mel_db": 1.66}},
        "bars": {"stoi >= 0.90": True, "other": False},
    }
    text = card(recipe, report, 2.25, "2 cores")
    assert "1,234 steps" in text and "2.2 hours, 2 cores" in text and "50 positions a second of 16 residual depths with 1,024 codes each (8 kbit/s)" in text
    assert "## Licence\n\nThe weights are MIT" in text
    assert "| depth 16 | 1.66 |" in text and "| other | **not met** |" in text
    assert all(name in text for name in ("Kokoro-82M", "speechocean762", "ls-1737 and ls-19"))

"""Writes the card of a speech codec from its run and its evaluation: nothing in it is typed by hand.

    python -m training.codec_card --recipe training/recipes/voice-codec.yaml

Run `training.evaluate_codec` first. Makes `docs/models/<recipe's name>/card.md`, which `training.export_codec --card` ships.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from training.card import hours_of_training, table
from training.codec import Codec, CodecConfig
from training.plots import read_log
from training.runner import arguments, load_recipe, machine

DATA = {
    "kokoro-synth-16k": "speech synthesised by Kokoro-82M (Apache-2.0), 5.9 h, 160 voices; texts of LJ Speech (public domain) and VCTK (CC BY 4.0)",
    "librispeech-clean5-16k": "LibriSpeech train-clean-5 (CC BY 4.0), 4.7 h, 24 speakers",
    "librispeech-misc-16k": "extracts of LibriSpeech (CC BY 4.0), 1.9 h, 243 speakers",
    "speechocean-adults-16k": "speechocean762, adult speakers (free for commercial and other use), 3.2 h, 128 speakers",
}
LICENCE = (
    "The weights are MIT, as the studio. They were trained on recordings of LibriSpeech (V. Panayotov, G. Chen, D. Povey, S. Khudanpur, 2015; CC BY 4.0) and of speechocean762 "
    "(J. Zhang et al., 2021; free for commercial and other use), and on speech that Kokoro-82M (Apache-2.0) made of texts of LJ Speech (public domain) and of VCTK (J. Yamagishi, "
    "C. Veaux, K. MacDonald, 2019; CC BY 4.0). The package contains none of it."
)
COLUMNS = {
    "mel_db": ("mel distance, dB", "{:.2f}"),
    "pesq": ("PESQ", "{:.2f}"),
    "stoi": ("STOI", "{:.3f}"),
    "dnsmos_ovr": ("DNSMOS overall", "{:.2f}"),
    "speaker_cosine": ("speaker cosine", "{:.3f}"),
    "speaker_cosine_worst": ("worst", "{:.3f}"),
    "wer_whisper": ("WER, whisper-base", "{:.1%}"),
    "wer_sphinx": ("WER, pocketsphinx", "{:.1%}"),
}


def card(recipe: dict[str, Any], report: dict[str, Any], hours: float, trained_on: str) -> str:
    """The card's Markdown. `recipe` is that of the checkpoint."""
    config = CodecConfig(**recipe["model"])
    codec = Codec(config)
    rate = config.rate / config.samples_per_latent
    used = sum(p.numel() for p in codec.parameters()) + codec.quantiser.e_DVH.numel()
    rows = [[name.replace("depth_", "depth "), *(form.format(values[key]) for key, (_, form) in COLUMNS.items())] for name, values in report["summary"].items()]
    speakers = sorted({clip["speaker"] for clip in report["clips"].values()})
    blocks = [
        "# Voice codec",
        f"English speech as tokens and back: {config.rate // 1000} kHz mono, {rate:.4g} positions a second of {config.D} residual depths with {config.V:,} codes each "
        f"({rate * config.D * (config.V - 1).bit_length() / 1000:.3g} kbit/s). It encodes, decodes and is inspected; it says nothing by itself.",
        f"Complex STFT in, ConvNeXt blocks, residual quantiser, ConvNeXt blocks, inverse STFT out: {used / 1e6:.1f} M numbers. Trained for {report['step']:,} steps of "
        f"{recipe['batch']} clips of {recipe['segment_s']} s ({hours:.1f} hours, {trained_on}, shared with other work): at first by mel and complex-STFT distances with all parts, from step "
        f"{recipe['freeze_at']:,} on the decoder alone, against complex-STFT discriminators with feature matching. Weights are exponential moving averages, rounded to float16; what follows "
        "was measured with their codebooks rounded.",
        "## Data",
        "\n".join(f"- {DATA.get(name, name)}" for name in recipe["data"]["sets"]),
        "## How well",
        f"{len(report['clips'])} clips of {' and '.join(speakers)}, speakers of LibriSpeech that were never trained on; each clip brought to {report['level_db']:.0f} dB of full scale. "
        "“original” is the clip itself under the same judges.",
        table(["", *(title for title, _ in COLUMNS.values())], rows),
        "## Bars",
        table(["bar", ""], [[name, "met" if met else "**not met**"] for name, met in report["bars"].items()]),
        "## Licence",
        LICENCE,
    ]
    return "\n\n".join(blocks) + "\n"


def main() -> None:
    args = arguments(__doc__)
    name = load_recipe(args.recipe, args.set)["name"]
    run = Path(args.runs) / name
    report = json.loads((run / "evaluation.json").read_text())
    saved = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True, mmap=True)
    if saved["step"] != report["step"]:
        raise SystemExit(f"The evaluation is of step {report['step']}, the run is at {saved['step']}. Run training.evaluate_codec again.")
    out = Path("docs/models") / name / "card.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(card(saved["recipe"], report, hours_of_training(read_log(run / "log.csv")), saved.get("machine", machine())))
    print(f"{out}. Next: python -m training.export_codec --run {name} --id {name} --card {out} …")


if __name__ == "__main__":
    main()

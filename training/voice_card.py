"""Writes the card of a model that speaks from its run and its evaluation: nothing in it is typed by hand.

    python -m training.voice_card --recipe training/recipes/voice-resgen.yaml

Run `training.evaluate_voice` first. Makes `docs/models/<package's id>/card.md`, which `training.export_voice --card` ships.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from training.card import hours_of_training, table
from training.codec_card import DATA, LICENCE
from training.evaluate_voice import summarise
from training.plots import read_log
from training.runner import arguments, load_recipe, machine
from training.speech_generator import SpeechConfig, SpeechGenerator
from training.transcripts import sure_texts

MEASURES = {
    "wer_whisper": ("word error rate, whisper-base", "{:.1%}"),
    "wer_sphinx": ("word error rate, pocketsphinx", "{:.1%}"),
    "speaker_cosine": ("speaker cosine to the prompt", "{:.3f}"),
    "dnsmos_ovr": ("DNSMOS overall", "{:.2f}"),
}
SCALE = (
    "For scale: two clips of one person have a speaker cosine of about 0.90, of two people 0.58; real clips of these speakers after the codec have a word error rate of 3.6 % by whisper-base "
    "and a DNSMOS of 3.11."
)


def card(recipe: dict[str, Any], report: dict[str, Any], D: int, H: int, hours: float, trained_on: str, heard: int = 0) -> str:
    """The card's Markdown. `recipe` is that of the checkpoint, D and H are its codec's, `heard` is how many clips have a text by whisper."""
    package, size = recipe["package"], sum(p.numel() for p in SpeechGenerator(SpeechConfig(D=D, H=H, **recipe["model"])).parameters())
    clips, sampling = report["clips"], report["sampling"]
    speakers = sorted({clip["speaker"] for clip in clips.values()})
    parts = {"all": clips, **{s: {k: c for k, c in clips.items() if c["speaker"] == s} for s in speakers}}
    summaries = {name: summarise(part) for name, part in parts.items()}
    rows = [[title, *(form.format(s[key]["mean"]) for s in summaries.values()), form.format(report["summary"][key]["worst"])] for key, (title, form) in MEASURES.items()]
    lost = {what: len(report["summary"][what]) for what in ("dropped", "repeated")}
    said = len({clip["text"] for clip in clips.values()})
    blocks = [
        f"# {package['title']}",
        package["description"],
        f"A ResGen model (Kim et al., ICML 2025, arXiv 2412.10208) over the tokens of the package `{recipe['codec']}`, trained by this project: a text encoder over phones whose lengths come "
        "from a regression at the pace of the recorded readers, the voice's clip as tokens in front and as one vector, and a mixture of Gaussians over the summed embeddings of all masked depths. Attention works on pairs of "
        f"positions. {size / 1e6:.1f} M numbers, {_training(recipe, report['step'], hours, trained_on)}. Weights are exponential moving "
        "averages, rounded to float16, and what follows was measured with these.",
        *_decoder_section(report, recipe.get("decoder_share", 1.0)),
        "## Data",
        "\n".join(f"- {DATA.get(name, name)}" for name in recipe["data"]["sets"])
        + "\n\n"
        + (f"Of clips without a text {heard} got one by whisper-base, where it was sure; of others" if heard else "Of clips without a text")
        + " only the voice was used. Phones of the synthetic speech came with it, those of the recordings were aligned by pocketsphinx."
        + (" Every clip was also said in a voice of other pitch, formants and channel, so that more voices were heard than there are speakers." if recipe["augment"].get("clips_per_drawn") else ""),
        "## How well",
        f"{said} sentences that are in no training text, said after {report['prompt_s']:g} s of {' and '.join(speakers)}, speakers of LibriSpeech that were never trained on "
        f"({report['prompts']} clips of each; {len(clips)} sounds in all): {sampling['steps']} steps, guidance {sampling['guidance_from']:g} to {sampling['guidance_to']:g}, "
        f"top-p {sampling['top_p']:g}, noise {sampling['noise']:g}{_candidates(sampling)}.",
        table(["", *summaries, "worst sound"], rows),
        f"Sentences of which half or more was dropped in a row: {lost['dropped']}; repeated: {lost['repeated']}. {SCALE}",
        "## Bars",
        table(["bar", ""], [[name, "met" if met else "**not met**"] for name, met in report["bars"].items()]),
        "## Use",
        "English only. Use it for your own voice or with the speaker's consent; the studio asks for that, and marks what it makes as synthetic. Rare names may come out wrong.",
        "## Licence",
        LICENCE,
    ]
    return "\n\n".join(blocks) + "\n"


def _candidates(sampling: dict[str, Any]) -> str:
    n = sampling.get("candidates", 1)
    return f"; each sentence was said {n} times, and what was nearest to the clip by the model's own voice vectors was kept and judged" if n > 1 else ""


def _training(recipe: dict[str, Any], step: int, hours: float, trained_on: str) -> str:
    """The run's steps, and before them those of its recipe's `earlier`, whose weights it began with."""
    runs = [*recipe.get("earlier", []), {"steps": step, "batch": recipe["batch"], "hours": hours, "machine": trained_on, "note": recipe.get("note")}]
    spent = lambda hours: f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"  # noqa: E731
    return ", then ".join(f"{run['steps']:,} steps of up to {run['batch']} rows ({'; '.join(filter(None, (spent(run['hours']) + ', ' + run['machine'], run.get('note'))))})" for run in runs)


def _decoder_section(report: dict[str, Any], share: float) -> list[str]:
    if "decoder_step" not in report:
        return []
    mixed = "" if share == 1 else f" The weights are {share:.0%} of that decoder's and {1 - share:.0%} of the codec's own."
    return [
        f"With encoder and codebooks at rest, the codec's decoder was taught on for {report['decoder_step']:,} steps with training clips that the generator had said again: to the clip itself where "
        f"the first depths had been left as they were, and by complex-STFT critics alone where nothing had. No judge below had a part in it.{mixed}"
    ]


def main() -> None:
    args = arguments(__doc__)
    recipe = load_recipe(args.recipe, args.set)
    run = Path(args.runs) / recipe["name"]
    report = json.loads((run / "evaluation.json").read_text())
    saved = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True, mmap=True)
    if saved["step"] != report["step"]:
        raise SystemExit(f"The evaluation is of step {report['step']}, the run is at {saved['step']}. Run training.evaluate_voice again.")
    weights = saved["state"]["ema"]
    out = Path("docs/models") / recipe["package"]["id"] / "card.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    D, H = len(weights["embed_k.weight"]) - 1, weights["embed_z.weight"].shape[1]
    trained = {**saved["recipe"], "package": recipe["package"], "decoder_share": recipe.get("decoder_share", 1.0)}
    hours, heard = hours_of_training(read_log(run / "log.csv")), len(sure_texts(Path(args.runs) / recipe["cache"]))
    out.write_text(card(trained, report, D, H, hours, saved.get("machine", machine()), heard))
    print(f"{out}. Next: python -m training.export_voice --recipe {args.recipe} --card {out} --out resources/models/{recipe['package']['id']}")


if __name__ == "__main__":
    main()

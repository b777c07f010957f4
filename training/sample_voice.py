"""The voice that a first start offers: a clip that the shipped model said, in a voice that nobody has.

    python -m training.sample_voice --recipe training/recipes/voice-resgen.yaml --out src/renderer/voices/sample-voice.flac

Each candidate begins with a synthetic clip (a mixture of Kokoro's voices), whose pitch and formants are moved to a voice that is drawn; the model says the text in it,
and of all candidates the one is kept that is heard without a mistake and sounds cleanest. Nothing of the data is in what is written.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from training.evaluate_voice import Say, prompt_audio
from training.export_voice import trained_models
from training.runner import load_recipe
from training.sampler import Sampling
from training.speech_data import RATE, load_speech
from training.voice_augment import change_voice, draw_voice

TEXT = "Hello, I am a sample voice, and I belong to nobody: the model of this studio made me up. Type a text, press the button, and hear me say it."
CANDIDATES = 24
PROMPT_S = 8.0


def main() -> None:
    import soundfile

    from training.speech_judges import Dnsmos, Normaliser, word_error_rate
    from training.whisper import Whisper

    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", required=True, help="that of the model which speaks")
    p.add_argument("--runs", default=os.environ.get("RESGEN_RUNS", "runs"), help="folder of run folders (default: $RESGEN_RUNS or runs)")
    p.add_argument("--out", required=True, type=Path, help="FLAC to write")
    args = p.parse_args()
    recipe, runs = load_recipe(args.recipe), Path(args.runs)
    speech, _ = load_speech(recipe, runs)
    whisper, dnsmos, normalise = Whisper(runs / "judges", 1), Dnsmos(Path(recipe["evaluation"]["dnsmos"]), 1), Normaliser()
    say = Say(*trained_models(recipe, runs), Sampling(**recipe["package"]["presets"]["best"]))
    by_speaker = {clip.speaker: i for i, clip in enumerate(speech.clips) if clip.set.startswith("kokoro") and clip.samples >= PROMPT_S * RATE}
    rng = np.random.default_rng(0)
    best = (-np.inf, "", np.zeros(0, np.float32))
    for seed, speaker in enumerate(rng.permutation(sorted(by_speaker))[:CANDIDATES]):
        audio = prompt_audio(speech, by_speaker[speaker], round(PROMPT_S * RATE))
        said = say(TEXT, change_voice(audio, draw_voice(rng)).astype(np.float32), seed)
        wrong = word_error_rate([normalise(TEXT)], [normalise(whisper(said))])
        quality = dnsmos(said)["ovr"]
        print(f"{seed} {speaker}: WER {wrong:.2f}, DNSMOS {quality:.2f}, {len(said) / RATE:.1f} s", flush=True)
        best = max(best, (quality - 10 * wrong, str(speaker), said), key=lambda one: one[0])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(args.out, best[2], RATE, subtype="PCM_16")
    print(f"{args.out}: {best[1]}, {best[0]:.2f}")


if __name__ == "__main__":
    main()

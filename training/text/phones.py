"""Words to ARPAbet with stress: user dictionary, weak forms, CMUdict, endings, then the grapheme-to-phoneme model. Twin of `src/engine/text/phones.ts`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from training.text.cmudict import dictionary
from training.text.g2p import g2p
from training.text.normalise import TextProblem, parts, tables, tokens

_SIBILANT, _VOICELESS = ("S", "Z", "SH", "ZH", "CH", "JH"), ("P", "T", "K", "F", "TH")
_VOWEL = re.compile("[AEIOU]")


@dataclass
class Sentence:
    """`phones` as in the speech data: ARPAbet, `_` between words, punctuation as itself."""

    text: str
    phones: list[str]


@dataclass
class FrontEnd:
    """`user` maps words in lower case to phones ("EH1 N JH AH0 N") or to a respelling ("engine")."""

    user: dict[str, str] = field(default_factory=dict)

    def __call__(self, text: str) -> list[Sentence | float]:
        """Sentences and seconds of silence in order. Raises TextProblem where nothing can be said."""
        out: list[Sentence | float] = []
        for part in parts(text):
            if isinstance(part, float):
                out.append(part)
            elif phones := self.phones(tokens(part)):
                out.append(Sentence(part, phones))
        if not any(isinstance(part, Sentence) for part in out):
            raise TextProblem(tables()["problems"]["silent"])
        return out

    def phones(self, sentence: list[str]) -> list[str]:
        said = [[token] if token in ".,;:?!" else self.word(token) for token in sentence]
        out: list[str] = []
        for i, (token, phones) in enumerate(zip(sentence, said)):
            mark = token in ".,;:?!"
            if token == "the" and "the" not in self.user:
                following = said[i + 1] if i + 1 < len(said) else []
                phones = ["DH", "IY0" if following and _VOWEL.match(following[0]) else "AH0"]
            if out and not mark:
                out.append("_")
            out += phones
        return out

    def word(self, word: str) -> list[str]:
        t = tables()
        if word in self.user:
            return self._respelled(self.user[word])
        if word[0] == "_":
            letter = t["letters"][word[1]].split()
            return letter + self._s(letter) if word.endswith("'s") else letter
        known = t["weak"].get(word) or dictionary().get(word)
        if known:
            return known.split()
        if word[0] == "'":
            return self.word(word[1:])
        return self._with_ending(word) or g2p()(word)

    def _respelled(self, entry: str) -> list[str]:
        if re.fullmatch(r"[A-Z]{1,2}[012]?( [A-Z]{1,2}[012]?)*", entry):
            return entry.split()
        plain = FrontEnd()
        return [phone for token in tokens(entry) if token not in ".,;:?!" for phone in plain.word(token)]

    def _s(self, stem: list[str]) -> list[str]:
        """The ending of plurals and possessives after these phones."""
        if stem[-1] in _SIBILANT:
            return ["IH0", "Z"]
        return ["S"] if stem[-1] in _VOICELESS else ["Z"]

    def _with_ending(self, word: str) -> list[str] | None:
        """Words that the dictionary has without their ending: possessives, plurals, -ed and -ing."""
        if word.endswith("'s") and len(word) > 2:
            stem = self.word(word[:-2])
            return stem + self._s(stem) if stem else None
        for ending, stems in (("ed", (word[:-2], word[:-1])), ("ing", (word[:-3], word[:-3] + "e")), ("s", (word[:-1],))):
            if not word.endswith(ending) or word.endswith("ss"):
                continue
            for stem_word in stems:
                stem = dictionary().get(stem_word, "").split() if len(stem_word) > 2 else []
                if stem:
                    return stem + self._ending(ending, stem)
        return None

    def _ending(self, ending: str, stem: list[str]) -> list[str]:
        if ending == "ing":
            return ["IH0", "NG"]
        if ending == "s":
            return self._s(stem)
        if stem[-1] in ("T", "D"):
            return ["IH0", "D"]
        return ["T"] if stem[-1] in (*_VOICELESS, "S", "SH", "CH") else ["D"]

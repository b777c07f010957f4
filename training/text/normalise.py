"""Ordinary English to words and punctuation, the twin of `src/engine/text/normalise.ts`: same rules, same functions, same order.

All regular expressions run on ASCII rules (`re.ASCII`), as JavaScript's do, over text that `clean` has brought to ASCII and a few kept signs.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from pathlib import Path
from typing import Any, Callable

from training.text import say

TABLES = Path(__file__).parents[2] / "resources" / "text" / "english.json"


@functools.cache
def tables() -> dict[str, Any]:
    return json.loads(TABLES.read_text("utf-8"))


class TextProblem(ValueError):
    """A sentence for people: why this text can't be said."""


def clean(text: str) -> str:
    """The text in ASCII and `kept` signs: quotes and dashes unified, accents dropped, emoji dropped. Raises TextProblem."""
    t = tables()
    problems, limit = t["problems"], t["limits"]["characters"]
    if not text.strip():
        raise TextProblem(problems["empty"])
    if len(text) > limit:
        raise TextProblem(problems["long"].format(count=f"{len(text):,}", limit=f"{limit:,}"))
    out = []
    for original in text:
        for c in unicodedata.normalize("NFD", unicodedata.normalize("NFKC", t["characters"].get(original, original))):
            for sign in c if c in t["kept"] else t["characters"].get(c, c):
                if " " <= sign <= "~" or sign == "\n" or sign in t["kept"]:
                    out.append(sign)
                elif unicodedata.category(sign)[0] == "L":
                    raise TextProblem(problems["alphabet"].format(letter=original))
                elif unicodedata.category(sign) not in ("Mn", "Cf"):
                    out.append(" ")
    return "".join(out)


_PAUSE = re.compile(r"\[pause\s+(\d{1,5}(?:\.\d{1,3})?)\s*(ms|s)?\s*\]", re.ASCII | re.IGNORECASE)
_ODD_PAUSE = re.compile(r"\[\s*pause\b[^\]\n]*\]", re.ASCII | re.IGNORECASE)
_PARAGRAPH = re.compile(r"\n\s*\n", re.ASCII)
_END = re.compile(r"[.!?]+[\"')\]]*\s+(?=[\"'(\[]*([A-Z0-9]))", re.ASCII)
_BEFORE_DOT = re.compile(r"(?:([A-Za-z]+)\s+)?([A-Za-z][A-Za-z.]*)\.[\"')\]]*\s+$", re.ASCII)


def parts(text: str) -> list[str | float]:
    """Sentences in order, and between them seconds of silence from `[pause 0.5s]`. Raises TextProblem."""
    cleaned = clean(text)
    if odd := _ODD_PAUSE.search(_PAUSE.sub("", cleaned)):
        raise TextProblem(tables()["problems"]["pause"].format(pause=odd[0]))
    out: list[str | float] = []
    at = 0
    for m in _PAUSE.finditer(cleaned):
        out += sentences(cleaned[at : m.start()])
        milliseconds = float(m[1]) * (1 if (m[2] or "s").lower() == "ms" else 1000)
        limit = tables()["limits"]["pauseSeconds"]
        if milliseconds > limit * 1000:
            raise TextProblem(tables()["problems"]["longPause"].format(pause=m[0], limit=limit))
        out.append(int(milliseconds + 0.5) / 1000)
        at = m.end()
    return out + sentences(cleaned[at:])


def sentences(cleaned: str) -> list[str]:
    """Splits cleaned text; sentences beyond the limit are cut at a pause in them, else between words."""
    out: list[str] = []
    for paragraph in _PARAGRAPH.split(cleaned):
        start = 0
        for m in _END.finditer(paragraph):
            if not _inside(paragraph[start : m.end()]):
                out += _cut(paragraph[start : m.end()])
                start = m.end()
        out += _cut(paragraph[start:])
    return [s for s in out if re.search("[A-Za-z0-9]", s)]


def _inside(before: str) -> bool:
    """Whether a full stop ends an abbreviation or an initial rather than the sentence, as "plan B." does."""
    m = _BEFORE_DOT.search(before)
    if not m:
        return False
    word = m[2].lower()
    t = tables()
    if "." in word:
        return word not in ("p.m", "a.m")
    if len(word) == 1:
        return m[2] != "I" and (m[1] or "").lower() not in t["lettered"]
    return (word in t["abbreviations"] and word not in t["endings"]) or word in t["inside"]


def _cut(sentence: str) -> list[str]:
    limit = tables()["limits"]["sentence"]
    rest = re.sub(r"\s+", " ", sentence, flags=re.ASCII).strip(" ")
    out = []
    while len(rest) > limit:
        head = rest[:limit]
        at = max(head.rfind(mark) for mark in (", ", "; ", ": ", "— "))
        if at < limit // 3:
            at = head.rfind(" ")
        at = at + 1 if at > 0 else limit
        out.append(rest[:at].strip(" "))
        rest = rest[at:].strip(" ")
    return out + ([rest] if rest else [])


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda m: f"_{m[0].lower()}", name)


@functools.cache
def _rules() -> list[tuple[re.Pattern[str], Callable[..., str]]]:
    return [
        (re.compile(rule["pattern"], re.ASCII | (re.IGNORECASE if rule.get("ignoreCase") else 0)), getattr(say, _snake(rule["say"])))
        for rule in tables()["rules"]
    ]


_TOKEN = re.compile(r"_[a-z](?:'s)?|'?[a-z]+(?:'[a-z]+)*|[.,;:?!]")
_MARKS = ".?!;:,"


def tokens(sentence: str) -> list[str]:
    """Words in lower case (a spelled letter is `_a`) and single punctuation marks, with one of . ? ! at the end; empty where there is no word."""
    t = tables()
    shouted = sentence == sentence.upper() and len(re.findall("[A-Z]+", sentence)) > 2
    text = " " + (sentence.lower() if shouted else sentence) + " "
    for pattern, function in _rules():
        text = pattern.sub(lambda m: f" {function(t, *(g or '' for g in (m[0], *m.groups())))} ", text)
    for sign, words in t["symbols"].items():
        text = text.replace(sign, words)
    out: list[str] = []
    for token in _TOKEN.findall(text.lower()):
        if token in _MARKS:
            if not out:
                continue
            if out[-1] in _MARKS:
                out[-1] = min(out[-1], token, key=_strength)
                continue
        out.append(token)
    if out and out[-1] not in ".?!":
        out = [*out[:-1], "."] if out[-1] in _MARKS else [*out, "."]
    return out if any(token not in _MARKS for token in out) else []


def _strength(mark: str) -> int:
    return "?!.;:,".index(mark)

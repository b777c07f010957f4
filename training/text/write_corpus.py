"""Writes the 1,250 texts that hold both front ends to the same phones: `test/fixtures/text/phones.jsonl`.

    python -m training.text.write_corpus

Templates with every kind of thing that is expanded, filled at random from a fixed seed with dictionary words and with words that do not exist. Run it after
any change of the rules, and read the diff.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from training.text.cmudict import dictionary
from training.text.phones import FrontEnd, Sentence

CORPUS = Path(__file__).parents[2] / "test" / "fixtures" / "text" / "phones.jsonl"
COUNT = 1000
"""Texts from `_TEMPLATES`."""
COUNT_AMBIGUOUS = 200
"""Texts from `_AMBIGUOUS`, which came later: those before them stay as they are."""
COUNT_POWERS = 50
"""Texts from `_POWERS`, later still."""
USER = {"resgen": "R EH1 Z JH EH2 N", "qwertz": "kwerts"}

_TEMPLATES = """The {word} of {oov} cost {money}, or {percent} more than in {year}.
On {date} at {time}, {title} {oov} met the {ordinal} {word}.
"{oov}," she said — “{word} {word}!” — and left.
It weighs {unit}; that's {unit} less than the {oov}'s {word}.
Is {acronym} part of the {acronym}? {oov} thinks so… doesn't she?
Call {phone} before {time} or write to {word}@{word}.org.
{number} {word}s and {number} {word}s make {number}.
Between {range} people {word} the {word}'s {word} (see Chapter {roman}).
In the {decade}, {oov} {roman} ruled {number} islands & {fraction} of a {word}.
the {word} was {degrees} colder; nobody {word}ed.
Wait [pause {pause}] for the {oov}. Then {word} it!
{oov}, {oov} and {oov}: three {word}s, {mixed} of them {word}.
RESGEN says: {word} the qwertz, e.g. on a {model}, i.e. {fraction} of it.
We're {oov}ing {word}ly; they'd've {word}ed, wouldn't they?
THE {WORD} AND THE {WORD} WENT TO {OOV}
Visit https://www.{word}.com/{oov} – it's #{number} of {number} 😀
A {word}, an {oov}, the {oov}, the {word}, and to {word} or not to {word}
{title} {oov} lives on {word} St. near St. {oov}; {initials} {oov} doesn't.
It was {iso}, not {slash}. The {oov}s' {word}s — crème, naïve, Zoë.
Set x={number} + {number}/{number} ~{number} {word}-{word} {word}—{word}""".split("\n")

_AMBIGUOUS = """{oov} is open {slashed}, {slashed} of the {word}, and closed on {slashed}.
It went from {signed} to {signed}; {oov} paid {signed} a {word} and {signed}/{per}.
Version {dotted} runs at {dotted}, or so {oov} says.
She got {letter}. Then {letter} came, and {letter} is a {word}.
Call {phone} or {phone}, {word}!
Between {range} it {word}ed, {range}, {range} at least.
We're #{tens} of {tens}: @{oov} #{word} is {times} as {word}.
Mail {word}.{oov}_{word}@{word}.co.uk or see {address} or {address}, {word}.
{word} {word}, {tens}-{tens} or {tens}:{tens}, {dotted}, {slashed}
A {oov} w/ {word} and/or {word} [pause {pause}] R&D, {height}, {signed}. [pause {pause}]""".split("\n")


_POWERS = """{oov} is {power} by {power}, {word}.
Over {scientific} {word}s of {area} were {word}ed.
{oov} is {feet} tall and weighs {weight} or so.
Take {power}{superscript}, {scientific}, {word}^{oov} and {area}{superscript} ^_^""".split("\n")


def _oov(r: random.Random) -> str:
    """A word that sounds English and is in no dictionary, mostly."""
    heads = "b bl ch d dr f g gr h j k l m n p qu r s sh st t th v w z".split()
    cores, tails = "a e i o u ai ea ee oa ou y".split(), "b ck d ft g l m n nd ng p r sh st t x zz".split()
    return "".join(r.choice(heads) + r.choice(cores) for _ in range(r.randint(1, 3))) + r.choice(tails)


def _fill(r: random.Random, words: list[str]) -> dict[str, object]:
    n = lambda a, b: r.randint(a, b)  # noqa: E731
    month = r.choice("January Feb. March April May June July Aug. September Oct. Nov December".split())
    day, year, amount = n(1, 31), n(1100, 2099), f"{n(0, 10 ** n(1, 13)):,}"
    return {
        "money": r.choice([f"${amount}", f"£{n(0, 999)}.{n(0, 99):02}", f"€{n(1, 99)}.{n(1, 9)} million", "$1", f"{n(2, 90)} ¥", f"${n(1, 20)}bn"]),
        "percent": r.choice([f"{n(1, 200)}%", f"{n(0, 9)}.{n(0, 99)} %", f"-{n(1, 9)}%"]),
        "year": year,
        "date": r.choice([f"{month} {day}, {year}", f"{day} {month} {year}", f"the {day}th of {month}", f"{month} {day}"]),
        "time": r.choice([f"{n(0, 23)}:{n(0, 59):02}", f"{n(1, 12)} p.m.", f"{n(1, 12)}:{n(0, 59):02} AM", f"{n(1, 12)}:{n(0, 59):02}:{n(0, 59):02}"]),
        "title": r.choice("Mr. Mrs. Dr. Prof. Gen. Ms. Sir".split()),
        "ordinal": r.choice([f"{n(1, 130)}th", "1st", "2nd", "3rd", "1,000th", "21st", "112th"]),
        "unit": f"{r.choice([str(n(1, 500)), f'{n(0, 9)}.{n(1, 99)}', '1', f'{n(1, 9)},{n(100, 999)}'])}{r.choice(['', ' '])}{r.choice('kg km/h mph GB mm lbs s kWh ft dB'.split())}",
        "acronym": r.choice("NASA FBI US EU BBCX IT TVs PCs NATO XQR's OPEC U.S.A. U.K. MIDI HTMLX".split()),
        "phone": r.choice([f"{n(200, 999)}-{n(200, 999)}-{n(1000, 9999)}", f"({n(200, 999)}) {n(200, 999)}-{n(1000, 9999)}", f"{n(200, 999)}-{n(1000, 9999)}"]),
        "number": r.choice([str(n(0, 10 ** n(1, 7))), amount, f"{n(0, 99)}.{n(0, 999)}", f"-{n(1, 40)}", f"00{n(1, 9)}", "1" + "0" * 22]),
        "range": r.choice([f"{n(1, 40)}-{n(41, 90)}", f"{n(1500, 1600)}–{n(1700, 2000)}", f"{n(1, 9)},000 - 20,000"]),
        "roman": r.choice("II III IV VI IX XIV XIX".split()),
        "decade": r.choice([f"{n(11, 20)}{n(2, 9)}0s", f"{n(2, 9)}0's", "1900s", "2000s"]),
        "fraction": r.choice(["½", f"{n(1, 9)}/{n(2, 20)}", "3/4", "¼"]),
        "mixed": r.choice([f"{n(1, 9)} {n(1, 3)}/4", f"{n(1, 9)}½"]),
        "degrees": r.choice([f"{n(-40, 110)}°F", f"{n(0, 40)} °C", f"{n(1, 360)}°", "1°"]),
        "pause": r.choice(["0.5s", "1 s", "250ms", "9.9 s", "0.125 s"]),
        "model": r.choice("MP3 4K B2B H2O A4 iPhone12 X11s 3D".split()),
        "initials": r.choice(["J. R.", "A.", "W.E.B.", "H. G."]),
        "iso": f"{year}-{n(1, 12):02}-{n(1, 28):02}",
        "slash": f"{n(1, 12)}/{n(1, 31)}/{r.choice([str(n(1900, 2050)), f'{n(0, 99):02}'])}",
    }


def _fill_ambiguous(r: random.Random) -> dict[str, object]:
    n = lambda a, b: r.randint(a, b)  # noqa: E731
    sign, groups = r.choice("$£€¥"), [str(n(100, 999)), str(n(100, 999)), str(n(1000, 9999))]
    unit = r.choice(["", "%", " kg", "km", "°C", " pm", "th"])
    return {
        "slashed": r.choice(["24/7", "9/11", "50/50", "10/10", "7/10", "12/25", "04/07", f"{n(1, 12)}/{n(1, 31)}", f"{n(1, 300)}/{n(1, 300)}"]),
        "signed": r.choice([f"-{sign}{n(1, 99)}", f"{sign}-{n(1, 99)}", f"{n(1, 99)}{sign}", f"{n(1, 99)},{n(10, 99)} {sign}", f"{n(1, 99)}¢", f"{sign}{n(1, 9)}-{n(10, 99)}k"]),
        "per": r.choice(["month", "hour", "person", "km"]),
        "dotted": r.choice([f"v{n(1, 9)}", f"{n(0, 9)}.{n(0, 20)}.{n(0, 9)}", f"192.168.{n(0, 255)}.{n(0, 255)}", f"10.0.0.{n(0, 255)}:{n(10, 65535)}", f"{n(1, 31)}.{n(1, 12)}.{n(1900, 2050)}", "1.234,50", ".5"]),
        "letter": r.choice(["an A", "a B", "plan C", "Vitamin A", "the letter a", "straight A's", "A and B", "A-1", "C#"]),
        "phone": r.choice(["+1 " + "-".join(groups), ".".join(groups), " ".join(groups), "1-800-" + "-".join(groups[1:]), f"+44 20 {groups[2]} {n(1000, 9999)}", "020 7946 0958", f"+49{n(10**8, 10**9)}", f"5{n(10**8, 10**9 - 1)}", "911"]),
        "range": r.choice([f"{n(1, 9)}-{n(10, 20)}{unit}", f"{n(1, 9)}{unit} - {n(10, 20)}{unit}", f"{n(1, 9)}.5-{n(10, 20)}.25", "9am-5pm", "9:00-17:30", "$5-$10", "$5.50-$7.25", "500-1000", "1990-95", "3-1=2"]),
        "tens": n(1, 99),
        "times": r.choice(["3x", "1.5x", "10×", "1x", "4x4", "2 * 2"]),
        "address": r.choice(["https://www.example.org/a/b?x=1&y=2#top", "http://localhost:8080/a_b", "example.de", "index.html", "ftp://a.b.net/"]),
        "height": r.choice([f"{n(4, 7)}'{n(0, 11)}\"", f"{n(4, 7)}′ {n(0, 11)}″"]),
        "pause": r.choice(["0.5s", "10 s", "250ms"]),
    }  # fmt: skip


def _fill_powers(r: random.Random) -> dict[str, str]:
    n = lambda a, b: r.randint(a, b)  # noqa: E731
    return {
        "power": r.choice([f"{n(2, 12)}^{n(0, 40)}", f"10^-{n(1, 9)}", "x²", "10⁶", "2⁻¹", "10¹²", "n ^ 2", f"{n(1, 9)}.5^3"]),
        "scientific": r.choice([f"{n(1, 9)}e{n(1, 12)}", f"{n(1, 9)}.{n(1, 9)}E-{n(1, 9)}", f"-{n(1, 9)}e+0{n(1, 9)}", "1e6"]),
        "area": r.choice([f"{n(1, 90)} m²", f"{n(2, 9)} km^2", f"{n(1, 9)}cm³", "1 m^3"]),
        "feet": r.choice([f"{n(1, 7)} ft. {n(1, 11)} in.", f"{n(1, 7)} ft {n(0, 11)} in", f"{n(1, 7)} feet, {n(1, 11)} inches", f"{n(1, 7)} ft."]),
        "weight": r.choice([f"{n(1, 90)} kg.", f"{n(1, 90)} lbs.", f"{n(1, 9)} oz"]),
        "superscript": r.choice(["", "⁴", "⁻⁵", "²"]),
    }


def corpus() -> list[str]:
    r = random.Random(6)
    words = sorted(w for w in dictionary() if w.isascii() and w.isalpha())
    out = [_filled(r, _TEMPLATES[i % len(_TEMPLATES)], _fill(r, words), words) for i in range(COUNT)]
    for templates, fill, count in ((_AMBIGUOUS, _fill_ambiguous, COUNT_AMBIGUOUS), (_POWERS, _fill_powers, COUNT_POWERS)):
        for i in range(count):
            text = templates[i % len(templates)]
            for name in fill(r):
                # Each place is filled anew.
                while "{" + name + "}" in text:
                    text = text.replace("{" + name + "}", str(fill(r)[name]), 1)
            out.append(_filled(r, text, {}, words))
    return out


def _filled(r: random.Random, text: str, fill: dict[str, object], words: list[str]) -> str:
    for name, value in fill.items():
        text = text.replace("{" + name + "}", str(value))
    draws = {
        "word": lambda: r.choice(words),
        "WORD": lambda: r.choice(words).upper(),
        "oov": lambda: _oov(r).capitalize(),
        "OOV": lambda: _oov(r).upper(),
    }
    for name, draw in draws.items():
        while "{" + name + "}" in text:
            text = text.replace("{" + name + "}", draw(), 1)
    return text


def line(front_end: FrontEnd, text: str) -> str:
    parts = [[p.text, " ".join(p.phones)] if isinstance(p, Sentence) else p for p in front_end(text)]
    return json.dumps({"text": text, "parts": parts}, ensure_ascii=False) + "\n"


def main() -> None:
    front_end = FrontEnd(USER)
    CORPUS.parent.mkdir(parents=True, exist_ok=True)
    CORPUS.write_text("".join(line(front_end, text) for text in corpus()), "utf-8")
    print(f"{CORPUS}: {COUNT + COUNT_AMBIGUOUS + COUNT_POWERS} texts")


if __name__ == "__main__":
    main()

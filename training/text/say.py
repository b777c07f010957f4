"""How numbers, dates, money and the like are said: one function for each name in the rules of `english.json`
(there in camel case), the twin of `src/engine/text/say.ts`.

Each takes the tables, the whole match and its groups ("" for one that took no part), and gives words. Numbers stay strings of digits throughout.
"""

from __future__ import annotations

import re
from typing import Any

from training.text.cmudict import dictionary

Tables = dict[str, Any]


def below_hundred(t: Tables, n: int) -> str:
    if n < 20:
        return t["ones"][n]
    tens = t["tens"][n // 10]
    return f"{tens} {t['ones'][n % 10]}" if n % 10 else tens


def _below_thousand(t: Tables, n: int) -> str:
    hundreds = f"{t['ones'][n // 100]} hundred" if n >= 100 else ""
    rest = below_hundred(t, n % 100) if n % 100 or n == 0 else ""
    return " ".join(filter(None, [hundreds, rest]))


def one_by_one(t: Tables, digits: str) -> str:
    return " ".join(t["ones"][int(d)] for d in digits)


def whole(t: Tables, digits: str) -> str:
    """A whole number. Numbers too large for the named scales, and those with leading zeros, are said digit by digit."""
    if len(digits) > 3 * len(t["scales"]) or (len(digits) > 1 and digits[0] == "0"):
        return one_by_one(t, digits)
    padded = digits.rjust(-(-len(digits) // 3) * 3, "0")
    groups = [int(padded[i : i + 3]) for i in range(0, len(padded), 3)]
    said = [f"{_below_thousand(t, g)} {t['scales'][len(groups) - 1 - i]}".strip() for i, g in enumerate(groups) if g]
    return " ".join(said) or t["ones"][0]


def number(t: Tables, text: str, *_: str) -> str:
    """A number as written, with sign, commas and decimals. As a rule of its own ("No. 5", "#5") the word."""
    if not re.search(r"\d", text, re.ASCII):
        return "number"
    sign = "minus " if text[0] == "-" else ""
    before, _, after = text.lstrip("-").replace(",", "").partition(".")
    return sign + whole(t, before) + (f" point {one_by_one(t, after)}" if after else "")


def cardinal(t: Tables, _: str, text: str) -> str:
    return number(t, text)


def to_ordinal(t: Tables, words: str) -> str:
    head, blank, last = words.rpartition(" ")
    if last in t["ordinals"]:
        last = t["ordinals"][last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return head + blank + last


def ordinal(t: Tables, _: str, digits: str) -> str:
    return to_ordinal(t, whole(t, digits.replace(",", "")))


def year_words(t: Tables, digits: str) -> str:
    if len(digits) != 4:
        return whole(t, digits)
    first, last = int(digits[:2]), int(digits[2:])
    if last == 0:
        return whole(t, digits) if first % 10 == 0 else f"{below_hundred(t, first)} hundred"
    if first % 10 == 0 and last < 10:
        return whole(t, digits)
    return f"{below_hundred(t, first)} {'oh ' if last < 10 else ''}{below_hundred(t, last)}"


def year(t: Tables, _: str, digits: str) -> str:
    return year_words(t, digits)


_SIGNS = {
    ".": "dot", "@": "at", "-": "dash", "/": "slash", "+": "plus", "_": "underscore", ":": "colon", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "~": "tilde",
}  # fmt: skip


def address(t: Tables, _: str, text: str) -> str:
    """Signs by their names; a letter alone is one, not the article."""
    said = "".join(f" {_SIGNS[c]} " if c in _SIGNS else c for c in text)
    said = re.sub(r"\b[A-Za-z]\b", lambda m: letters(t, "", m[0]), said, flags=re.ASCII)
    return re.sub("www", letters(t, "", "www"), said, flags=re.IGNORECASE)


def dotted(t: Tables, _: str, text: str, port: str) -> str:
    """The address of a machine (192.168.0.1), or a version (2.0.1)."""
    parts = text.split(".")
    is_address = len(parts) == 4 and all(int(part) < 256 for part in parts)
    said = (" dot " if is_address else " point ").join(whole(t, part) for part in parts)
    return f"{said} colon {whole(t, port)}" if port else said


def version(*_: object) -> str:
    return "version"


def space(*_: object) -> str:
    return ""


def european(t: Tables, _: str, text: str) -> str:
    """1.000,50: a point between thousands and a comma for the decimals."""
    return number(t, text.replace(".", "").replace(",", "."))


def _half(t: Tables, letter: str) -> str:
    return letters(t, "", letter + "m") if letter else ""


def time(t: Tables, match: str, hours: str, minutes: str, seconds: str, half: str) -> str:
    if int(hours) > 24:
        return f"{whole(t, hours)} {whole(t, minutes)}"
    words = [whole(t, str(int(hours)))]
    if int(minutes):
        words.append(("oh " if minutes[0] == "0" else "") + below_hundred(t, int(minutes)))
    elif not half and not seconds:
        words.append("o'clock" if 0 < int(hours) <= 12 else "hundred")
    if seconds:
        words.append(f"and {below_hundred(t, int(seconds))} seconds")
    return " ".join([*words, _half(t, half)])


def hour(t: Tables, _: str, hours: str, half: str) -> str:
    return f"{whole(t, str(int(hours)))} {_half(t, half)}"


def _date(t: Tables, month: int, day: str, year_digits: str) -> str:
    said = f"{t['months'][month - 1]} {to_ordinal(t, whole(t, str(int(day))))}"
    return f"{said}, {year_words(t, year_digits)}" if year_digits else said


def iso_date(t: Tables, match: str, y: str, m: str, d: str) -> str:
    return _date(t, int(m), d, y) if 1 <= int(m) <= 12 else " ".join(whole(t, str(int(x))) for x in (y, m, d))


def slash_date(t: Tables, match: str, a: str, b: str, y: str) -> str:
    month, day = (a, b) if int(a) <= 12 else (b, a)
    if not 1 <= int(month) <= 12:
        return " slash ".join(whole(t, str(int(x))) for x in (a, b, y))
    return _date(t, int(month), day, y if len(y) == 4 else ("20" if int(y) < 50 else "19") + y)


def _month(t: Tables, name: str) -> int:
    return next(i for i, month in enumerate(t["months"]) if month.startswith(name.lower()[:3])) + 1


def dot_date(t: Tables, match: str, day: str, month: str, y: str) -> str:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return dotted(t, match, match, "")
    return _date(t, int(month), day, y)


def day_of_year(t: Tables, _: str, before: str, month: str, day: str) -> str:
    return f"{before} {_date(t, int(month), day, '')}"


def month_day(t: Tables, _: str, month: str, day: str, y: str) -> str:
    return _date(t, _month(t, month), day, y)


def day_month(t: Tables, _: str, day: str, month: str, y: str) -> str:
    said = f"the {to_ordinal(t, whole(t, str(int(day))))} of {t['months'][_month(t, month) - 1]}"
    return f"{said}, {year_words(t, y)}" if y else said


def decade(t: Tables, match: str, century: str, tens: str) -> str:
    if tens == "00":
        return f"{below_hundred(t, int(century))} hundreds" if int(century) % 10 else f"{whole(t, century + tens)}s"
    return f"{below_hundred(t, int(century))} {t['decades'][tens]}"


def decade_short(t: Tables, _: str, tens: str) -> str:
    return t["decades"][tens]


def _amount(text: str) -> str:
    """With a point for the decimals, where there is a comma (5,50 €)."""
    return re.sub(r",(\d\d)$", r".\1", text, flags=re.ASCII)


def money(t: Tables, match: str, minus_sign: str, sign: str, text: str, magnitude: str) -> str:
    one, many, cent, cents = t["currencies"][sign]
    below_zero = "minus " if minus_sign or text[0] == "-" else ""
    amount = _amount(text.lstrip("-"))
    if magnitude:
        return f"{below_zero}{number(t, amount)} {_magnitude(t, magnitude)} {many}"
    before, _, after = amount.replace(",", "").partition(".")
    if len(after) != 2:
        return f"{below_zero}{number(t, amount)} {one if amount == '1' else many}"
    small = f"{below_hundred(t, int(after))} {cent if after == '01' else cents}" if int(after) else ""
    if small and not before.strip("0"):
        return below_zero + small
    return f"{below_zero}{whole(t, before)} {one if before == '1' else many}{' and ' if small else ''}{small}"


def _magnitude(t: Tables, name: str) -> str:
    return t["magnitudes"].get(name.lower(), name.lower())


def money_after(t: Tables, match: str, text: str, magnitude: str, sign: str) -> str:
    return money(t, match, "", sign, text, magnitude)


def money_span(t: Tables, match: str, sign: str, a: str, b: str, magnitude: str) -> str:
    """$5-10 million; amounts with cents are said each in full."""
    if not magnitude and any(re.search(r"\.\d\d$", amount, re.ASCII) for amount in (a, b)):
        return f"{money(t, match, '', sign, a, '')} to {money(t, match, '', sign, b, '')}"
    scale = f" {_magnitude(t, magnitude)}" if magnitude else ""
    return f"{number(t, a)} to {number(t, b)}{scale} {t['currencies'][sign][1]}"


def cents(t: Tables, _: str, amount: str) -> str:
    return f"{number(t, amount)} {'cent' if amount == '1' else 'cents'}"


def per(*_: object) -> str:
    return "per"


def percent(t: Tables, _: str, amount: str) -> str:
    return f"{number(t, amount)} percent"


def degrees(t: Tables, _: str, amount: str, scale: str) -> str:
    return f"{number(t, amount)} {'degree' if amount == '1' else 'degrees'} {t['temperatures'].get(scale, '')}"


def unit(t: Tables, _: str, amount: str, name: str) -> str:
    return f"{number(t, amount)} {t['units'][name][0 if amount == '1' else 1]}"


def height(t: Tables, _: str, feet: str, inches: str) -> str:
    return f"{whole(t, feet)} foot {whole(t, inches)}"


def feet_inches(t: Tables, _: str, feet: str, inches: str) -> str:
    return f"{whole(t, feet)} {'foot' if feet == '1' else 'feet'} {whole(t, inches)} {'inch' if inches == '1' else 'inches'}"


def scientific(t: Tables, _: str, amount: str, exponent: str) -> str:
    """1.5e-6, as a product with a power that a later rule says."""
    return f"{amount} times 10^{int(exponent)}"


def power(t: Tables, _: str, text: str) -> str:
    """What stands behind its base: x^2, 10^-6, and 10¹², of which each sign came as one with a caret."""
    exponent = text.replace("^", "")
    return {"2": "squared", "3": "cubed"}.get(exponent) or f"to the power of {number(t, exponent)}"


def pair(t: Tables, _: str, a: str, b: str) -> str:
    """24/7, 50/50: two numbers that are a name."""
    return f"{whole(t, a)} {whole(t, b)}"


def out_of(t: Tables, _: str, a: str, b: str) -> str:
    """A mark (9/10); what is more than the whole is a fraction."""
    return f"{whole(t, a)} out of {whole(t, b)}" if int(a) <= int(b) else fraction(t, "", a, b)


def fraction(t: Tables, _: str, above: str, below: str) -> str:
    a, b = int(above), int(below)
    if b == 0 or a == 0 or a > 99 or b > 100:
        return f"{whole(t, str(a))} over {whole(t, str(b))}"
    name = {1: "over one", 2: "half", 4: "quarter"}.get(b) or to_ordinal(t, whole(t, str(b)))
    if a > 1 and b > 1:
        name = "halves" if b == 2 else name + "s"
    return f"{whole(t, str(a))} {name}"


def mixed_fraction(t: Tables, _: str, count: str, above: str, below: str) -> str:
    said = fraction(t, "", above, below)
    return f"{whole(t, count)} and {'a ' + said[4:] if said.startswith('one ') else said}"


def digits(t: Tables, _: str, *texts: str) -> str:
    """A number that is called rather than counted: digit by digit, with a breath between its groups."""
    text = "".join(texts)
    plus = "plus " if text[0] == "+" else ""
    return plus + ", ".join(one_by_one(t, group) for group in re.findall(r"\d+", text, re.ASCII))


def _count(t: Tables, text: str) -> str:
    return year_words(t, text) if re.fullmatch("1[1-9][0-9]{2}|20[0-9]{2}", text) else number(t, text)


def span(t: Tables, _: str, a: str, b: str) -> str:
    return f"{_count(t, a)} to {_count(t, b)}"


def by(t: Tables, _: str, a: str, b: str) -> str:
    return f"{number(t, a)} by {number(t, b)}"


def to(t: Tables, _: str, first: str) -> str:
    """The first of two amounts with one unit (5-10 kg), as it stands: rules that follow say it."""
    return f"{first} to"


def minus(*_: object) -> str:
    return "minus"


def times(t: Tables, _: str, amount: str) -> str:
    return f"{number(t, amount)} {'time' if amount == '1' else 'times'}"


def multiplied(*_: object) -> str:
    return "times"


def sharp(t: Tables, _: str, note: str) -> str:
    return f"{letters(t, '', note)} sharp"


def hashtag(*_: object) -> str:
    return "hashtag"


def point(*_: object) -> str:
    return "point"


def dot(*_: object) -> str:
    return "dot"


def without(*_: object) -> str:
    return "without"


def with_word(*_: object) -> str:
    return "with"


def and_or(*_: object) -> str:
    return "and or"


def both(t: Tables, _: str, a: str, b: str) -> str:
    """R&D, AT&T"""
    return f"{letters(t, '', a)} and {letters(t, '', b)}"


def about(*_: object) -> str:
    return "about"


def _roman(text: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[c] for c in text.lower()]
    return sum(-v if i + 1 < len(values) and v < values[i + 1] else v for i, v in enumerate(values))


def chapter(t: Tables, _: str, word: str, numeral: str) -> str:
    return f"{word} {whole(t, str(_roman(numeral)))}"


def reign(t: Tables, _: str, name: str, numeral: str) -> str:
    return f"{name} the {to_ordinal(t, whole(t, str(_roman(numeral))))}"


def saint(*_: object) -> str:
    return "saint"


def street(*_: object) -> str:
    return "street"


def abbreviation(t: Tables, match: str, name: str) -> str:
    return t["abbreviations"][name.lower()]


def for_example(*_: object) -> str:
    return "for example"


def that_is(*_: object) -> str:
    return "that is"


def letters(t: Tables, _: str, text: str, plural: str = "") -> str:
    """Letters by their names; `_a` is the letter, so that it is not taken for the article. A plural's s goes to the last one."""
    said = " ".join(f"_{c}" for c in text.lower() if c.isalpha())
    return f"{said}'s" if plural else said


def acronym(t: Tables, match: str, text: str, plural: str) -> str:
    """An acronym that the dictionary knows is a word (NASA) unless it is listed as spelled (US); others are spelled where no one could say them."""
    word = text.lower()
    if word in t["spelled"] or (word not in dictionary() and (len(word) < 5 or not re.search("[aeiouy]", word))):
        return letters(t, "", text, plural)
    return match


def alphanumeric(t: Tables, _: str, text: str) -> str:
    """MP3, H2O, 4K, B2B: runs of capitals or single letters are spelled, other runs are words, numbers are numbers."""
    said = []
    for run in re.findall(r"\d+|[A-Z]+(?![a-z])|[A-Za-z]+", text, re.ASCII):
        if run.isdigit():
            said.append(whole(t, run))
        else:
            said.append(letters(t, "", run) if len(run) == 1 or run.isupper() else run)
    return " ".join(said)

"""The phones as numbers: what the text front end gives, in the order that the model package's `text` graph takes them. Append only."""

from __future__ import annotations

_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
BOUNDARY, MARKS = "_", ".,;:?!"
PAD = 0
PHONES = ["", BOUNDARY, *MARKS, *_CONSONANTS, *(v + stress for v in _VOWELS for stress in "012")]
INDEX = {phone: i for i, phone in enumerate(PHONES)}


def to_ids(phones: list[str]) -> list[int]:
    """Raises KeyError for what is no phone."""
    return [INDEX[p] for p in phones]


def is_pause(phone: str) -> bool:
    """A boundary or a mark: where a speaker may be silent."""
    return phone == BOUNDARY or phone in MARKS

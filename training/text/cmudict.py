"""CMUdict from the npm package that the studio ships, so that both languages read one file."""

from __future__ import annotations

import functools
import re
from pathlib import Path

_FILE = Path(__file__).parents[2] / "node_modules" / "cmu-pronouncing-dictionary" / "index.js"
_ENTRY = re.compile(r'^  "(.+?)": "(.+)",?$', re.MULTILINE)


@functools.cache
def dictionary() -> dict[str, str]:
    """Word in lower case, `word(2)` for a second pronunciation -> ARPAbet with stress, separated by blanks. Raises SystemExit where it is not installed."""
    try:
        entries = dict(_ENTRY.findall(_FILE.read_text("utf-8")))
    except FileNotFoundError as e:
        raise SystemExit("CMUdict is missing. Run `npm ci` in the root of the repository: the dictionary is one of its packages.") from e
    if len(entries) < 100_000:
        raise SystemExit(f"{_FILE} is not laid out as expected. Install the version of cmu-pronouncing-dictionary that package.json names.")
    return entries

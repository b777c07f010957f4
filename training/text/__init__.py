"""English text to ARPAbet, the twin of `src/engine/text/`."""

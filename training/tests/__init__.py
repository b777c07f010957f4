"""Quick tests on the CPU: `python -m pytest training/tests`."""

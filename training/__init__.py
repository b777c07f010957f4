"""Training, evaluation and export of ResGen models. See training/README.md."""

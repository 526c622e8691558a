"""Figures of the suite, each as a ratio against a baseline measured in the same run."""

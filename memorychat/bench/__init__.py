"""Measurements, each beside a baseline of the same run: the machine's speed drifts, and ratios hold."""

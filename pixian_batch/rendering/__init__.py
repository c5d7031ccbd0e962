"""Variants of results that are paid for: crop, size, ground, format, by recipes. Sends nothing."""

"""Variants of results that are there, made from them over all cores: recipes as data. Sends nothing, buys nothing."""

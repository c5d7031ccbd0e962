"""Builds of pixian-batch for people without Python: the one-folder program, what is told of its licences, the .deb."""

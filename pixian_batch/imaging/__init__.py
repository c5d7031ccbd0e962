"""Pixels, pure: probing headers, delta PNG, geometry, composition. No files opened, no clock."""

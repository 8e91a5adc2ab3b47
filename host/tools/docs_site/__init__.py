"""Builds the documentation site (`make docs`) from docs/ and from the code itself."""

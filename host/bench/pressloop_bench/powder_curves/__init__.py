"""The curves and drawings of docs/press-and-powder.md."""

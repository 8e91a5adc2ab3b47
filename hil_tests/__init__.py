"""The hardware-in-the-loop suite: the same cases on every board. See docs/hil-tests.md."""

"""The control bench: unseen presses under our law and under its peers. `make bench-control`."""

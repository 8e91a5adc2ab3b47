"""The walk from a wired box to a tuned press: small steps, each seen, judged and kept."""

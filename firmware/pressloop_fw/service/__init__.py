"""The foreground: commands of the host, the stored profile, how far a run has come."""

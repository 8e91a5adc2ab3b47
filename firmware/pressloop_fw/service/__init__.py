"""The foreground: commands, their preconditions, the stored profile, the progress of a run."""

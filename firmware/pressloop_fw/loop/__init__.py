"""The control loop: all that runs in the tick, and what the foreground may request of it."""

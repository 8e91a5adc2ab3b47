"""What the press is: its profile, on the wire and in user units, and what follows from it."""

"""Talk to a board: connection, requests, telemetry without holes, what its status means."""

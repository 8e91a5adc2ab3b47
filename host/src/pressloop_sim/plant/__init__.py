"""The simulated press: valves, oil, ram, powder and sensors, one physical law per module."""

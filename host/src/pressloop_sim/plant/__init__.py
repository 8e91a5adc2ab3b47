"""The press: valves, oil, ram, powder and transducer, one physical law per module."""

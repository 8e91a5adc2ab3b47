"""What pressures over time say of the press and the powder: pure functions of arrays."""

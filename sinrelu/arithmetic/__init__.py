"""Numbers with proven roundings: double-double, fixed point, intervals, and their sines."""

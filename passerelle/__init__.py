"""The gateway: the only HTTP code of the suite."""

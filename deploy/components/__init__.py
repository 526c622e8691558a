"""The outside programs that the suite stands on, each run privately on loopback (ADR-0011)."""

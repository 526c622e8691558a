"""Microservice chassis: plumbing without a word of the citizen in it (ADR-0001)."""

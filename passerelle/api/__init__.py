"""The JSON APIs of the gateway."""

"""Bridges to other systems: imports, first log-ins, links, connectors."""

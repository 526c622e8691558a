"""``make demo``, and the reference servers that stand in for the city's other systems.

A vendor who connects a real system reads ``taxes``, ``espace_famille`` and ``loisirs`` beside
``docs/ponts.md``: they are the contract, running.
"""

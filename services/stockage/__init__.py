"""stockage: the secure document space of a citizen (STO-01 to STO-05)."""

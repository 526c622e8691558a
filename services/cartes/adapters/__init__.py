"""Outside systems, one file each; nothing is re-exported from here."""

"""Outside systems of stockage: keys and folder, antivirus, parsers."""

"""The acts of the document space, one function each.

`depot` receives and judges, `espace` lists and edits, `lecture` serves bytes, `retenue` counts the
references of other services, `entretien` finishes what a fault left open.
"""

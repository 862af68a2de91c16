"""Inspections: opening one, its checklist and deadlines, its members, the legal notes it stands on."""

"""Submissions: files received against item numbers, checked, sealed, receipted, read back."""

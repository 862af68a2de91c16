"""The Flask service: one folder per feature, joined in `exchange.app`."""

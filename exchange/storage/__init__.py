"""Where sealed files lie: one contract, a local folder behind it. No plaintext comes near this package."""

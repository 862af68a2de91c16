"""What strangers' bytes are: looked at in a confined child that holds no key, no network and no write access."""

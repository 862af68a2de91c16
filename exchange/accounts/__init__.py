"""People: accounts, invitations, sign-in with a second factor, sessions."""

"""Pages of the accounts: one function a screen."""

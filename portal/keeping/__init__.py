"""Kept safe: backups, their restoration, and the drill that proves both."""

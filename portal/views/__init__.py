"""Pages that compose several apps, or belong to none."""

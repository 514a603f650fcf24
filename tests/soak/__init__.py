"""Run hard: `make soak`. What each line does, and what came of it, stands in docs/RELIABILITY.md."""

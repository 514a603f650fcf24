"""Run hard: `make soak`. What each line does stands in docs/RELIABILITY.md, with what came of it."""

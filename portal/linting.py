"""pkilint over what was issued."""


def lint_some() -> str:
    return ""

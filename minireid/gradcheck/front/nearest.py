"""What a misspelt name may have been meant to be."""

import difflib


def unknown(name: str, known: list[str], purpose: str) -> str:
    """One line: there is nothing called so; did you mean ...?"""
    close = {k.lower(): k for k in known}
    near = [close[n] for n in difflib.get_close_matches(name.lower(), close, n=3, cutoff=0.5)]
    inside = [k for k in known if name.lower() in k.lower() or k.lower() in name.lower()]
    meant = list(dict.fromkeys([*near, *inside]))[:4]
    hint = f"did you mean {', '.join(meant)}? " if meant else ""
    return f"there is nothing called {name} {purpose}; {hint}All names: minireid gradcheck --names"

"""Singular and plural forms of English nouns, for names of classes and relationships."""

from __future__ import annotations

import re

#: Nouns whose singular no rule finds.
_IRREGULAR = {
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "mice": "mouse",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "criteria": "criterion",
    "phenomena": "phenomenon",
    "indices": "index",
    "indexes": "index",
    "vertices": "vertex",
    "matrices": "matrix",
    "appendices": "appendix",
    "axes": "axis",
    "quizzes": "quiz",
    "movies": "movie",
    "cookies": "cookie",
    "zombies": "zombie",
    "selfies": "selfie",
    "shoes": "shoe",
    "caches": "cache",
    "lives": "life",
    "knives": "knife",
    "wives": "wife",
    "shelves": "shelf",
    "leaves": "leaf",
    "halves": "half",
    "loaves": "loaf",
    "thieves": "thief",
    "wolves": "wolf",
    "viruses": "virus",
    "aliases": "alias",
    "biases": "bias",
    "atlases": "atlas",
    "canvases": "canvas",
    "gases": "gas",
    "lenses": "lens",
}
#: Nouns that are the same in the plural, or that have none.
_UNCHANGED = """
    aircraft alias analytics atlas bias bonus bus business cactus campus canvas census chaos
    consensus corps data details deer diagnostics economics equipment fish gas genius goods
    graphics hardware headquarters info information kudos lens mathematics means media metadata
    metrics money mumps news physics politics progress radius rice sales series settings sheep
    sms software species sports staff statistics stats status sudo terms thanks traffic virus
    dns aws gps css os ios tos cors https tls as is was has this us its
    """
_SAME = frozenset(_UNCHANGED.split())
#: Endings that lose `es` in the singular.
_LOSES_ES = re.compile(
    r"((ss|sh|ch|x|zz|[^aeiou]o)"
    r"|(stat|vir|camp|^b|bon|cens|radi|cact|corp|gen|foc|syllab|octop)us)es$"
)
_GREEK = frozenset(("analyses", "paralyses", "crises", "theses", "hypotheses", "syntheses"))
_PLURALS = {one: many for many, one in _IRREGULAR.items() if many not in ("indices", "lives")}


def singular(word: str) -> str:
    """Return the singular of a noun in lower case, or the word itself if it is no plural."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    is_plural = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    if word in _SAME or len(word) < 3 or not is_plural:
        return word
    if word in _GREEK:
        return f"{word[:-2]}is"
    if word.endswith("ies"):
        return f"{word[:-3]}y" if len(word) > 4 else word[:-1]
    if _LOSES_ES.search(word):
        return word[:-2]
    return word[:-1]


def plural(word: str) -> str:
    """Return the plural of a noun in lower case."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word in _SAME and not word.endswith(("us", "ss")):
        return word
    if singular(word) != word:
        return word
    if word.endswith("is") and len(word) > 4:
        return f"{word[:-2]}es"
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    if re.search(r"(s|sh|ch|x|z)$", word):
        return f"{word}es"
    return f"{word}s"

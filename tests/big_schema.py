"""A made-up schema of any number of models with eight columns each, for budgets and benchmarks."""

from __future__ import annotations

COLUMNS = """\
id = { type = "bigint", primary_key = true }
name = "varchar(100)"
email = { type = "text", unique = true }
age = "integer?"
score = { type = "double precision", default = 0.0 }
balance = "numeric(10, 2)"
is_active = { type = "boolean", default = true }
created_at = { type = "timestamptz", server_default = "now()" }
"""


def big_schema(count: int, *, related: bool = False) -> str:
    """Return the TOML of that many models; each may refer to the one before it."""
    return "\n".join(_model(number, related=related) for number in range(count))


def _model(number: int, *, related: bool) -> str:
    text = f"[models.Model{number}.columns]\n{COLUMNS}"
    if not related:
        return text
    if number:
        before = f"model{number - 1}"
        text += f'before_id = {{ type = "bigint?", foreign_key = "{before}.id", index = true }}\n'
    relationships = []
    if number:
        relationships.append(f'before = {{ target = "Model{number - 1}" }}')
    return text + f"\n[models.Model{number}.relationships]\n" + "\n".join(relationships) + "\n"

"""CREATE DOMAIN."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit_gen.ddl.spelling import default_expression, parenthesised, sql_type
from ormkit_gen.ir import Domain, Schema
from ormkit_gen.postgres.identifiers import qualified, quote_identifier, quote_literal


def create_domain(domain: Domain, schema: Schema) -> str:
    """Return the statement that creates a domain, with the checks that all its values hold."""
    parts = [f"CREATE DOMAIN {domain_name(domain)} AS {sql_type(domain.type, schema)}"]
    if domain.collation is not None:
        parts.append(f"COLLATE {domain.collation}")
    if domain.server_default is not None:
        parts.append(f"DEFAULT {default_expression(domain.server_default)}")
    if not domain.is_nullable:
        parts.append("NOT NULL")
    head = " ".join(parts)
    checks = [
        f"CONSTRAINT {quote_identifier(check.name)} CHECK {parenthesised(check.expression)}"
        for check in domain.checks
        if check.is_valid
    ]
    return "\n        ".join([head, *checks]) + ";"


def late_checks(domain: Domain) -> Iterator[str]:
    """Yield the statements that add checks which existing values may break."""
    for check in domain.checks:
        if not check.is_valid:
            yield (
                f"ALTER DOMAIN {domain_name(domain)} ADD CONSTRAINT {quote_identifier(check.name)} "
                f"CHECK {parenthesised(check.expression)} NOT VALID;"
            )


def domain_comments(domain: Domain) -> Iterator[str]:
    """Yield the statements that comment on a domain and its checks."""
    name = domain_name(domain)
    if domain.comment is not None:
        yield f"COMMENT ON DOMAIN {name} IS {quote_literal(domain.comment)};"
    for check in domain.checks:
        if check.comment is not None:
            yield (
                f"COMMENT ON CONSTRAINT {quote_identifier(check.name)} ON DOMAIN {name} "
                f"IS {quote_literal(check.comment)};"
            )


def domain_name(domain: Domain) -> str:
    """Return the qualified name of a domain."""
    return qualified(domain.schema, domain.name)

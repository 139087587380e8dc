"""Placeholder until the reader is here."""

from ormkit_gen.schema.document import Document


def read_python(file, name, problems):
    raise NotImplementedError

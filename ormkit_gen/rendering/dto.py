"""Views of the classes for what an application takes and answers: UserCreate, UserUpdate, UserRead.

They are generated for a target with `dto = "pydantic"` or `dto = "msgspec"`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ormkit_gen.ir import Column, Model, Schema
from ormkit_gen.rendering.annotations import Imports, annotation
from ormkit_gen.rendering.literals import docstring, literal, python_string
from ormkit_gen.rendering.own_names import own

#: The libraries whose classes can be generated.
Library = Literal["pydantic", "msgspec"]
LIBRARIES: tuple[Library, ...] = ("pydantic", "msgspec")
#: The head of a class of each library.
BASES: dict[Library, str] = {
    "pydantic": f"{own('pydantic')}.BaseModel",
    "msgspec": f"{own('msgspec')}.Struct, kw_only=True",
}
#: Types of PostgreSQL whose values have no form in JSON that pydantic knows, or not all of them:
#: bytes, infinite dates, floats that are no numbers, and ranges of moments with a zone or without.
IN_JSON = frozenset(
    ("bytea", "real", "double precision", "date", "timestamp", "timestamptz", "tsrange")
) | {"tstzrange"}
#: What a class of pydantic needs: columns may be named model_..., and have types of OrmKit.
CONFIG = (
    f"model_config = {own('pydantic')}.ConfigDict("
    "{}arbitrary_types_allowed=True, protected_namespaces=())"
)
#: What classes of pydantic have themselves: a field of such a name would hide it.
OF_PYDANTIC = frozenset(
    (
        *("construct", "copy", "dict", "from_orm", "json", "parse_file", "parse_obj", "parse_raw"),
        *("schema", "schema_json", "update_forward_refs", "validate", "model_computed_fields"),
        *("model_config", "model_construct", "model_copy", "model_dump", "model_dump_json"),
        *("model_extra", "model_fields", "model_fields_set", "model_json_schema"),
        *("model_parametrized_name", "model_post_init", "model_rebuild", "model_validate"),
        *("model_validate_json", "model_validate_strings"),
    )
)
#: The line of a class whose fields may be left out, and are not null.
NOT_NULL = f"_given = {own('pydantic')}.field_validator({{}})({own('not_null')})"


@dataclass(frozen=True, slots=True)
class DtoView:
    """One class: its name, what it derives from, and its lines."""

    name: str
    base: str
    docstring: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DtosView:
    """The module with the classes of all models."""

    imports: tuple[str, ...]
    library: Library
    classes: tuple[DtoView, ...]
    #: True where a class has fields that may be left out, and are not null.
    has_not_null: bool
    #: The names that the schema decides: of fields, and at the top of the module.
    fields: frozenset[str]
    top_names: frozenset[str]


def dtos_view(schema: Schema, library: Library) -> DtosView:
    """Return the classes of all models."""
    models = [each for each in schema.models if not each.is_association]
    fields = frozenset(column.name for each in models for column in each.columns)
    imports = Imports(taken=fields)
    builders = [_Builder(each, schema, library, imports) for each in models]
    classes = [each for builder in builders for each in builder.classes()]
    return DtosView(
        imports.lines(()),
        library,
        tuple(classes),
        has_not_null=any(own("not_null") in line for each in classes for line in each.lines),
        fields=fields,
        top_names=frozenset([each.name for each in classes] + [each.name for each in schema.enums]),
    )


class _Builder:
    """Builds the classes of one model."""

    def __init__(self, model: Model, schema: Schema, library: Library, imports: Imports) -> None:
        self.model = model
        self.schema = schema
        self.library: Library = library
        self.imports = imports
        #: The fields of the present class that may be left out, and are not null.
        self.given: list[str] = []

    def classes(self) -> tuple[DtoView, ...]:
        table = self.model.name
        self.is_input = True
        written = [each for each in self.model.columns if self.is_written(each)]
        changed = [each for each in written if not each.is_primary_key]
        shown = [each for each in self.model.columns if not each.is_private]
        return (
            self.view("Create", f"What a new {table} takes.", [*map(self.created, written)]),
            self.view("Update", f"What may change of a {table}.", [*map(self.unset, changed)]),
            self.view("Read", self.model.comment or f"A {table}.", self.all_read(shown)),
        )[2 * self.model.is_read_only :]

    def view(self, suffix: str, text: str, lines: list[str]) -> DtoView:
        if self.library == "pydantic":
            settings = "from_attributes=True, " if suffix == "Read" else ""
            if any(self.name(each) != each.name for each in self.model.columns):
                settings += "serialize_by_alias=True, "
            lines = [CONFIG.format(settings), *lines]
            if self.given:
                lines.append(NOT_NULL.format(", ".join(map(python_string, self.given))))
                self.given = []
        name = f"{self.model.name}{suffix}"
        return DtoView(name, BASES[self.library], docstring(text), tuple(lines))

    def name(self, column: Column) -> str:
        """Return the name of a field: pydantic's own names get an underscore, and an alias."""
        name = column.name
        others = {each.name for each in self.model.columns}
        if self.library == "pydantic" and name in OF_PYDANTIC:
            while name in others:
                name += "_"
        return name

    def is_written(self, column: Column) -> bool:
        """Return whether the application gives the column its value."""
        kept = (self.model.soft_delete, self.model.version, self.model.updated_at)
        return not column.is_generated and column.identity is None and column.name not in kept

    def created(self, column: Column) -> str:
        """Return the field for a value that a new row takes."""
        if column.default is not None:
            value = column.default.value
            text = literal(value, column.type, self.schema, self.imports)
            return self.field(
                column, f"default_factory=lambda: {text}" if is_fresh(value) else text
            )
        if column.server_default is not None or column.factory is not None:
            return self.unset(column)
        return self.field(column, "None" if column.is_nullable else "")

    def all_read(self, columns: list[Column]) -> list[str]:
        """Return the fields for values that were read, which no limit holds for any more."""
        self.is_input = False
        return [self.field(each, "") for each in columns]

    def unset(self, column: Column) -> str:
        """Return the field for a value that may be left out."""
        if self.library == "msgspec":
            library = own("msgspec")
            return self.field(column, f"{library}.UNSET", f" | {library}.UnsetType")
        if column.is_nullable:
            return self.field(column, "None")
        self.given.append(self.name(column))
        # JSON Schema tells nothing of the None that stands for a value that is left out.
        skipped = self.imports.add("pydantic.json_schema", "SkipJsonSchema")
        return self.field(column, "None", f" | {skipped}[None]")

    def field(self, column: Column, default: str, further: str = "") -> str:
        """Return the declaration of a field; `default` is source, empty for a required field."""
        typed = self.typed(column)
        nullable = f"{' | None' if column.is_nullable else ''}{further}"
        options = [f"{name}={value}" for name, value in self.constraints(column)]
        is_factory = default.startswith("default_factory=")
        if self.library == "msgspec":
            if options:
                typed = self.annotated(typed, f"{own('msgspec')}.Meta({', '.join(options)})")
            if is_factory:
                default = f"{own('msgspec')}.field({default})"
            return f"{column.name}: {typed}{nullable}{f' = {default}' if default else ''}"
        if options and further:
            # Limits are those of the value, and None has none.
            typed = self.annotated(typed, f"{own('pydantic')}.Field({', '.join(options)})")
            options = []
        if (name := self.name(column)) != column.name:
            options.append(f"alias={python_string(column.name)}")
        if default and (options or is_factory):
            options.insert(0, default if is_factory else f"default={default}")
            default = ""
        if options:
            default = f"{own('pydantic')}.Field({', '.join(options)})"
        return f"{name}: {typed}{nullable}{f' = {default}' if default else ''}"

    def typed(self, column: Column) -> str:
        """Return the annotation of a value, with what says how JSON has it."""
        one = replace(column, type=replace(column.type, dimensions=0))
        if column.python_type is not None:
            return self.in_json(annotation(column, self.schema, self.imports), column)
        typed = self.in_json(annotation(one, self.schema, self.imports), column)
        options = self.limits(column) if column.type.is_array else []
        if options:
            typed = self.annotated(typed, self.checks(options))
        for _ in range(column.type.dimensions):
            typed = f"{own('list')}[{typed}]"
        return typed

    def in_json(self, typed: str, column: Column) -> str:
        """Return the annotation of one value, with InJson where pydantic needs it."""
        type_ = column.type
        has_class = column.codec is not None or column.json_type is not None
        if self.library != "pydantic" or not (
            has_class or (type_.name in IN_JSON and column.python_type is None)
        ):
            return typed
        arguments = [python_string(type_.name)]
        if column.codec is not None:
            module, _, name = column.codec.partition(":")
            first, *rest = name.split(".")
            arguments.append(f"codec={'.'.join([self.imports.add(module, first), *rest])}")
        marker = self.imports.add("ormkit", "InJson")
        return self.annotated(typed, f"{marker}({', '.join(arguments)})")

    def checks(self, options: list[tuple[str, str]]) -> str:
        """Return what the library checks of a value."""
        word = "Meta" if self.library == "msgspec" else "Field"
        return (
            f"{own(self.library)}.{word}({', '.join(f'{name}={each}' for name, each in options)})"
        )

    def annotated(self, typed: str, what: str) -> str:
        """Return the annotation with what the class checks of the value."""
        return f"{self.imports.add('typing', 'Annotated')}[{typed}, {what}]"

    def constraints(self, column: Column) -> list[tuple[str, str]]:
        """Return what the class checks, and what it tells of the field."""
        found = [] if column.type.is_array else self.limits(column)
        if column.comment:
            found.append(("description", python_string(column.comment)))
        return found

    def limits(self, column: Column) -> list[tuple[str, str]]:
        """Return what the class checks of one value."""
        type_ = column.type
        if type_.is_enum or column.python_type is not None:
            return []
        if type_.name == "numeric":
            return self.digits(type_.modifiers) if self.library == "pydantic" else []
        if type_.name in ("varchar", "char") and type_.modifiers:
            return [("max_length", str(type_.modifiers[0]))]
        if type_.name == "vector" and type_.modifiers:
            return [(name, str(type_.modifiers[0])) for name in ("min_length", "max_length")]
        if type_.base.default == "whole" and self.is_input:
            most = 2 ** (type_.base.bits - 1)
            return [("ge", str(-most)), ("le", str(most - 1))]
        if type_.name in ("timestamp", "timestamptz") and self.library == "msgspec":
            return [("tz", str(type_.name == "timestamptz"))] if self.is_input else []
        return []

    def digits(self, modifiers: tuple[int, ...]) -> list[tuple[str, str]]:
        """Return how many digits pydantic takes; numbers without a limit may also be infinite."""
        precision, scale = (*modifiers, 0, 0)[:2]
        if not modifiers or not self.is_input or not 0 <= scale <= precision:
            return [("allow_inf_nan", "True")]
        return [("max_digits", str(precision)), ("decimal_places", str(scale))]


def is_fresh(value: object) -> bool:
    """Return whether each object needs a value of its own."""
    return isinstance(value, (list, dict))

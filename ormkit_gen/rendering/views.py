"""Views: the values that templates print. All names, types and literals are final.

The text of a view is valid where the template puts it. Templates only loop and print.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ormkit_gen.ddl.spelling import value_type
from ormkit_gen.ir import Column, Computed, Model, Relationship, Schema
from ormkit_gen.rendering.annotations import Imports, annotation, class_names, taken
from ormkit_gen.rendering.attribute_types import (
    Attribute,
    attr_class,
    column_class,
    computed_class,
    optional,
    related_type,
)
from ormkit_gen.rendering.constructor import Constructor
from ormkit_gen.rendering.enum_views import EnumView, enum_view
from ormkit_gen.rendering.literals import docstring, literal, names, python_string
from ormkit_gen.rendering.name_texts import NameTexts, ordered
from ormkit_gen.rendering.operators import filter_keys
from ormkit_gen.rendering.own_names import IMPORT, IMPORT_OTHER, other, own
from ormkit_gen.schema.naming import base_name, constant_name, module_name

#: The names that every generated module imports from typing.
TYPING = ("TYPE_CHECKING", "Any", "Literal", "Never", "Self", "Unpack")


#: How a relationship is declared: the type of the attribute, that of the class, and the call.
ONE = ("Attr", "ToOne", "to_one")
MANY = ("ReadOnlyAttr", "ToMany", "to_many")
#: The names at the top of a module beside its model, derived from the model's name.
BESIDE = ("Filter", "Values", "Given", "Name", "Path", "Order", "Relation", "Query")


@dataclass(frozen=True, slots=True)
class ModelView:
    """A module with one model."""

    name: str
    module: str
    docstring: str
    imports: tuple[str, ...]
    typing_imports: tuple[str, ...]
    #: Names and values of the module's constants.
    constants: tuple[tuple[str, str], ...]
    filter_keys: tuple[tuple[str, str], ...]
    assignable: tuple[tuple[str, str], ...]
    #: The annotations of the names in queries: of columns, of those and paths through to-one
    #: relationships (empty without any), of both with a direction, of relationships.
    column_names: str
    paths: str
    orders: str
    relationship_names: str
    #: The names of the relationships as an argument of the query's class.
    relationships: str
    #: The class of partial objects.
    partial: str
    attributes: tuple[Attribute, ...]
    table: str
    #: The names of the computed attributes, as an annotation; empty without any.
    computed: str
    #: Where foreign keys are required: the other parameters of the constructor with their types,
    #: and its overloads, each with the parameters of the keys.
    given: tuple[tuple[str, str], ...]
    overloads: tuple[str, ...]
    parameters: tuple[str, ...]
    body: tuple[str, ...]
    #: What type checkers read in place of the constructor, where it has no overloads.
    signature: tuple[str, ...]
    unpack: str
    conversions: tuple[tuple[str, str], ...]
    key: str
    #: The types beside the model, by what their names end with.
    beside: Mapping[str, str]
    #: The names that the schema decides: of attributes, and at the top of the module.
    attribute_names: frozenset[str]
    top_names: tuple[str, ...]
    #: The class with the columns: the model itself, or its base where it has methods of its own.
    base: str
    #: The runtime's class from which the model derives.
    parent: str
    #: The place of the user's class with methods, as a literal; empty without.
    methods: str
    is_read_only: bool

    @property
    def has_capitals(self) -> bool:
        """True with an attribute that type checkers take for a constant by its name."""
        return any(map(str.isupper, self.attribute_names))

    @property
    def exports(self) -> tuple[str, ...]:
        """The names that the package exports."""
        classes = (self.name, self.base) if self.methods else (self.name,)
        return (*classes, self.partial, self.beside["Query"])


@dataclass(frozen=True, slots=True)
class PackageView:
    """The whole generated package."""

    models: tuple[ModelView, ...]
    enums: tuple[EnumView, ...]
    exports: tuple[str, ...]
    #: The models with methods of their own.
    with_methods: tuple[str, ...]


def package_view(schema: Schema) -> PackageView:
    """Return the views of one target's package."""
    models = tuple(model_view(model, schema) for model in schema.models if not model.is_association)
    enums = tuple(enum_view(enum) for enum in schema.enums)
    exports = [name for model in models for name in model.exports]
    exports += [enum.name for enum in enums]
    with_methods = tuple(model.name for model in models if model.methods)
    return PackageView(models, enums, ("SCHEMA", *sorted(exports)), with_methods)


def model_view(model: Model, schema: Schema) -> ModelView:
    """Return the view of one model's module."""
    imports = Imports(taken={column.name for column in model.columns})
    builder = _Builder(model, schema, imports)
    attributes = builder.attributes()
    constructor = Constructor(model, schema, imports)
    texts = NameTexts(model, schema, imports)
    return ModelView(
        name=model.name,
        module=module_name(model.name),
        docstring=docstring(model.comment or f"A row of {builder.table_name}."),
        attributes=attributes,
        computed=texts.computed(),
        given=constructor.given(),
        overloads=constructor.overloads(),
        parameters=constructor.parameters(),
        body=constructor.body(),
        signature=constructor.signature(),
        filter_keys=builder.filter_keys(),
        assignable=builder.assignable(),
        column_names=texts.columns(),
        paths=texts.paths(builder.beside("Name")),
        orders=texts.orders(builder.beside("Path" if texts.steps else "Name")),
        relationship_names=texts.relationships(),
        relationships=builder.relationships(),
        partial=builder.partial(),
        table=builder.table(),
        unpack=builder.unpack(),
        conversions=builder.conversions(),
        constants=builder.constants(),
        key=builder.key(),
        beside={ending: builder.beside(ending) for ending in BESIDE},
        attribute_names=frozenset(builder.attribute_names),
        top_names=builder.top_names(),
        base=base_name(model.name) if model.methods else model.name,
        parent=builder.parent(),
        methods=python_string(model.methods) if model.methods else "",
        is_read_only=model.is_read_only,
        typing_imports=builder.typing_imports(),
        imports=imports.lines(builder.runtime_names() + constructor.runtime_names()),
    )


class _Builder:
    """Builds the parts of one model's view and collects their imports."""

    def __init__(self, model: Model, schema: Schema, imports: Imports) -> None:
        self.model = model
        self.schema = schema
        self.imports = imports
        for name in TYPING:
            imports.add("typing", name)
        self.ordered = ordered(model)
        self.table_name = f"{model.schema}.{model.table}" if model.schema else model.table

    def value_type(self, column: Column) -> str:
        """Return the annotation of a value, without None."""
        return annotation(column, self.schema, self.imports)

    def taken_type(self, column: Column) -> str:
        """Return the annotation of the accepted input, without None."""
        return taken(column, self.schema, self.imports)

    def type_of(self, column: Column) -> str:
        """Return the annotation of the attribute."""
        return optional(self.value_type(column), column.is_nullable)

    def attributes(self) -> tuple[Attribute, ...]:
        return (
            *map(self.column_attribute, self.model.columns),
            *map(self.computed_attribute, self.model.computed),
            *map(self.relationship_attribute, self.model.relationships),
        )

    def column_attribute(self, column: Column) -> Attribute:
        arguments = [python_string(value_type(column.type, self.schema))]
        if column.db_name != column.name:
            arguments.append(f"name={python_string(column.db_name)}")
        flags = {
            "is_nullable": column.is_nullable,
            "has_default": column.has_server_value and not column.is_generated,
            "is_generated": column.identity == "always",
            "is_computed": column.generated is not None,
            "is_private": column.is_private,
        }
        arguments += [f"{flag}=True" for flag, is_set in flags.items() if is_set]
        if column.default is not None:
            arguments.append(f"default={self.default(column)}")
        if column.json_type is not None:
            module, _, name = column.json_type.partition(":")
            arguments.append(f"json_type={self.imports.resolve(f'{module}.{name}')}")
        if column.codec is not None:
            module, _, name = column.codec.partition(":")
            first, *rest = name.split(".")
            arguments.append(f"codec={'.'.join([self.imports.add(module, first), *rest])}")
        if column.factory is not None:
            arguments.append(f"factory={python_string(column.factory)}")
        return self.expression(
            column,
            (own(self.attr_class(column)), own(column_class(column)), own("column")),
            arguments,
        )

    def attr_class(self, column: Column) -> str:
        """Return the type of a column's attribute; those of a read-only model cannot be set."""
        if self.model.is_read_only:
            return "ReadOnlyAttr"
        attr = attr_class(column)
        # The class with the methods of an application is no model: its attributes name the model.
        return "Attr" if attr == "ColumnAttr" and self.model.methods else attr

    def computed_attribute(self, computed: Computed) -> Attribute:
        column = computed.column
        arguments = [
            python_string(value_type(column.type, self.schema)),
            python_string(computed.template),
        ]
        if column.is_nullable:
            arguments.append("is_nullable=True")
        if computed.calls:
            arguments.append(f"calls={names(computed.calls)}")
        if computed.casts:
            arguments.append(f"casts={names(computed.casts)}")
        if computed.is_foreign:
            arguments.append("is_foreign=True")
        declared = (own("ReadOnlyAttr"), own(computed_class(column)), own("computed"))
        return self.expression(column, declared, arguments)

    def expression(
        self, column: Column, declared: tuple[str, str, str], arguments: list[str]
    ) -> Attribute:
        """Return the attribute of a column or a computed attribute; `declared` is as in ONE."""
        attr, kind, call = declared
        if column.type.is_text and column.codec is None:
            arguments.append("is_text=True")
        if column.type.is_enum:
            arguments.append(f"labels={other(column.type.name)}")
            if self.schema.enum(column.type.name).is_open:
                arguments.append("is_open=True")
        if kind not in (own("Column"), own("Computed")):
            arguments.append(f"kind={kind}")
        taken, held = self.taken_type(column), self.type_of(column)
        if attr == own("ColumnAttr"):
            typed = f"{attr}[{taken}]" if taken == held else f"{attr}[{taken}, {held}]"
        else:
            typed = f"{attr}[{kind}[{other(self.model.name)}, {taken}, {held}], {held}]"
        return Attribute(column.name, typed, f"{call}({', '.join(arguments)})")

    def relationship_attribute(self, relationship: Relationship) -> Attribute:
        is_many = relationship.is_to_many
        attr, kind, call = map(own, MANY if is_many else ONE)
        reached = f"{kind}[{other(self.model.name)}, {other(relationship.target)}]"
        arguments = [
            python_string(relationship.target),
            f"local={names(relationship.local)}",
            f"remote={names(relationship.remote)}",
        ]
        if relationship.is_owner:
            arguments.append("is_owner=True")
        if relationship.secondary is not None:
            arguments.append(f"secondary={self.secondary(relationship)}")
        return Attribute(
            relationship.name,
            f"{attr}[{reached}, {related_type(relationship)}]",
            f"{call}({', '.join(arguments)})",
        )

    def secondary(self, relationship: Relationship) -> str:
        through = self.schema.model(relationship.secondary or "")
        local = names(through.column(name).db_name for name in relationship.secondary_local)
        remote = names(through.column(name).db_name for name in relationship.secondary_remote)
        arguments = [python_string(through.table)]
        if through.schema:
            arguments.append(f"schema={python_string(through.schema)}")
        return f"{own('Secondary')}({', '.join(arguments)}, local={local}, remote={remote})"

    def default(self, column: Column) -> str:
        """Return the default constant of a column as source text."""
        constant = column.default
        assert constant is not None
        return literal(constant.value, column.type, self.schema, self.imports)

    def filter_keys(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (column.name + suffix, typed)
            for column in self.ordered
            for suffix, typed in filter_keys(column, self.taken_type(column), self.imports)
        )

    def assignable(self) -> tuple[tuple[str, str], ...]:
        expression = f"{own('Expression')}[{other(self.model.name)}, {{}}, {own('Any')}]"
        return tuple(
            (
                column.name,
                f"{optional(self.taken_type(column), column.is_nullable)} | "
                f"{expression.format(self.taken_type(column))}",
            )
            for column in self.model.columns
            if not column.is_generated
        )

    def relationships(self) -> str:
        if not self.model.relationships:
            return self.imports.add("typing", "Never")
        return python_string(self.beside("Relation"))

    def table(self) -> str:
        model = self.model
        arguments = [python_string(model.table)]
        if model.schema:
            arguments.append(f"schema={python_string(model.schema)}")
        arguments.append(f"primary_key={names(model.primary_key)}")
        for keyword in ("soft_delete", "version", "updated_at"):
            column = getattr(model, keyword)
            if column is not None:
                arguments.append(f"{keyword}={python_string(column)}")
        if model.is_read_only:
            arguments.append("is_read_only=True")
        targets = {key.target for key in model.foreign_keys} - {model.name}
        parents = sorted(name for name in targets if not self.schema.model(name).is_association)
        if parents:
            arguments.append(f"parents={names(parents)}")
        return f"{own('Table')}({', '.join(arguments)})"

    def unpack(self) -> str:
        targets = [f"o.{column.name}" for column in self.model.columns]
        return ", ".join(targets) + ("," if len(targets) == 1 else "")

    def conversions(self) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for column in self.model.columns:
            value = f"o.{column.name}"
            if column.type.is_enum and not column.type.is_array:
                member = f"{own(constant_name(column.type.name))}[{value}]"
                text = f"{member} if {value} is not None else None"
                found.append((column.name, text if column.is_nullable else member))
            elif column.type.is_decoded or column.json_type or column.codec:
                found.append((column.name, f"{self.model.name}.{column.name}.decode({value})"))
        return tuple(found)

    def constants(self) -> tuple[tuple[str, str], ...]:
        used = sorted({column.type.name for column in self.model.columns if column.type.is_enum})
        for name in used:
            self.imports.add(".enums", name)
        scalar = {c.type.name for c in self.model.columns if c.type.is_enum and not c.type.is_array}
        return tuple(
            (own(constant_name(name)), self.members(name)) for name in used if name in scalar
        )

    def members(self, name: str) -> str:
        """Return the members of an enum by their labels, as Python source."""
        if not self.schema.enum(name).is_open:
            return f"{{member.value: member for member in {other(name)}}}"
        return f"{self.imports.add('ormkit', 'OpenLabels')}({other(name)})"

    def key(self) -> str:
        types = [self.taken_type(self.model.column(name)) for name in self.model.primary_key]
        if not types:
            return self.imports.add("typing", "Never")
        return types[0] if len(types) == 1 else f"{own('tuple')}[{', '.join(types)}]"

    @property
    def attribute_names(self) -> set[str]:
        """The names of the model's attributes."""
        model = self.model
        found = {each.name for each in model.columns} | {each.name for each in model.computed}
        return found | {each.name for each in model.relationships}

    def beside(self, ending: str) -> str:
        """Return a name derived from the model's; another one where the schema has it."""
        return free_name(f"{self.model.name}{ending}", self.schema)

    def partial(self) -> str:
        """Return the name of the class of partial objects.

        The package exports it beside the classes of queries: a model Partial has one, too.
        """
        name = free_name(f"Partial{self.model.name}", self.schema)
        other_model = name.rstrip("_").removesuffix("Query")
        is_query = other_model in class_names(self.schema)
        if is_query and free_name(f"{other_model}Query", self.schema) == name:
            return free_name(f"{name}_", self.schema)
        return name

    def top_names(self) -> tuple[str, ...]:
        """Return the names at the top of the module that the schema decides."""
        beside = [self.partial(), *[self.beside(each) for each in BESIDE]]
        targets = [each.target for each in self.model.relationships]
        enums = [each.type.name for each in self.ordered if each.type.is_enum]
        return (self.model.name, base_name(self.model.name), *beside, *targets, *enums)

    def parent(self) -> str:
        """Return the runtime's class from which the model derives."""
        names = self.attribute_names
        if self.model.is_read_only:
            return "ReadOnlyModel"
        has_mark = self.model.soft_delete is not None and "is_deleted" not in names
        return "SoftDeleteModel" if has_mark else "Model"

    def runtime_names(self) -> list[str]:
        used = ["Condition", "Expression", "More", self.parent(), "Partial", "Query"]
        used += [] if self.model.is_read_only else ["Change"]
        used += ["Source", "Table"]
        for each in self.model.columns:
            attr = self.attr_class(each)
            used += [attr] if attr == "ColumnAttr" else [attr, column_class(each)]
            used += [] if column_class(each) == "Column" else [column_class(each)]
        used.append("column")
        if self.model.computed:
            used += ["Computed", "ReadOnlyAttr", "computed"]
            used += {computed_class(each.column) for each in self.model.computed}
        relationships = self.model.relationships
        for related in relationships:
            used += MANY if related.is_to_many else ONE
        if any(each.secondary for each in relationships):
            used.append("Secondary")
        return used

    def typing_imports(self) -> tuple[str, ...]:
        targets = {each.target for each in self.model.relationships} - {self.model.name}
        imports = [
            f"from .{module_name(name)} import {IMPORT_OTHER}{name}" for name in sorted(targets)
        ]
        if self.model.methods:
            module, _, name = self.model.methods.partition(":")
            imports.insert(0, f"from {module} import {name} as _Methods")
        extensions = f"from typing_extensions import {IMPORT}ReadOnly, {IMPORT}TypedDict"
        return (extensions, "", *imports, *self.forward())

    def forward(self) -> tuple[str, ...]:
        """Return the alias of the model's own name, where an attribute hides the name."""
        if self.model.name not in self.attribute_names:
            return ()
        alias = self.imports.add("typing", "TypeAlias")
        return (f"{other(self.model.name)}: {alias} = {python_string(self.model.name)}",)


def free_name(name: str, schema: Schema) -> str:
    """Return a name at the top of a module; another one where the schema has it."""
    while name in class_names(schema):
        name += "_"
    return name

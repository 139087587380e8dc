"""Reading what makes a model a view, and what others create."""

from __future__ import annotations

from ormkit_gen.ddl.dependencies import qualified_name
from ormkit_gen.ir import View
from ormkit_gen.schema.draft import ModelDraft, SchemaDraft

#: Settings that a view cannot have, since PostgreSQL has them for tables only.
OF_TABLES = ("uniques", "checks", "excludes", "primary_key")


def read_view(model: ModelDraft) -> None:
    """Read the settings `view`, `materialized` and `managed` of a model."""
    fields = model.fields
    model.is_managed = fields.flag("managed", True)
    value = fields.data.get("view")
    if value is None or value is False:
        if fields.flag("materialized"):
            fields.problems.error(
                "no-view",
                f"{model.name} is materialized, and is no view",
                'add view = "SELECT ..."',
                fields.key_at("materialized"),
            )
        return
    query = None if value is True else fields.text("view")
    is_materialized = fields.flag("materialized")
    model.view = View(
        query=query.strip().rstrip(";") if query else None, is_materialized=is_materialized
    )
    refused = [key for key in OF_TABLES if key in fields.data]
    if "indexes" in fields.data and not is_materialized:
        refused.append("indexes")
    for key in refused:
        fields.problems.error(
            "view-constraint",
            f"{model.name} is a view, and has {key}",
            'leave it out; key = ["id"] names the columns that identify a row',
            fields.key_at(key),
        )


def check_views(draft: SchemaDraft) -> None:
    """Record views that nothing creates."""
    there = {(each.kind, *qualified_name(each.name)) for each in draft.objects}
    for model in draft.models.values():
        view = model.view
        if view is None or view.query is not None or not model.is_managed:
            continue
        namespaces = {model.schema, *(("public", None) if model.schema in ("public", None) else ())}
        if not any((view.kind, namespace, model.table) in there for namespace in namespaces):
            draft.problems.error(
                "no-view",
                f"nothing creates the {view.kind} {model.full_table} of {model.name}",
                f"add a file of SQL for it, with -- object: {view.kind} {model.full_table}, write "
                f'view = "SELECT ...", or managed = false if others create it',
                model.fields.key_at("view"),
            )

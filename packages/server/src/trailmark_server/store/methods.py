"""All that the embedded store answers and does: each method from the module that knows how."""

from __future__ import annotations

from trailmark_server.store import (
    bodies,
    check,
    comments,
    documents,
    facets,
    lists,
    projects,
    scores,
    search,
    series,
    skeleton,
    spans,
    turns,
)
from trailmark_server.store.read import View
from trailmark_server.store.write import Transaction

__all__ = ["SqliteReader", "SqliteWriter"]


class SqliteReader(View):
    """A `Reader` over one connection."""

    activity = projects.activity
    older_than = projects.older_than
    records = projects.records
    trace_rows = lists.trace_rows
    whole_traces = lists.whole_traces
    changes = lists.changes
    newest_change = lists.newest_change
    count = lists.count
    histogram = lists.histogram
    span_rows = spans.span_rows
    whole_spans = spans.whole_spans
    span_records = spans.span_records
    metrics = series.metrics
    top = series.top
    field_names = facets.fields
    field_values = facets.values
    change_of = skeleton.change_of
    digits = skeleton.digits
    whole_id = skeleton.whole_id
    skeleton = skeleton.skeleton  # last: from here on the name is the method
    inside = search.inside
    digests = bodies.digests
    thread_rows = turns.page
    thread = turns.thread
    scores_of_project = scores.of_project
    score_history = scores.history
    scores = scores.listed
    comment = comments.get
    comments = comments.listed
    document = documents.get
    documents = documents.listed
    damage = check.damage


class SqliteWriter(Transaction):
    """A `Writer` over the writer's connection."""

    create_project = projects.create
    rename_project = projects.rename
    drop_project = projects.drop
    drop_score = scores.drop
    drop_comment = comments.drop
    put_document = documents.put
    drop_document = documents.drop

"""How spans, roots and scores are written."""

from __future__ import annotations

from typing import Final

__all__ = ["COMMENT", "FIND_ROOT", "FIND_SPAN", "INSERT", "SCORE", "UPDATE"]


def _insert(table: str, columns: str) -> str:
    names = columns.split()
    return f"INSERT INTO {table}({', '.join(names)}) VALUES({', '.join('?' * len(names))}) RETURNING seq"


def _update(table: str, columns: str) -> str:
    return f"UPDATE {table} SET {', '.join(f'{name}=?' for name in columns.split())} WHERE seq=?"


_SPAN_COLUMNS: Final = (
    "project_id trace_id span_id parent_id name type status start_us end_us first_token_us model provider usage "
    "tin tout tcached cost error_type tags input_preview output_preview ver"
)
_ROOT_COLUMNS: Final = (
    "project_id trace_id span_id name status start_us end_us thread_id user_id environment tags input_preview "
    "output_preview ver"
)
INSERT: Final = (_insert("spans", _SPAN_COLUMNS), _insert("roots", _ROOT_COLUMNS))
UPDATE: Final = (_update("spans", _SPAN_COLUMNS), _update("roots", _ROOT_COLUMNS))
FIND_SPAN: Final = "SELECT seq, ver, status, name FROM spans WHERE trace_id=? AND span_id=?"
FIND_ROOT: Final = "SELECT seq, ver, status, name, span_id FROM roots WHERE trace_id=?"
SCORE: Final = (
    "INSERT INTO scores(kind, target, name, source, author, project_id, value, is_bool, label, reason, ts_us, ver) "
    "VALUES(?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(kind, target, name, source, author) DO UPDATE SET "
    "value=excluded.value, is_bool=excluded.is_bool, label=excluded.label, reason=excluded.reason, "
    "ts_us=excluded.ts_us, ver=excluded.ver, "
    "project_id=excluded.project_id WHERE (excluded.ver, excluded.ts_us, coalesce(excluded.value, -1e308), "
    "coalesce(excluded.label, ''), coalesce(excluded.reason, '')) >= (scores.ver, scores.ts_us, "
    "coalesce(scores.value, -1e308), coalesce(scores.label, ''), coalesce(scores.reason, ''))"
)
COMMENT: Final = (
    "INSERT INTO comments(comment_id, kind, target, project_id, text, author, ts_us, ver) VALUES(?,?,?,?,?,?,?,?) "
    "ON CONFLICT(comment_id) DO UPDATE SET kind=excluded.kind, target=excluded.target, "
    "project_id=excluded.project_id, text=excluded.text, author=excluded.author, ts_us=excluded.ts_us, "
    "ver=excluded.ver WHERE (excluded.ver, excluded.text) > (comments.ver, comments.text)"
)

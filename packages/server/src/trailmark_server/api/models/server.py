"""What the server and the recording programs say of themselves."""

from __future__ import annotations

from pydantic import BaseModel, Field

from trailmark_server.api.models.shared import Json

__all__ = ["Client", "Ingested", "Meta", "Rejected"]


class Client(BaseModel):
    """What a recording program said of itself: `mode` of its outbox, and what it dropped, by reason."""

    client: str
    mode: str
    dropped: dict[str, int]
    seen_us: int


class Meta(BaseModel):
    version: str
    schema_version: int = Field(alias="schema")
    auth: bool
    workspace: str
    features: list[str]
    root_path: str
    home: str
    disk_bytes: int
    now_us: int
    clients: list[Client]
    ingest: dict[str, Json]
    text_index: dict[str, Json]


class Rejected(BaseModel):
    index: int
    id: str | None
    field: str
    message: str


class Ingested(BaseModel):
    """The good records are stored, whatever the others are."""

    accepted: int
    rejected: list[Rejected]

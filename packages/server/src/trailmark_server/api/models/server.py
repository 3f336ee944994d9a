"""What the server and the recording programs say of themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from trailmark_server.api.models.shared import Json, Model

__all__ = [
    "Client",
    "Health",
    "Ingested",
    "KnownKey",
    "MadeKey",
    "Meta",
    "NewKey",
    "Rejected",
    "Session",
    "SignIn",
]


class Client(BaseModel):
    """What a recording program said of itself: `mode` of its outbox, what it dropped, by reason; an empty `version` is
    one it did not tell."""

    client: str
    mode: str
    version: str
    dropped: dict[str, int]
    seen_us: int


class StoreHealth(BaseModel):
    """`unindexed`: spans that a text search still reads itself."""

    state: Literal["ok", "full", "damaged"]
    detail: str
    unindexed: int


class Ingest(BaseModel):
    """`waiting`: programs on this machine with records that are not stored yet; `last_us`: when records came last, and
    `late_us`: how old the newest of them was then, null before the first."""

    waiting: int
    last_us: int | None
    late_us: int | None


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
    ingest: Ingest
    text_index: dict[str, Json]
    capabilities: dict[str, Json]
    health: StoreHealth


class Rejected(BaseModel):
    index: int
    id: str | None
    field: str
    message: str


class Ingested(BaseModel):
    """The good records are stored, whatever the others are."""

    accepted: int
    rejected: list[Rejected]


class Session(BaseModel):
    """`auth`: whether a key is needed; `workspace`: where the asker is, null for nobody; `admin`: may make keys."""

    auth: bool
    workspace: str | None
    admin: bool


class SignIn(Model):
    key: Annotated[str, Field(min_length=1, max_length=200)]


class NewKey(Model):
    """Whose it is, for the list; a workspace that is not there is made when the key is first used."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    workspace: Annotated[str, Field(min_length=1, max_length=63)] = "default"
    admin: bool = False


class KnownKey(BaseModel):
    id: str
    name: str
    workspace: str
    admin: bool
    created_us: int


class MadeKey(KnownKey):
    """With the key itself, which nobody can be told again."""

    key: str


class Health(BaseModel):
    state: Literal["ok", "full", "damaged"]

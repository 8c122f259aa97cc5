"""Settings, read once from the environment."""

from functools import cached_property
from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1 << 20


class Settings(BaseSettings):
    """`PREFSIFT_*`; the database and the broker also by their usual names."""

    model_config = SettingsConfigDict(
        env_prefix="PREFSIFT_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    database_url: str = Field(
        default="", validation_alias=AliasChoices("DATABASE_URL", "PREFSIFT_DATABASE_URL")
    )
    broker_url: str = Field(
        default="", validation_alias=AliasChoices("CELERY_BROKER_URL", "PREFSIFT_BROKER_URL")
    )
    home: Path = Path("~/.prefsift")
    files_url: str = ""  # fsspec; default: <home>/files
    host: str = "127.0.0.1"
    port: int = 8000
    url: str = ""  # of a running API: the command line then starts nothing of its own
    api_key: str = ""  # for that API
    max_upload_bytes: int = 64 * 1024 * MIB
    max_line_bytes: int = 32 * MIB
    resumable_bytes: int = 32 * MIB  # the command line sends files of this size in parts
    resumable_hours: float = 24  # that an unfinished upload waits for its next part
    idempotency_hours: float = 24  # that the answer to a request with an Idempotency-Key is kept
    patience_seconds: float = 20  # for a request's head, and for each 20 KiB of its body
    model_folders: str = (
        ""  # with ":" between: where users' tokenizers may lie; default <home>/models
    )
    import_hosts: str = ""  # host or host:port, with commas: private addresses to import from
    hf_endpoint: str = Field(default="https://huggingface.co", validation_alias="HF_ENDPOINT")
    hf_token: str = Field(default="", validation_alias="HF_TOKEN")  # goes to that endpoint only
    parse_memory_bytes: int = 1024 * MIB  # for reading one file, beside the program itself
    parse_silence_seconds: float = 30  # that reading may go on without a result
    cursor_hours: float = 24  # that a page's `next_cursor` leads on
    query_seconds: float = 10  # that one filtered query may take
    pattern_seconds: float = 2  # the same, of one with LIKE or ILIKE
    select_pairs: int = 1_000_000  # that one worker selects from; of more, shards select first
    similar_seconds: float = 2  # that a query waits for a worker to embed the text of SIMILAR
    log_format: str = "json"
    lease_seconds: float = 30  # a worker that is silent for longer has lost its shard
    reap_seconds: float = 5  # how often a worker looks for shards that nobody holds

    @cached_property
    def sqlalchemy_url(self) -> str:
        """The database for SQLAlchemy with psycopg, from any postgres:// or postgresql:// form."""
        scheme, separator, rest = self.database_url.partition("://")
        if scheme.split("+")[0] not in ("postgres", "postgresql") or not separator:
            return self.database_url
        return f"postgresql+psycopg://{rest}"

    @cached_property
    def files(self) -> str:
        return self.files_url or str(self.home.expanduser() / "files")

    @property
    def models(self) -> tuple[Path, ...]:
        """The folders that a user may name a tokenizer in."""
        given = [Path(folder) for folder in self.model_folders.split(":") if folder]
        return tuple(given) or (self.home.expanduser() / "models",)


settings = Settings()

"""The way to Redis or Valkey: the URL, the names of keys, the scripts, and what is said when it is away.

Every key of a world has the world in braces, so that a cluster keeps them in one slot.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from mockserver.errors import StoreError, Unavailable

if TYPE_CHECKING:
    from redis import Redis

_CONNECT, _ANSWER = 1.0, 2.0  # seconds
_CHUNK = 500  # fields of one HSET
_SCHEMA = "1"

# Commit a request: KEYS are meta, controls, content, journal, counts, finished. ARGV are read in turn: the world's
# life, the digest of the finished note, what was read (hash, field, digest), what a new world begins with, what is
# written (hash, field, 1 or 0, value), how long all is kept, and the journal's entry. Answers the new stamp, 0 for a
# finished world, -1 where something is no longer as it was read.
COMMIT = """
local at = 0
local function take() at = at + 1; return ARGV[at] end
local function digest(value) if value then return redis.sha1hex(value) end return '' end
if (redis.call('HGET', KEYS[1], 'made') or '') ~= take() then return -1 end
local note = redis.call('HGET', KEYS[6], 'note')
if digest(note) ~= take() then return -1 end
for _ = 1, tonumber(take()) do
  local hash, field, seen = KEYS[tonumber(take())], take(), take()
  if digest(redis.call('HGET', hash, field)) ~= seen then return -1 end
end
local life = take()
if note then
  redis.call('HINCRBY', KEYS[6], 'calls', 1)
  redis.call('HSET', KEYS[6], 'last', ARGV[#ARGV - 3])
  return 0
end
if life ~= '' then
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
  redis.call('HSET', KEYS[1], 'made', life)
end
for _ = 1, tonumber(take()) do redis.call('HSET', KEYS[3], take(), take()) end
for _ = 1, tonumber(take()) do
  local hash, field, kept, value = KEYS[tonumber(take())], take(), take(), take()
  if kept == '1' then redis.call('HSET', hash, field, value) else redis.call('HDEL', hash, field) end
end
local ttl, recorded, tag, entry = tonumber(take()), take(), take(), take()
local most, bytes = tonumber(take()), tonumber(take())
local stamp = redis.call('TIME')
stamp = stamp[1] * 1000000 + stamp[2]
if recorded == '1' then
  redis.call('HINCRBY', KEYS[1], 'ticks', 1)
  redis.call('HINCRBY', KEYS[1], 'total', 1)
  redis.call('HINCRBY', KEYS[5], tag, 1)
  stamp = math.max(stamp, tonumber(redis.call('HGET', KEYS[1], 'stamp') or '0') + 1)
  redis.call('HSET', KEYS[1], 'stamp', string.format('%.0f', stamp))
  if #entry > 0 and #entry <= bytes and most > 0 then
    local count = redis.call('RPUSH', KEYS[4], entry)
    if count == 1 then redis.call('HSET', KEYS[1], 'size', 0) end
    local size = redis.call('HINCRBY', KEYS[1], 'size', #entry)
    while count > 0 and (count > most or size > bytes) do
      local gone = redis.call('LPOP', KEYS[4])
      count = count - 1
      size = redis.call('HINCRBY', KEYS[1], 'size', -#gone)
    end
  end
end
if ttl > 0 then for i = 1, 5 do redis.call('EXPIRE', KEYS[i], ttl) end end
return string.format('%.0f', stamp)
"""

# Take a world away. KEYS as above, then its snapshots and its initial content; 1 where there was one.
DROP = """
local there = redis.call('EXISTS', KEYS[1])
for _, name in ipairs(redis.call('HKEYS', KEYS[7])) do redis.call('DEL', KEYS[7] .. ':' .. name) end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[7], KEYS[8])
return there
"""


class RedisWire:
    """A pool of connections. Raises StoreError for a URL that cannot be used, or where redis-py is not installed."""

    def __init__(self, url: str) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise StoreError(
                "store redis: redis-py is not installed: pip install 'flagright-mockserver[redis]'"
            ) from None
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        self.prefix = options.pop("prefix", "mockserver")
        ttl = options.pop("ttl", "0")
        if not ttl.isdecimal():
            raise StoreError(f"store redis: ttl {ttl!r} is not a whole number of seconds")
        self.ttl = int(ttl)
        self.where = f"{parts.hostname or 'localhost'}:{parts.port or 6379}"  # and no password
        try:
            # A commit must not be sent twice, so that redis-py's own retries are off.
            self.client: Redis = redis.Redis.from_url(
                urlunsplit(parts._replace(query=urlencode(options))),
                socket_connect_timeout=_CONNECT,
                socket_timeout=_ANSWER,
                retry=Retry(NoBackoff(), 0),
            )
            self.client.connection_pool.make_connection()
            weakref.finalize(self, self.client.connection_pool.disconnect)  # a store that is let go leaves no socket
        except (ValueError, TypeError) as error:
            raise StoreError(f"store redis: the URL cannot be used: {str(error).replace(url, '...')}") from None
        self._errors: Any = redis.RedisError
        self._no_script: Any = redis.exceptions.NoScriptError
        self._lost: Any = redis.ConnectionError
        self._hashes: dict[str, str] = {}

    def key(self, world: str, part: str) -> str:
        """The key of a world's part; the world's name cannot end its braces."""
        return f"{self.prefix}:{{{quote(world, safe='', errors='surrogatepass')}}}:{part}"

    def keys(self, world: str) -> list[str]:
        """The keys of a world as the scripts take them."""
        parts = ("meta", "controls", "content", "journal", "counts", "finished", "snapshots", "initial")
        return [self.key(world, part) for part in parts]

    @property
    def index(self) -> str:
        """The key of the worlds there are, by when they were used."""
        return f"{self.prefix}:worlds"

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Turn what redis-py raises into Unavailable."""
        try:
            yield
        except self._errors as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise Unavailable(f"The store at {self.where} cannot be used: {reason}") from error

    def read(self, *commands: Sequence[Any]) -> list[Any]:
        """Send commands that change nothing in one trip; a connection that went stale is tried once more."""
        with self.trouble():
            try:
                return self._send(commands)
            except self._lost:
                self.client.connection_pool.disconnect(inuse_connections=False)  # those belong to other threads
                return self._send(commands)

    def write(self, *commands: Sequence[Any]) -> list[Any]:
        """Send commands in one trip, all or nothing where they are of one world."""
        with self.trouble():
            return self._send(commands, whole=True)

    def run(self, script: str, keys: Sequence[str], values: Sequence[Any], *more: Sequence[Any]) -> Any:
        """Run a script, with other commands in the same trip behind it; what the script answers."""
        with self.trouble():
            if script not in self._hashes:
                self._hashes[script] = self.client.script_load(script)
            command = ("EVALSHA", self._hashes[script], len(keys), *keys, *values)
            try:
                return self._send((command, *more))[0]
            except self._no_script:  # Redis was restarted
                self.client.script_load(script)
                return self._send((command, *more))[0]

    def _send(self, commands: Sequence[Sequence[Any]], *, whole: bool = False) -> list[Any]:
        pipe: Any = self.client.pipeline(transaction=whole)
        for command in commands:
            pipe.execute_command(*command)
        return list(pipe.execute())


def fields(key: str, content: Mapping[str, bytes]) -> Iterator[Sequence[Any]]:
    """The commands that write a hash, in chunks."""
    flat = [part for name, value in content.items() for part in (blob(name), value)]
    for start in range(0, len(flat), 2 * _CHUNK):
        yield ("HSET", key, *flat[start : start + 2 * _CHUNK])


def life() -> str:
    """What tells one life of a world from the next of that name."""
    return f"{_SCHEMA}-{time.time_ns()}"


def blob(value: str) -> bytes:
    """A text as Redis keeps it."""
    return value.encode("utf-8", "surrogatepass")


def text(value: bytes) -> str:
    """The text that `blob` kept."""
    return value.decode("utf-8", "surrogatepass")

"""Checkpoints that need not be stored yet: if the process ends, the model is asked again for a message.

A checkpoint is stored before any other step than think() runs, and what such a step did before the next.
"""

from collections.abc import Sequence
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata

# The tasks of LangGraph whose results need not be kept, and the channels that start them.
REPEATABLE: Final = frozenset({"~__pregel_pull, __start__", "~__pregel_pull, think"})
_STARTS: Final = frozenset({"__start__", "branch:to:think"})


Put = tuple[RunnableConfig, Checkpoint, CheckpointMetadata, ChannelVersions]
Write = tuple[RunnableConfig, Sequence[tuple[str, Any]], str, str]


class Unsaved:
    """The last checkpoint of each namespace of a thread, with its writes. False if there is none."""

    def __init__(self) -> None:
        self._puts: dict[str, Put] = {}
        self._writes: list[Write] = []
        self._has_effects = False

    def __bool__(self) -> bool:
        return bool(self._puts or self._writes)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Take a checkpoint, in place of an earlier one that is not stored. Return what a saver returns."""
        at = config.get("configurable", {})
        namespace = at["checkpoint_ns"]
        if (earlier := self._puts.get(namespace)) is not None:
            config = earlier[0]
            new_versions = {**earlier[3], **new_versions}
        self._puts[namespace] = (config, checkpoint, metadata, new_versions)
        stored = {"thread_id": at["thread_id"], "checkpoint_ns": namespace, "checkpoint_id": checkpoint["id"]}
        return {"configurable": stored}

    def put_writes(self, write: Write) -> None:
        """Take the writes of a task that can be repeated."""
        self._writes.append(write)

    def expect_effects(self) -> None:
        """Another task than think() did something: the next checkpoint has its results, and cannot wait."""
        self._has_effects = True

    def can_wait(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint, which is the last one, need not be stored yet."""
        had_effects, self._has_effects = self._has_effects, False
        updated = checkpoint.get("updated_channels")
        # Fields of the state start no step.
        return (
            updated is not None
            and not had_effects
            and all(each in _STARTS for each in updated if each.startswith("__") or ":" in each)
        )

    async def save(self, saver: BaseCheckpointSaver[str]) -> tuple[dict[str, Put], list[Write]]:
        """Store all of it, and return what that was, for forget()."""
        puts, writes = dict(self._puts), list(self._writes)
        for config, checkpoint, metadata, versions in puts.values():
            current = checkpoint["channel_versions"]
            new = {name: version for name, version in versions.items() if current.get(name) == version}
            await saver.aput(config, checkpoint, metadata, new)
        last = {checkpoint["id"] for _, checkpoint, _, _ in puts.values()}
        for config, values, task_id, task_path in writes:
            # A later checkpoint has what the writes to an earlier one made of it.
            if not last or config.get("configurable", {}).get("checkpoint_id") in last:
                await saver.aput_writes(config, values, task_id, task_path)
        return puts, writes

    def forget(self, saved: tuple[dict[str, Put], list[Write]]) -> None:
        """Drop what is stored by now, and keep what came since."""
        puts, writes = saved
        self._puts = {name: put for name, put in self._puts.items() if puts.get(name) is not put}
        stored = {id(each) for each in writes}
        self._writes = [each for each in self._writes if id(each) not in stored]

"""What a call is made of: agent, models, options, room, outcome, recording.

References are taken on the audio loop; the maps are made on the sender's thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from etaoi_tui.sdk.livekit import private_api as inside
from etaoi_tui.sdk.serialize import snapshot

PROMPT_MODES = ("full", "digest", "off")
_PREVIEW = 1_024
_PARTICIPANTS = 32
_OPTION_MAPS = ("endpointing", "interruption", "preemptive_generation")
_OPTIONS = (
    "max_tool_steps",
    "user_away_timeout",
    "min_consecutive_speech_delay",
    "use_tts_aligned_transcript",
    "min_endpointing_delay",
    "max_endpointing_delay",
    "min_interruption_duration",
    "min_interruption_words",
    "allow_interruptions",
)


def setting_or_none(value: Any) -> Any:
    """Return a setting, or None where livekit-agents has its mark for "not given"."""
    return None if type(value).__name__ == "NotGiven" else value


def agent_context(session: Any, agent: Any, prompts: str) -> Callable[[], dict[str, Any]]:
    """Return a payload that tells an agent's instructions, models and tools.

    Args:
        session: the AgentSession, whose models an agent uses unless it has its own.
        agent: the Agent.
        prompts: ``full``, ``digest`` (the first 1,024 characters, length and hash) or ``off``.
    """
    parts = {
        part: setting_or_none(getattr(agent, part, None)) or getattr(session, part, None)
        for part in ("llm", "stt", "tts", "vad")
    }
    instructions = getattr(agent, "instructions", None)
    tools = list(getattr(agent, "tools", None) or ())

    def make() -> dict[str, Any]:
        fields: dict[str, Any] = {"mode": "realtime" if is_realtime(parts["llm"]) else "pipeline"}
        digest = instructions_digest(instructions, prompts)
        if digest is not None:
            fields["instructions"] = digest
        for name, part in parts.items():
            if part is not None:
                fields[name] = component(part)
        names = [tool_name(tool) for tool in tools]
        fields["tools"] = [name for name in names if name]
        return fields

    return make


def instructions_digest(instructions: Any, prompts: str) -> dict[str, Any] | None:
    """Return the preview, length, hash and, in ``full`` mode, text of an agent's instructions."""
    if prompts == "off" or instructions is None:
        return None
    text = instructions if isinstance(instructions, str) else str(instructions)
    if not text:
        return None
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    return {
        "preview": text[:_PREVIEW],
        "len": len(text),
        "hash": digest,
        "full": text if prompts == "full" else None,
    }


def is_realtime(model: Any) -> bool:
    """Whether a model hears and speaks by itself."""
    return any(base.__name__ == "RealtimeModel" for base in type(model).__mro__)


def component(part: Any) -> dict[str, str]:
    """Return the class, provider and model of a speech or language component."""
    fields = {"class": type(part).__name__}
    for name in ("provider", "model", "label"):
        value = getattr(part, name, None)
        if isinstance(value, str) and value and value != "unknown":
            fields[name] = value
    return fields


def model_of(session: Any, agent: Any) -> str:
    """Return the name of the model that an agent asks."""
    model = setting_or_none(getattr(agent, "llm", None)) or getattr(session, "llm", None)
    name = getattr(model, "model", None)
    if isinstance(name, str) and name and name != "unknown":
        return name
    return type(model).__name__ if model is not None else "llm_node"


def tool_name(tool: Any) -> str | None:
    """Return a tool's name, whatever livekit-agents' version keeps it in."""
    name = getattr(getattr(tool, "info", None), "name", None)
    if not isinstance(name, str):
        for mark in ("__livekit_tool_info", "__livekit_raw_tool_info"):
            name = getattr(getattr(tool, mark, None), "name", None)
            if isinstance(name, str):
                break
    if not isinstance(name, str):
        name = getattr(tool, "id", None) or getattr(tool, "__name__", None)
    return name if isinstance(name, str) else None


def room_of(session: Any) -> Any | None:
    """Return the room that a session talks in, None without one."""
    try:
        io = session.room_io
    except (AttributeError, RuntimeError):
        io = getattr(session, "_room_io", None)
    try:
        return io.room if io is not None else None
    except (AttributeError, RuntimeError):
        return None


def session_context(session: Any, *, userdata: bool) -> Callable[[], dict[str, Any]]:
    """Return a payload that tells room, participants, user data and the options that rule turn taking."""
    room = room_of(session)
    people = list(getattr(room, "remote_participants", {}).values())[:_PARTICIPANTS] if room else []
    try:
        data = snapshot(session.userdata) if userdata else None
    except ValueError:  # not set
        data = None
    options = getattr(session, "options", None)

    def make() -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if room is not None:
            fields["room_name"] = room.name
            fields["participants"] = [_participant(one) for one in people]
        if data is not None:
            fields["userdata"] = data
        settings: dict[str, Any] = {}
        for name in _OPTION_MAPS:
            value = getattr(options, name, None)
            if isinstance(value, dict):
                settings[name] = {key: setting_or_none(item) for key, item in value.items()}
        for name in _OPTIONS:
            value = getattr(options, name, None)
            if isinstance(value, bool | int | float):
                settings[name] = value
        if settings:
            fields["session_options"] = settings
        return {"session_context": fields}

    return make


def _participant(one: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"identity": one.identity, "name": one.name, "kind": str(one.kind)}
    if one.metadata:
        fields["metadata"] = one.metadata
    if one.attributes:
        fields["attributes"] = dict(one.attributes)
    return fields


def outcome() -> dict[str, Any] | None:
    """Return what the job's tagger says about the call: outcome, tags, verdicts; None for nothing."""
    tagger = getattr(inside.job_context(), "tagger", None)
    if tagger is None:
        return None
    fields: dict[str, Any] = {}
    if tagger.outcome:
        fields["outcome"] = tagger.outcome
    if tagger.outcome_reason:
        fields["outcome_reason"] = tagger.outcome_reason
    if tagger.tags:
        fields["tags"] = sorted(tagger.tags)
    if tagger.evaluations:
        fields["evaluations"] = [
            {name: one.get(name) for name in ("name", "verdict", "reasoning")} for one in tagger.evaluations
        ]
    return {"session_outcome": fields} if fields else None


def recording(session: Any) -> dict[str, Any] | None:
    """Return where the audio of a call lies on this machine, None when it is not recorded."""
    recorder = inside.recorder_of(session)
    if recorder is None:
        return None
    fields: dict[str, Any] = {"audio_status": "local_only"}
    if (path := inside.recording_path(recorder)) is not None:
        fields["local_path"] = path
    if (at := inside.recording_started_at(recorder)) is not None:
        fields["recording_started_at"] = at
    return {"audio_artifact": fields}

"""A loomcycle server in this process: the real RPCs, with runs that are written down beforehand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
from loomcycle import LoomcycleClient
from loomcycle._generated import loomcycle_pb2 as pb
from loomcycle._generated import loomcycle_pb2_grpc as pb_grpc


def event(kind: str, **fields: Any) -> Any:
    """An event of a run's stream."""
    return pb.Event(type=kind, **fields)


def use(name: str, id_: str, tool_input: Any = None) -> Any:
    return pb.ToolUse(
        id=id_, name=name, input=json.dumps(tool_input if tool_input is not None else {}).encode()
    )


def usage(took: int, gave: int, model: str = "m-1", read: int = 0, created: int = 0) -> Any:
    return pb.Usage(
        input_tokens=took,
        output_tokens=gave,
        model=model,
        cache_read_tokens=read,
        cache_creation_tokens=created,
    )


class Server(pb_grpc.LoomcycleServicer):
    """Plays ``scripts[agent]``: events, a float to wait, an asyncio.Event to wait for, or a refusal."""

    def __init__(self) -> None:
        self.scripts: dict[str, list[Any]] = {}
        self.sessions: dict[str, str] = {}
        self.agents: dict[str, Any] = {}
        self.transcripts: dict[str, list[Any]] = {}
        self.states: asyncio.Queue[Any] = asyncio.Queue()
        self.requests: list[str] = []
        self.runs = 0
        self.cancelled: list[str] = []
        self.batch_gate: asyncio.Event | None = None

    async def _play(self, agent: str, session_id: str, agent_id: str, context: Any) -> AsyncIterator[Any]:
        script = self.scripts[agent]
        if script and isinstance(script[0], tuple):
            await context.abort(*script[0])
        self.runs += 1
        run_id = f"run_{self.runs}"
        session_id = session_id or f"s_{self.runs}"
        agent_id = agent_id or f"a_{self.runs}"
        self.sessions[session_id] = agent
        yield event("session", text=session_id)
        ids = {"agent_id": agent_id, "run_id": run_id, "session_id": session_id, "parent_agent_id": ""}
        yield event("agent", text=agent_id, error=json.dumps(ids))
        try:
            for step in script:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, tuple):
                    await context.abort(*step)
                else:
                    yield step
        except asyncio.CancelledError:
            self.cancelled.append(run_id)
            raise

    async def Run(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.requests.append(f"Run {request.agent}")
        async for step in self._play(request.agent, request.session_id, request.agent_id, context):
            yield step

    async def Continue(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.requests.append(f"Continue {request.session_id}")
        agent = self.sessions.get(request.session_id)
        if agent is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "session not found")
        async for step in self._play(agent or "", request.session_id, request.agent_id, context):
            yield step

    async def StartConfiguredRun(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.requests.append(f"StartConfiguredRun {request.run_id}")
        async for step in self._play("configured", "", "", context):
            yield step

    async def StreamRun(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.requests.append(f"StreamRun {request.run_id}")
        for step in self.scripts["attached"]:
            yield step

    async def SpawnRunBatch(self, request: Any, context: Any) -> Any:
        results = []
        for number, spawn in enumerate(request.spawns):
            failed = spawn.agent == "bad"
            results.append(
                pb.SpawnResult(
                    agent_id=f"ba_{number}",
                    run_id=f"brun_{number}",
                    session_id=f"bs_{number}",
                    status="failed" if failed else "completed",
                    stop_reason="" if failed else "end_turn",
                    final_text="" if failed else f"{spawn.agent} did it",
                    error="it broke" if failed else "",
                    usage=None if failed else usage(5, 6),
                )
            )
        if self.batch_gate is not None:
            await self.batch_gate.wait()
        return pb.BatchSpawnResult(spawned=len(results), results=results)

    async def Decide(self, request: Any, context: Any) -> Any:
        answer = json.dumps({"type": "noul", "noul": 0.9}).encode()
        took = {"input_tokens": 7, "output_tokens": 1}
        answers = {"sure": answer}
        return pb.DecideResponse(model="judge", served_model="judge-2", answers=answers, usage=took)

    async def RunInput(self, request: Any, context: Any) -> Any:
        return pb.RunInputResponse(run_id=request.run_id, delivered=True)

    async def PauseRuntime(self, request: Any, context: Any) -> Any:
        return pb.PauseRuntimeResponse(status="paused")

    async def ResumeRuntime(self, request: Any, context: Any) -> Any:
        return pb.ResumeRuntimeResponse(status="running")

    async def StreamUserRunStates(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.requests.append(f"StreamUserRunStates {request.user_id}")
        while (state := await self.states.get()) is not None:
            yield state

    async def ListUserAgents(self, request: Any, context: Any) -> Any:
        agents = [
            agent
            for agent in self.agents.values()
            if agent.user_id == request.user_id and request.status in ("", agent.status)
        ]
        return pb.ListUserAgentsResponse(agents=agents)

    async def ListChildRuns(self, request: Any, context: Any) -> Any:
        above = [agent.agent_id for agent in self.agents.values() if agent.run_id == request.parent_run_id]
        children = [agent for agent in self.agents.values() if agent.parent_agent_id in above]
        return pb.ListChildRunsResponse(agents=children)

    async def GetAgent(self, request: Any, context: Any) -> Any:
        if request.agent_id not in self.agents:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no run found for agent_id")
        return self.agents[request.agent_id]

    async def GetTranscript(self, request: Any, context: Any) -> Any:
        if request.session_id not in self.transcripts:
            await context.abort(grpc.StatusCode.NOT_FOUND, "session not found")
        return pb.Transcript(events=self.transcripts[request.session_id])

    def store(self, session_id: str, run_id: str, entries: list[tuple[float, str, Any]]) -> None:
        """Put a transcript: (seconds since the epoch, type, payload)."""
        stored = self.transcripts.setdefault(session_id, [])
        for at, kind, payload in entries:
            entry = pb.TranscriptEvent(
                seq=len(stored) + 1,
                session_id=session_id,
                run_id=run_id,
                type=kind,
                payload=json.dumps(payload).encode(),
            )
            entry.ts.FromMilliseconds(int(at * 1000))
            stored.append(entry)

    def add_agent(
        self,
        agent_id: str,
        run_id: str,
        session_id: str,
        *,
        parent: str = "",
        status: str = "completed",
        user_id: str = "u1",
        name: str = "",
        started: float = 1_700_000_000.0,
    ) -> None:
        """Put an agent's record."""
        agent = pb.Agent(
            agent_id=agent_id,
            run_id=run_id,
            session_id=session_id,
            user_id=user_id,
            parent_agent_id=parent,
            status=status,
        )
        if "agent" in pb.Agent.DESCRIPTOR.fields_by_name:
            agent.agent = name
        agent.started_at.FromMilliseconds(int(started * 1000))
        self.agents[agent_id] = agent


async def serve() -> tuple[Server, Any, LoomcycleClient]:
    """Start a server on a free port and connect a client to it."""
    server = grpc.aio.server()
    played = Server()
    pb_grpc.add_LoomcycleServicer_to_server(played, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return played, server, LoomcycleClient(target=f"127.0.0.1:{port}", auth_token="SECRET-auth-token")

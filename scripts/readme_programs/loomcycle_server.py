"""A loomcycle server in the program's own process, and a client of it: what the lines for loomcycle need."""

import asyncio
import json

import grpc.aio
from loomcycle import LoomcycleClient
from loomcycle._generated import loomcycle_pb2 as pb
from loomcycle._generated import loomcycle_pb2_grpc as pb_grpc

IDS = {"agent_id": "agent-1", "run_id": "run-1", "session_id": "session-3", "parent_agent_id": ""}
SEGMENTS = [{"role": "user", "content": [{"type": "trusted-text", "text": "hi"}]}]


class Server(pb_grpc.LoomcycleServicer):
    async def Run(self, request, context):
        yield pb.Event(type="session", text=IDS["session_id"])
        yield pb.Event(type="agent", text=IDS["agent_id"], error=json.dumps(IDS))
        yield pb.Event(type="started")
        yield pb.Event(type="text", text="hello")
        yield pb.Event(type="done", stop_reason="end_turn")

    async def ListUserAgents(self, request, context):
        return pb.ListUserAgentsResponse()

    async def ListChildRuns(self, request, context):
        return pb.ListChildRunsResponse()

    async def StreamUserRunStates(self, request, context):
        for status in ("running", "completed"):
            yield pb.RunStateEvent(
                run_id="run-2", agent_id="agent-2", agent="helper", user_id="user-7", status=status
            )
        await asyncio.sleep(60)

    async def GetTranscript(self, request, context):
        transcript = (("started", {"type": "started"}), ("text", {"type": "text", "text": "hello"}))
        transcript += (("done", {"type": "done", "stop_reason": "end_turn"}),)
        events = [
            pb.TranscriptEvent(
                seq=number,
                session_id="session-3",
                run_id="run-1",
                type=kind,
                payload=json.dumps(payload).encode(),
            )
            for number, (kind, payload) in enumerate(transcript)
        ]
        return pb.Transcript(events=events)


async def serve():
    server = grpc.aio.server()
    pb_grpc.add_LoomcycleServicer_to_server(Server(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, LoomcycleClient(target=f"127.0.0.1:{port}")

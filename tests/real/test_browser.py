"""A page of another origin in a real browser: it can neither write to the collector nor read from it."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from etaoi_collector.collector import Collector, CollectorOptions, Record

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.real_clients,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
]

PAGE = """<!doctype html><title>a page</title><pre id="told">nothing</pre>
<iframe name="hole"></iframe>
<form id="form" target="hole" method="post" enctype="text/plain" action="COLLECTOR/v1/traces">
<input name='{"resourceSpans":' value='[]}'></form>
<script>
const where = 'COLLECTOR';
const spans = JSON.stringify({resourceSpans: [{scopeSpans: [{spans: [{
  traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'written by a page',
  startTimeUnixNano: '1', endTimeUnixNano: '2'}]}]}]});
const parts = () => {
  const form = new FormData();
  const id = 'c4f1a1de-0000-4000-8000-000000000001';
  form.append(`post.${id}`, new Blob([JSON.stringify({
    id, trace_id: id, name: 'written by a page', run_type: 'chain', start_time: '2026-01-01T00:00:00Z'})]));
  return form;
};
const ways = {
  'traces, text': () => fetch(`${where}/v1/traces`, {method: 'POST', mode: 'no-cors', body: spans}),
  'traces, JSON': () => fetch(`${where}/v1/traces`, {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: spans}),
  'traces, bytes': () => fetch(`${where}/v1/traces`, {
    method: 'POST', mode: 'no-cors', body: new Uint8Array(3)}),
  'runs': () => fetch(`${where}/runs/multipart`, {method: 'POST', mode: 'no-cors', body: parts()}),
  'events': () => fetch(`${where}/ingest`, {method: 'POST', mode: 'no-cors', body: '[]'}),
  'who': async () => (await fetch(`${where}/healthz`)).text(),
  'stream': async () => (await fetch(`${where}/sse/sessions/all`)).text(),
  'beacon': async () => { navigator.sendBeacon(`${where}/v1/traces`, spans); return {type: 'opaque'}; },
  'events of the stream': () => new Promise((yes, no) => {
    const source = new EventSource(`${where}/sse/sessions/all`);
    source.onopen = () => yes('open'); source.onerror = () => no('refused');
  }),
  'socket': () => new Promise((yes, no) => {
    const socket = new WebSocket(`${where.replace('http', 'ws')}/ingest`);
    socket.onopen = () => yes('open'); socket.onerror = () => no('refused');
  }),
  'script': () => new Promise((yes, no) => {
    const script = document.createElement('script');
    script.src = `${where}/healthz`;
    script.onload = () => yes('loaded'); script.onerror = () => no('refused');
    document.body.append(script);
  }),
};
const told = {};
document.getElementById('form').submit();
for (const [name, way] of Object.entries(ways)) {
  try {
    const answer = await way();
    told[name] = typeof answer === 'string' ? answer : answer.type;
  } catch (error) { told[name] = 'refused'; }
}
fetch('/told', {method: 'POST', body: JSON.stringify(told)});
</script>"""


class Site(BaseHTTPRequestHandler):
    """Serves the page, and takes what it reports."""

    collector = ""
    answers: dict[str, str] | None = None
    has_answers = threading.Event()

    def do_GET(self) -> None:
        """Serve the page."""
        body = (
            PAGE.replace("<script>", '<script type="module">').replace("COLLECTOR", self.collector).encode()
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Take what the page reports."""
        Site.answers = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.has_answers.set()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def site(collector: str) -> Iterator[str]:
    """Serve the page; yields its URL."""
    Site.collector, Site.answers = collector, None
    Site.has_answers.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_page_of_another_origin_neither_writes_nor_reads(tmp_path: Path) -> None:
    options = CollectorOptions(port=0, record=Record.NONE, state=tmp_path, watched=False)
    with Collector(options) as collector:
        where = f"http://{urlsplit(collector.endpoint).netloc}"
        with site(where) as page:
            browser = subprocess.Popen(
                [
                    str(CHROMIUM),
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    f"--user-data-dir={tmp_path / 'profile'}",
                    page,
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                assert Site.has_answers.wait(200), "the page reported nothing"
            finally:
                browser.terminate()
                browser.wait(30)
        answers = Site.answers
        assert answers is not None and len(answers) == 11
        # A page never learns more of a request without CORS than that there was an answer.
        assert {name: answer for name, answer in answers.items() if answer not in ("refused", "opaque")} == {}
        assert (
            answers["who"]
            == answers["stream"]
            == answers["socket"]
            == answers["events of the stream"]
            == "refused"
        )
        stats = collector.stats()
        assert (stats.frames, stats.events, stats.clients) == (0, 0, 0)
        assert stats.turned_away >= 10 and "Web pages may not connect" in stats.turned_away_why

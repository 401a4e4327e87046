'use strict';
// Runs first in every Node program below `etaoi-tui run`. It adds a processor to the tracer provider that the
// program registers with @opentelemetry/api, so that spans are told when they start and when they end; the
// program's own processors and exporters are untouched. CommonJS, because --require works in every version of
// Node and for both kinds of modules, while an older Node refuses to start with --import.

const endpoint = process.env.ETAOI_TUI_RUN;
const API = Symbol.for('opentelemetry.js.api.1');
const GATHER = 20; // milliseconds for which spans are gathered
const TRY_AGAIN = 2000; // milliseconds after which a viewer that was not there is looked for again
const MOST = 20000; // spans that may wait

if (endpoint) {
  try {
    begin();
  } catch {
    // the program is more important than the view of it
  }
}

function begin() {
  // The processor does what these were set for, and the program's own exporter is not to be led here.
  for (const name of (process.env.ETAOI_TUI_RUN_VARIABLES || '').split(' ')) {
    if (name.startsWith('OTEL_')) delete process.env[name];
  }
  const {request, Agent} = require('http'); // held before instrumentation puts its own in its place
  const agent = new Agent({keepAlive: true, maxSockets: 1});
  const {randomBytes} = require('crypto');
  const target = new URL(endpoint);
  let waiting = [];
  let timer = null;
  let busy = false;
  let goneUntil = 0;

  function put(event) {
    if (waiting.length >= MOST || Date.now() < goneUntil) return;
    waiting.push(event);
    if (timer === null && !busy) {
      timer = setTimeout(send, GATHER);
      timer.unref();
    }
  }

  function send() {
    timer = null;
    if (busy || waiting.length === 0) return;
    const events = waiting;
    waiting = [];
    let body;
    try {
      body = Buffer.from(encode(events, randomBytes));
    } catch {
      return;
    }
    busy = true;
    const headers = {'Content-Type': 'application/json', 'Content-Length': body.length,
                     'User-Agent': `etaoi-tui-run/${process.pid} node`};
    if (process.env.ETAOI_TUI_RUN_TOKEN) headers['X-Etaoi-Project-Token'] = process.env.ETAOI_TUI_RUN_TOKEN;
    const sending = request({host: target.hostname.replace(/^\[|\]$/g, ''), port: target.port, method: 'POST',
                             path: '/v1/traces', headers, agent, timeout: 2000}, (answer) => {
      answer.resume();
      answer.on('end', () => done(false));
    });
    sending.on('socket', (socket) => socket.unref());
    sending.on('timeout', () => sending.destroy());
    sending.on('error', () => done(true));
    sending.end(body);
  }

  function done(failed) {
    if (!busy) return;
    busy = false;
    if (failed) {
      goneUntil = Date.now() + TRY_AGAIN;
      waiting = [];
    }
    if (waiting.length) send();
  }

  // What is left when the program has nothing more to do; this one time it waits for the viewer.
  process.on('beforeExit', () => {
    if (waiting.length === 0 && !busy) return;
    const hold = setInterval(() => {
      if (waiting.length === 0 && !busy) clearInterval(hold);
      else if (!busy) send();
    }, 5);
    setTimeout(() => clearInterval(hold), 1000).unref();
    if (!busy) send();
  });

  const processor = {
    onStart(span) { put({span, start: {...span.attributes}}); },
    onEnd(span) { put({span, start: null}); },
    onEnding() {},
    forceFlush() { send(); return Promise.resolve(); },
    shutdown() { send(); return Promise.resolve(); },
  };
  watch((provider) => addTo(provider, processor));
}

// Tell of each provider that the program registers. @opentelemetry/api keeps what is registered in one object
// of the global scope, which every copy of the package shares.
function watch(found) {
  let held;
  Object.defineProperty(globalThis, API, {
    configurable: true,
    enumerable: false,
    get() { return held; },
    set(value) {
      held = value;
      if (value && typeof value === 'object') watchTrace(value, found);
    },
  });
}

function watchTrace(registered, found) {
  let trace = registered.trace;
  Object.defineProperty(registered, 'trace', {
    configurable: true,
    enumerable: true,
    get() { return trace; },
    set(proxy) {
      trace = proxy;
      try {
        const set = proxy && proxy.setDelegate;
        if (typeof set !== 'function') {
          if (proxy) found(proxy);
          return;
        }
        proxy.setDelegate = function setDelegate(provider) {
          set.call(this, provider);
          try { found(provider); } catch { /* then nothing is shown of it */ }
        };
        if (proxy._delegate) found(proxy._delegate);
      } catch { /* then nothing is shown of it */ }
    },
  });
}

const watched = new WeakSet();

function addTo(provider, processor) {
  if (!provider || watched.has(provider)) return;
  watched.add(provider);
  const active = provider._activeSpanProcessor;
  if (active && Array.isArray(active._spanProcessors)) active._spanProcessors.push(processor);
  else if (typeof provider.addSpanProcessor === 'function') provider.addSpanProcessor(processor);
}

function encode(events, randomBytes) {
  const ended = new Set();
  for (const {span, start} of events) if (start === null) ended.add(span.spanContext().spanId);
  const resourceSpans = [];
  for (const {span, start} of events) {
    if (start !== null && ended.has(span.spanContext().spanId)) continue;
    const scope = span.instrumentationScope || span.instrumentationLibrary || {name: ''};
    resourceSpans.push({
      resource: {attributes: attributes(span.resource && span.resource.attributes)},
      scopeSpans: [{scope: {name: scope.name, version: scope.version || ''},
                    spans: [start === null ? endedSpan(span) : pendingSpan(span, start, randomBytes)]}],
    });
  }
  return JSON.stringify({resourceSpans});
}

function parentOf(span) {
  return span.parentSpanId || (span.parentSpanContext && span.parentSpanContext.spanId) || '';
}

function nanos(time) {
  return String(BigInt(time[0]) * 1000000000n + BigInt(Math.round(time[1])));
}

function endedSpan(span) {
  const {traceId, spanId} = span.spanContext();
  return {
    traceId, spanId, parentSpanId: parentOf(span), name: span.name, kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime), endTimeUnixNano: nanos(span.endTime),
    attributes: attributes(span.attributes),
    events: (span.events || []).map((event) => ({name: event.name, timeUnixNano: nanos(event.time),
                                                 attributes: attributes(event.attributes)})),
    status: {code: span.status ? span.status.code : 0, message: (span.status && span.status.message) || ''},
  };
}

// Logfire's form of a start: a span that hangs on the real one, which the viewer reads.
function pendingSpan(span, start, randomBytes) {
  const {traceId, spanId} = span.spanContext();
  const told = {...start, 'logfire.span_type': 'pending_span',
                'logfire.pending_parent_id': parentOf(span) || '0000000000000000'};
  const at = nanos(span.startTime);
  return {traceId, spanId: randomBytes(8).toString('hex'), parentSpanId: spanId, name: span.name,
          kind: span.kind + 1, startTimeUnixNano: at, endTimeUnixNano: at, attributes: attributes(told)};
}

function attributes(given) {
  return Object.entries(given || {}).filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => ({key, value: anyValue(value)}));
}

function anyValue(value) {
  if (typeof value === 'boolean') return {boolValue: value};
  if (typeof value === 'number') return Number.isInteger(value) ? {intValue: value} : {doubleValue: value};
  if (typeof value === 'bigint') return {intValue: String(value)};
  if (Array.isArray(value)) return {arrayValue: {values: value.filter((one) => one != null).map(anyValue)}};
  if (value && typeof value === 'object') return {kvlistValue: {values: attributes(value)}};
  return {stringValue: String(value)};
}

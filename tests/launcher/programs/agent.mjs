// Run below the launcher: a program that traces itself by OpenTelemetry's SDK, and exports to its own memory.
import {trace} from '@opentelemetry/api';
import {NodeTracerProvider} from '@opentelemetry/sdk-trace-node';
import {InMemorySpanExporter, SimpleSpanProcessor} from '@opentelemetry/sdk-trace-base';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({spanProcessors: [new SimpleSpanProcessor(exporter)]});
provider.register();
const tracer = trace.getTracer('my.agent');
await tracer.startActiveSpan('invoke_agent helper', {attributes: {'gen_ai.operation.name': 'invoke_agent'}},
  async (agent) => {
    await tracer.startActiveSpan('chat m',
      {attributes: {'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm'}}, async (call) => {
        call.setAttributes({'gen_ai.usage.input_tokens': 12, 'gen_ai.usage.output_tokens': 3});
        call.end();
      });
    if (process.argv[2] === 'die') {
      await new Promise((resolve) => setTimeout(resolve, 500));
      process.exit(3);
    }
    agent.end();
  });
console.log(JSON.stringify({
  exported: exporter.getFinishedSpans().map((span) => span.name),
  endpoint: process.env.OTEL_EXPORTER_OTLP_ENDPOINT || null,
}));

// row: OpenTelemetry in JavaScript: AI SDK, Mastra ...
// needs: @opentelemetry/api @opentelemetry/sdk-trace-node
// expects: sub_agent llm
import {trace} from '@opentelemetry/api';
import {NodeTracerProvider} from '@opentelemetry/sdk-trace-node';

new NodeTracerProvider().register();
const tracer = trace.getTracer('agent');
tracer.startActiveSpan('invoke_agent a', {attributes: {'gen_ai.operation.name': 'invoke_agent'}}, (agent) => {
  tracer.startActiveSpan('chat m', {attributes: {'gen_ai.operation.name': 'chat'}}, (call) => call.end());
  agent.end();
});

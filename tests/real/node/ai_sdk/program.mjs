// An agent of the AI SDK, whose model is the SDK's own fake: a call of a tool, an answer, and a stream.
import {setTimeout as pause} from 'node:timers/promises';
import {OpenTelemetry} from '@ai-sdk/otel';
import {OTLPTraceExporter} from '@opentelemetry/exporter-trace-otlp-http';
import {BatchSpanProcessor, NodeTracerProvider} from '@opentelemetry/sdk-trace-node';
import {ToolLoopAgent, isStepCount, jsonSchema, registerTelemetry, streamText, tool} from 'ai';
import {MockLanguageModelV4, simulateReadableStream} from 'ai/test';

const [way] = process.argv.slice(2);
const provider = new NodeTracerProvider(
  way === 'exported' ? {spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())]} : {});
provider.register();
registerTelemetry(new OpenTelemetry());

const usage = (input, cached, output) => ({
  inputTokens: {total: input, noCache: input - cached, cacheRead: cached, cacheWrite: undefined},
  outputTokens: {total: output, text: output, reasoning: undefined},
});
const finished = (reason) => ({unified: reason, raw: reason});
const model = new MockLanguageModelV4({
  provider: 'fake', modelId: 'fake-1',
  doGenerate: [
    {
      content: [{type: 'tool-call', toolCallId: 'call-1', toolName: 'look', input: '{"where":"Paris"}'}],
      finishReason: finished('tool-calls'), usage: usage(40, 30, 7), warnings: [],
    },
    {
      content: [{type: 'text', text: 'It is not there.'}],
      finishReason: finished('stop'), usage: usage(60, 40, 5), warnings: [],
    },
  ],
  doStream: {
    stream: simulateReadableStream({
      chunks: [
        {type: 'text-start', id: '1'}, {type: 'text-delta', id: '1', delta: 'Good '},
        {type: 'text-delta', id: '1', delta: 'bye.'}, {type: 'text-end', id: '1'},
        {type: 'finish', finishReason: finished('stop'), usage: usage(9, 0, 2)},
      ],
      chunkDelayInMs: 20,
    }),
  },
});
const look = tool({
  description: 'Look somewhere.',
  inputSchema: jsonSchema({type: 'object', properties: {where: {type: 'string'}}, required: ['where']}),
  execute: async ({where}) => {
    if (way === 'die') {
      await pause(500);
      process.exit(3);
    }
    await pause(400);
    return `nothing in ${where}`;
  },
});

const agent = new ToolLoopAgent({
  id: 'finder', model, tools: {look}, instructions: 'Be brief.', stopWhen: isStepCount(3),
  telemetry: {functionId: 'finder'},
});
const {text} = await agent.generate({prompt: 'Where is it?'});
if (text !== 'It is not there.') throw new Error(`a wrong answer: ${text}`);
const streamed = streamText({model, prompt: 'Good bye.', telemetry: {functionId: 'leaver'}});
if (await streamed.text !== 'Good bye.') throw new Error('a wrong stream');
await provider.shutdown();

// An agent, its model call and its tool, noted by hand with Langfuse's SDK.
import {setTimeout as pause} from 'node:timers/promises';
import {LangfuseSpanProcessor} from '@langfuse/otel';
import {propagateAttributes, startActiveObservation} from '@langfuse/tracing';
import {NodeTracerProvider} from '@opentelemetry/sdk-trace-node';

const provider = new NodeTracerProvider({spanProcessors: [new LangfuseSpanProcessor()]});
provider.register();
await propagateAttributes({sessionId: 'chat-7', userId: 'ada'}, () =>
  startActiveObservation('helper', async (agent) => {
    agent.update({input: 'Where is it?'});
    await startActiveObservation('answering', async (call) => {
      call.update({
        model: 'm', input: [{role: 'user', content: 'Where is it?'}], output: {role: 'assistant', content: 'Look.'},
        usageDetails: {input: 12, input_cached_tokens: 100, output: 5},
      });
    }, {asType: 'generation'});
    await startActiveObservation('look', async (tool) => {
      tool.update({input: {where: 'Paris'}, output: 'nothing'});
      await pause(5);
    }, {asType: 'tool'});
    await startActiveObservation('fail', async (tool) => {
      tool.update({level: 'ERROR', statusMessage: 'nobody is there'});
    }, {asType: 'tool'});
    agent.update({output: 'It is not there.'});
  }, {asType: 'agent'}));
await provider.shutdown();

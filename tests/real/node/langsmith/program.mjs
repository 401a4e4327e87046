// A graph of LangGraph below a function that LangSmith traces; both are told by LangSmith's own client.
import {setTimeout as pause} from 'node:timers/promises';
import {awaitAllCallbacks} from '@langchain/core/callbacks/promises';
import {AIMessage} from '@langchain/core/messages';
import {tool} from '@langchain/core/tools';
import {FakeListChatModel} from '@langchain/core/utils/testing';
import {MessagesAnnotation, StateGraph} from '@langchain/langgraph';
import {Client} from 'langsmith';
import {traceable} from 'langsmith/traceable';

const model = new FakeListChatModel({responses: ['Look in Paris.']});
const look = tool(async ({where}) => {
  await pause(1500);
  return `nothing in ${where}`;
}, {
  name: 'look', description: 'Look somewhere.',
  schema: {type: 'object', properties: {where: {type: 'string'}}, required: ['where']},
});
const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async (state) => ({messages: [await model.invoke(state.messages)]}))
  .addNode('tools', async () => ({messages: [new AIMessage(await look.invoke({where: 'Paris'}))]}))
  .addEdge('__start__', 'model').addEdge('model', 'tools').addEdge('tools', '__end__')
  .compile({name: 'finder'});

const client = new Client();
const find = traceable(async (question) => {
  const {messages} = await graph.invoke({messages: [['user', question]]});
  return messages.at(-1).text;
}, {name: 'find', client});
const answer = await find('Where is it?');
if (answer !== 'nothing in Paris') throw new Error(`a wrong answer: ${answer}`);
await awaitAllCallbacks();
await client.awaitPendingTraceBatches();

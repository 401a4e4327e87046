// row: LangChain, LangGraph or LangSmith in JavaScript
// needs: @langchain/core
// expects: llm middleware
import {FakeListChatModel} from '@langchain/core/utils/testing';
import {RunnableLambda} from '@langchain/core/runnables';
import {awaitAllCallbacks} from '@langchain/core/callbacks/promises';

const agent = new FakeListChatModel({responses: ['four words it says']})
  .pipe(RunnableLambda.from((answer) => answer.content.length));
if (await agent.invoke('go') !== 18) throw new Error('a wrong answer');
await awaitAllCallbacks();
await new Promise((resolve) => setTimeout(resolve, 1000));

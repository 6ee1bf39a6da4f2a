/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import { WebClient } from '@slack/web-api';
import { expect, onTestFinished, test } from 'vitest';
import { startWorkspace } from './start-workspace.ts';

const at = { channel: 'C0123INCIDENT' };

/** A client that tries once and returns what happened, like a queue's worker. */
async function open() {
  const workspace = await startWorkspace({
    app: { delivery: 'socket', signingSecret: 's', botToken: 'xoxb', appToken: 'xapp' },
  });
  onTestFinished(workspace.close);
  const client = new WebClient('xoxb', {
    slackApiUrl: workspace.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: {
      ...console,
      debug() {},
      info() {},
      warn() {},
      error() {},
      setLevel() {},
      getLevel: () => 'error' as never,
      setName() {},
    },
  });
  const post = (text: string, channel = at.channel) => client.chat.postMessage({ channel, text });
  const texts = (channel = at.channel) => workspace.messages(channel).map(({ text }) => text);
  return { workspace, client, post, texts };
}

test('a rate limit returns its seconds, the given number of times, for its method only', async () => {
  const { workspace, client, post, texts } = await open();
  workspace.faults.rateLimit('chat.postMessage', { retryAfterSeconds: 7, times: 2 });

  await expect(post('one')).rejects.toMatchObject({ retryAfter: 7 });
  await client.auth.test();
  await expect(post('two')).rejects.toMatchObject({ retryAfter: 7 });
  await post('three');

  expect(texts()).toEqual(['three']);
  expect(workspace.requests.map(({ method, status }) => `${method} ${status}`)).toEqual([
    'chat.postMessage 429',
    'auth.test 200',
    'chat.postMessage 429',
    'chat.postMessage 200',
  ]);
});

test('an outage executes nothing; a lost response was executed', async () => {
  const { workspace, post, texts } = await open();
  workspace.faults.serverError('*', { status: 502, times: 1 });
  workspace.faults.loseAnswer('chat.postMessage');

  await expect(post('never arrives')).rejects.toMatchObject({ statusCode: 502 });
  workspace.faults.loseAnswer('chat.postMessage');
  await expect(post('arrives')).rejects.toMatchObject({ code: 'slack_webapi_request_error' });

  expect(texts()).toEqual(['arrives']);
  expect(workspace.requests.at(-1)).toMatchObject({ isLost: true, response: { ok: true } });
});

test('a slow method delays only its own calls', async () => {
  const { workspace, post, texts } = await open();
  workspace.faults.slow('chat.postMessage', { ms: 60_000, times: 1 });

  const late = post('slow');
  await workspace.waitFor(() => workspace.faults.active().length === 0);
  await post('quick');

  expect(texts()).toEqual(['quick']);
  await workspace.close();
  await expect(late).rejects.toMatchObject({ code: 'slack_webapi_request_error' });
});

test('limits each channel to one message per second, with bursts, independently of other channels', async () => {
  const { workspace, post } = await open();
  workspace.faults.paceLikeSlack(true);

  for (const text of ['1', '2', '3']) await post(text);
  await expect(post('4')).rejects.toMatchObject({ retryAfter: 1 });
  await post('elsewhere', 'C0123PLATFORM');
});

test('a bot that was removed from a channel can no longer post', async () => {
  const { workspace, post } = await open();
  workspace.setBotMembership(at.channel, false);

  await expect(post('x')).rejects.toMatchObject({ data: { error: 'not_in_channel' } });
});

test('a wait that times out names what it waited for', async () => {
  const { workspace } = await open();

  const waiting = workspace.waitFor(() => workspace.messages('C0123INCIDENT')[0], { timeoutMs: 10 });

  await expect(waiting).rejects.toThrow('not found within 10 ms: () => workspace.messages(');
});

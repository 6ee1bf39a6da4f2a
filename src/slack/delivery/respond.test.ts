import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeLog } from '../../telemetry/log.ts';
import { respondInChannel } from './respond.ts';
import { allowSlackUrls } from './response-url.ts';

let servers: Server[];
let log: string[];
beforeEach(() => {
  servers = [];
  log = [];
});
afterEach(async () => {
  for (const server of servers) await new Promise((done) => server.close(done).closeAllConnections());
});

/** A server, and the bodies that were posted to it. */
async function listen(answer: RequestListener = (_, response) => response.end('ok')) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function answerTo(responseUrl: string, apiUrl: string) {
  const asked = {
    by: 'U0123ADA',
    teamId: 'T0123',
    channelId: 'C0123',
    as: '/lab broken',
    at: new Date().toISOString(),
    responseUrl,
  };
  return respondInChannel(
    asked,
    { text: 'found', blocks: [] },
    {
      isSlackUrl: allowSlackUrls(apiUrl),
      log: makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } }),
    },
  );
}

test('an answer is posted to Slack', async () => {
  const slack = await listen();

  expect(await answerTo(`${slack.origin}/commands/1`, `${slack.origin}/api/`)).toBe(true);
  expect(slack.asked).toEqual(['/commands/1']);
});

test('an answer is not posted to any other host, and the warning names only the host', async () => {
  const [slack, other] = [await listen(), await listen()];
  const url = `${other.origin}/commands/secret-part`;

  expect(await answerTo(url, `${slack.origin}/api/`)).toBe(false);

  expect([...slack.asked, ...other.asked]).toEqual([]);
  expect(log.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, host: new URL(url).host, msg: expect.stringContaining('response_url') },
  ]);
  expect(log.join('')).not.toContain('secret-part');
});

test('a redirect is not followed', async () => {
  const other = await listen();
  const slack = await listen((_, response) =>
    response.writeHead(307, { location: `${other.origin}/stolen` }).end(),
  );

  await expect(answerTo(`${slack.origin}/commands/1`, `${slack.origin}/api/`)).rejects.toThrow(
    'fetch failed',
  );
  expect(other.asked).toEqual([]);
});

import { expect, test } from 'vitest';
import type { HttpQuestion, Recordable, SourceRecorder } from '../../ports/recorder.ts';
import { serveManagement } from '../../../test/world/rabbitmq/served-management.ts';
import { queueObject } from '../../../test/world/rabbitmq/served-queues.ts';
import { rabbitmqConfig } from './config.ts';
import { openRabbitmq } from './open.ts';

test('records what is read, and neither the password nor anything else', async () => {
  const node = await serveManagement({
    overview: { listeners: [{ ip_address: 'unread' }] },
    nodes: [{ name: 'rabbit@ctl-1', running: true, mem_used: 5, config_files: ['unread'] }],
    memory: { 'rabbit@ctl-1': { total: { rss: 5 }, strategy: 'rss', binary: 4 } },
    alarms: [{ node: 'rabbit@ctl-1', resource: 'memory' }],
    queues: [
      queueObject('orders', {
        arguments: { 'x-max-length': 7, 'x-secret': 'unread' },
        owner_pid_details: 'unread',
      }),
    ],
  });
  const recorded: unknown[] = [];
  const recorder: SourceRecorder = {
    http: async <Question extends HttpQuestion>(
      question: Question,
      send: (
        question: Question,
      ) => Promise<{ status: number; text: string; headers: Record<string, string> }>,
      recordable: Recordable = (body) => body,
    ) => {
      const answer = await send(question);
      const body = recordable(JSON.parse(answer.text));
      recorded.push(body);
      // What a replay would return.
      return { ...answer, text: JSON.stringify(body) };
    },
    certificate: (_, read) => read(),
    observe: (_, observe) => observe(),
  };
  const user = { username: 'wrench', password: 'wrench-password' };
  const source = openRabbitmq(rabbitmqConfig.parse({ kind: 'rabbitmq', urls: [node.url], user }), recorder);
  const query = { endpoint: node.url, signal: new AbortController().signal };
  const broker = source.reads.brokers!;

  expect(await broker.overview(query)).toMatchObject({
    version: '3.10.8',
    cluster: 'os',
    hasStatistics: true,
  });
  expect(await broker.nodes(query)).toEqual([{ name: 'rabbit@ctl-1', isRunning: true, memoryBytes: 5 }]);
  expect(await broker.memory({ ...query, node: 'rabbit@ctl-1' })).toEqual({
    usedBytes: 5,
    parts: { binary: 4 },
  });
  expect(await broker.alarms(query)).toHaveLength(1);
  const queues = [];
  for await (const page of broker.queues(query)) queues.push(...page);
  expect(queues).toMatchObject([{ name: 'orders', maxLength: 7, consumers: 1 }]);
  expect(JSON.stringify(recorded)).not.toMatch(/unread|wrench-password/);

  await source.close();
  await node.close();
});

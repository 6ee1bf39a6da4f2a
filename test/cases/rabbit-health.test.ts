import { describe, expect, test } from 'vitest';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { readCaseFile, type SpokenAnswer } from './case-file.ts';

/** Inputs rebuilt from public reports, and variations of them, through the management API on loopback. */

type Json = Record<string, unknown>;
type Changed = (answer: SpokenAnswer) => SpokenAnswer | undefined;

/** A case with changed answers; undefined leaves one out. */
async function askVariation(name: string, change: Changed): Promise<CaseVerdict> {
  const file = await readCaseFile(new URL(`rabbit/${name}.json`, import.meta.url).pathname);
  return askCase({ ...file, spoken: (file.spoken ?? []).flatMap((one) => change(one) ?? []) });
}

function onNodes(change: (node: Json) => Json): Changed {
  return (answer) =>
    answer.ask === 'GET /api/nodes' ? { ...answer, json: (answer.json as Json[]).map(change) } : answer;
}

function onQueues(change: (queue: Json) => Json): Changed {
  return (answer) => {
    if (!answer.ask.startsWith('GET /api/queues')) return answer;
    const list = answer.json as Json & { readonly items: readonly Json[] };
    return { ...answer, json: { ...list, items: list.items.map(change) } };
  };
}

/** https://github.com/rabbitmq/rabbitmq-server/issues/17319, https://github.com/rabbitmq/rabbitmq-server/issues/17324 and https://github.com/rabbitmq/rabbitmq-server/issues/12440 */
describe('a node that the others have lost, without a partition', () => {
  test('is critical, and a person is to be paged', async () => {
    const verdict = await askCase('rabbit/o20');

    expect([verdict.status, verdict.faults]).toEqual(['found', ['critical rabbit@ctl-3']]);
    const text = verdict.about('rabbit@ctl-3');
    expect(text).toContain('it responds itself');
    expect(text).toContain('it leads conductor');
    expect(text).toContain('Page a person');
    expect(verdict.offers).toEqual([]);
  });

  test('is found by its quorum queues alone, if it cannot be asked', async () => {
    const verdict = await askVariation('o20', (one) => (one.of === 'rabbitmq ctl-3' ? undefined : one));

    expect(verdict.faults).toEqual(['critical rabbit@ctl-3']);
  });

  test('is found by asking it, if no queue shows it', async () => {
    const verdict = await askVariation(
      'o20',
      onQueues((queue) => ({
        ...queue,
        node: 'rabbit@ctl-1',
        leader: 'rabbit@ctl-1',
        online: ['rabbit@ctl-1', 'rabbit@ctl-2'],
      })),
    );

    expect(verdict.faults).toContain('critical rabbit@ctl-3');
  });

  test('has really stopped if nothing shows that it runs', async () => {
    const verdict = await askVariation('o20', (one) =>
      one.of === 'rabbitmq ctl-3'
        ? undefined
        : onQueues((queue) => ({
            ...queue,
            node: 'rabbit@ctl-1',
            leader: 'rabbit@ctl-1',
            online: ['rabbit@ctl-1', 'rabbit@ctl-2'],
          }))(one),
    );

    expect(verdict.faults).toEqual(['warning rabbit@ctl-3']);
    expect(verdict.report.findings[0]?.reason).toBe('node-stopped');
  });

  test('is reported as a partition if the nodes report one', async () => {
    const verdict = await askVariation(
      'o20',
      onNodes((node) =>
        node['running'] === true && node['name'] !== 'rabbit@ctl-3'
          ? { ...node, partitions: ['rabbit@ctl-3'] }
          : node,
      ),
    );

    expect(verdict.faults).toEqual(['critical rabbit@ctl-3']);
    expect(verdict.report.findings[0]?.reason).toBe('network-partition');
  });
});

/** https://github.com/rcbops/rpc-maas/issues/286, https://github.com/crowbar/crowbar-openstack/pull/1848 and https://github.com/projectcalico/felix/issues/512 */
describe('notifications that no one reads', () => {
  test('are one warning; queues with consumers are healthy, however large they are', async () => {
    const verdict = await askCase('rabbit/o21');

    expect([verdict.status, verdict.faults]).toEqual(['found', ['warning /:versioned_notifications.info']]);
    const text = verdict.about('/:versioned_notifications.info');
    expect(text).toContain('1,893,322 messages (9.5 GB)');
    expect(text).toContain('369/min');
    expect(text).toContain('notification_format = unversioned');
    expect(verdict.report.findings).toHaveLength(1);
  });

  test('are found by their messages, not by their name', async () => {
    const verdict = await askVariation(
      'o21',
      onQueues((queue) =>
        queue['name'] === 'versioned_notifications.info' ? { ...queue, name: 'audit-events' } : queue,
      ),
    );

    expect(verdict.faults).toEqual(['warning /:audit-events']);
    expect(verdict.text).not.toContain('notification_format');
  });

  test('are unknown if the broker does not say how many consumers there are', async () => {
    const verdict = await askVariation(
      'o21',
      onQueues((queue) => ({ ...queue, consumers: undefined })),
    );

    expect([verdict.status, verdict.faults]).toEqual(['unknown', []]);
    expect(verdict.text).not.toContain('no consumer');
  });

  test('with a consumer that keeps up are clear', async () => {
    const verdict = await askVariation(
      'o21',
      onQueues((queue) =>
        queue['name'] === 'versioned_notifications.info'
          ? { ...queue, consumers: 1, messages: 300, messages_ready: 300, message_bytes: 900_000 }
          : queue,
      ),
    );

    expect(verdict.status).toBe('clear');
  });

  test('of another virtual host are named with it', async () => {
    const verdict = await askVariation(
      'o21',
      onQueues((queue) => ({ ...queue, vhost: 'nova' })),
    );

    expect(verdict.faults).toEqual(['warning nova:versioned_notifications.info']);
  });
});

/** https://github.com/rabbitmq/rabbitmq-server/issues/15182 and https://github.com/rabbitmq/rabbitmq-server/issues/9437 */
describe('statistics that are switched off', () => {
  test('are unknown, with the setting, and never clear', async () => {
    const verdict = await askCase('rabbit/o22');

    expect([verdict.status, verdict.faults]).toEqual(['unknown', []]);
    expect(verdict.text).toContain('management.disable_stats');
    expect(verdict.text).toContain('management_agent.disable_metrics_collector');
    expect(verdict.text).not.toMatch(/no connections|no consumer|0 messages|nothing piles up/i);
  });

  test('are unknown too if the overview does not say so', async () => {
    const verdict = await askVariation('o22', (one) => (one.ask === 'GET /api/overview' ? undefined : one));

    expect(verdict.status).toBe('unknown');
    expect(verdict.report.gaps.map(({ what }) => what)).toEqual(['rabbitmq: 903 of 903 queues']);
  });

  test('do not hide a node that stopped, or an alarm', async () => {
    const stopped = await askVariation(
      'o22',
      onNodes((node) => ({ ...node, running: node['name'] !== 'rabbit@ctl-2' })),
    );
    const alarm = await askVariation('o22', (one) =>
      one.ask.includes('alarms')
        ? {
            ...one,
            status: 503,
            json: {
              status: 'failed',
              reason: 'alarms',
              alarms: [{ node: 'rabbit@ctl-2', resource: 'memory' }],
            },
          }
        : one,
    );

    // Its quorum queue still has it online.
    expect(stopped.faults).toEqual(['critical rabbit@ctl-2']);
    expect(alarm.faults).toEqual(['critical rabbit@ctl-2']);
  });
});

/** https://github.com/rabbitmq/tgir/issues/5 and https://github.com/rabbitmq/tgir/issues/7 */
describe('memory near its limit', () => {
  test('that Erlang only keeps allocated is clear, and the verdict says so', async () => {
    const verdict = await askCase('rabbit/o23');

    expect([verdict.status, verdict.faults]).toEqual(['clear', []]);
    expect(verdict.report.verdict).toContain(
      "rabbit@mq-1 holds 24 GB of 26 GB, but Erlang doesn't use 19 GB of it",
    );
  });

  test('that is in use is a warning with what uses it', async () => {
    const verdict = await askVariation('o23', (one) => {
      if (!one.ask.includes('/memory')) return one;
      const { memory } = one.json as { readonly memory: Json };
      return {
        ...one,
        json: { memory: { ...memory, allocated_unused: 900_000_000, binary: 17_000_000_000 } },
      };
    });

    expect(verdict.faults).toEqual(['warning rabbit@mq-1']);
    expect(verdict.text).toContain('17 GB');
  });

  test('with an alarm is critical, whatever uses it', async () => {
    const verdict = await askVariation(
      'o23',
      onNodes((node) => ({ ...node, mem_alarm: node['name'] === 'rabbit@mq-1' })),
    );

    expect(verdict.faults).toEqual(['critical rabbit@mq-1']);
    expect(verdict.text).toContain('allocated but unused');
  });
});

describe('an endpoint that cannot be read', () => {
  test.each([
    ['sends a web page', { status: 200, json: undefined, text: '<html><body>Sign in</body></html>' }],
    ['is broken', { status: 500, json: { error: 'internal' } }],
  ])('that %s leaves a gap', async (_, response) => {
    const verdict = await askVariation('o23', (one) =>
      one.ask === 'GET /api/nodes' ? { ...one, ...response } : one,
    );

    expect(verdict.status).toBe('unknown');
    expect(verdict.report.examined).toBe(0);
  });
});

describe('a split that only one side has noticed', () => {
  const seenBy = async (sees: Readonly<Record<string, readonly string[]>>) => {
    const file = await readCaseFile(new URL('rabbit/o20.json', import.meta.url).pathname);
    const [first] = file.spoken!.filter(({ ask }) => ask === 'GET /api/nodes');
    const others = file.spoken!.filter(({ ask, of }) => ask !== 'GET /api/nodes' && of === 'rabbitmq ctl-1');
    const views = Object.entries(sees).map(([host, running]) => ({
      ...first!,
      of: `rabbitmq ${host}`,
      json: (first!.json as Json[]).map(({ name, type }) => ({
        name,
        type,
        running: running.includes(String(name).replace('rabbit@', '')),
      })),
    }));
    const overviews = Object.keys(sees).map((host) => ({
      of: `rabbitmq ${host}`,
      ask: 'GET /api/overview',
      status: 200,
      json: { node: `rabbit@${host}`, rabbitmq_version: '4.2.2' },
    }));
    return askCase({
      ...file,
      spoken: [...others.filter(({ ask }) => !/overview/.test(ask)), ...views, ...overviews],
    });
  };
  const ALL = ['ctl-1', 'ctl-2', 'ctl-3'];

  test('is that of the node that most others have lost, though it still sees them', async () => {
    const verdict = await seenBy({ 'ctl-1': ['ctl-1', 'ctl-2'], 'ctl-2': ['ctl-1', 'ctl-2'], 'ctl-3': ALL });
    expect(verdict.faults).toEqual(['critical rabbit@ctl-3']);
    expect(verdict.text).toContain("rabbit@ctl-3 runs, but the other nodes don't see it");
  });

  test('is that of a node that is alone', async () => {
    const verdict = await seenBy({ 'ctl-1': ALL, 'ctl-2': ALL, 'ctl-3': ['ctl-3'] });
    expect(verdict.faults).toEqual(['critical rabbit@ctl-3']);
  });
});

/** Nodes that started without finding the others, or were reset: https://www.rabbitmq.com/docs/cluster-formation#initial-formation-race-condition */
describe('nodes that do not list each other', () => {
  test('are separate clusters, though each of them looks healthy', async () => {
    const verdict = await askVariation('o20', (one) => {
      if (one.ask !== 'GET /api/nodes') return one;
      const own = (one.json as Json[]).filter((node) => node['running'] === true);
      return { ...one, json: own };
    });

    expect([verdict.status, verdict.faults]).toEqual(['found', ['critical rabbit@ctl-3']]);
    expect(verdict.report.findings[0]?.reason).toBe('separate-clusters');
    expect(verdict.text).toContain('runs as a cluster of its own');
  });

  test('have no minority if both sides are as large', async () => {
    const verdict = await askVariation('o20', (one) => {
      if (one.ask !== 'GET /api/nodes') return one;
      const own = (one.json as Json[]).filter((node) => node['running'] === true).slice(0, 1);
      return { ...one, json: own };
    });

    expect(verdict.report.findings.map(({ target, reason }) => [target, reason])).toEqual([
      ['rabbitmq', 'separate-clusters'],
    ]);
  });
});

describe('limits of a node', () => {
  const withFirst = (facts: Json) =>
    askVariation('o21', (one) =>
      onQueues((queue) => ({ ...queue, messages: 0, messages_ready: 0, message_bytes: 0 }))(
        onNodes((node) => (node['name'] === 'rabbit@ctl-1' ? { ...node, ...facts } : node))(one)!,
      )!,
    );

  test.each([
    [['warning rabbit@ctl-1'], { fd_used: 60_000 }],
    [['critical rabbit@ctl-1'], { fd_used: 65_536 }],
    [['warning rabbit@ctl-1'], { sockets_used: 58_000 }],
    [['warning rabbit@ctl-1'], { fd_used: 65_000, sockets_used: 58_000 }],
    [['warning rabbit@ctl-1'], { proc_used: 1_000_000 }],
    [[], { sockets_used: 40_000, proc_used: 500_000 }],
    // https://www.rabbitmq.com/docs/upgrade#maintenance-mode
    [['info rabbit@ctl-1'], { being_drained: true }],
  ])('%j with %o', async (faults, facts) => {
    expect((await withFirst(facts)).faults).toEqual(faults);
  });
});

describe('an alarm of memory', () => {
  const MEMORY = {
    memory: {
      binary: 11e9,
      queue_procs: 1e9,
      strategy: 'rss',
      total: { erlang: 13e9, rss: 14e9, allocated: 14e9 },
    },
  };
  const alarmed = async (queue: Json) => {
    const file = await readCaseFile(new URL('rabbit/o21.json', import.meta.url).pathname);
    const spoken = (file.spoken ?? []).flatMap((one): SpokenAnswer[] => {
      if (one.ask.startsWith('the same')) return [];
      if (one.ask === 'GET /api/health/checks/alarms')
        return [
          {
            ...one,
            status: 503,
            json: { status: 'failed', alarms: [{ node: 'rabbit@ctl-1', resource: 'memory' }] },
          },
        ];
      return [
        onQueues((item) =>
          item['name'] === 'conductor'
            ? { ...item, ...queue }
            : { ...item, messages: 0, messages_ready: 0, message_bytes: 0 },
        )(one)!,
      ];
    });
    const memory = { of: 'rabbitmq', ask: 'GET /api/nodes/rabbit@ctl-1/memory', status: 200, json: MEMORY };
    return askCase({ ...file, spoken: [...spoken, memory] });
  };

  test('names consumers that do not acknowledge, and does not blame large messages', async () => {
    const verdict = await alarmed({
      messages: 90_000,
      messages_ready: 0,
      messages_unacknowledged: 90_000,
      message_bytes: 9e9,
    });
    expect(verdict.faults).toEqual(['critical rabbit@ctl-1']);
    expect(verdict.text).toContain('90,000 unacknowledged');
    expect(verdict.text).toContain('without acknowledging');
    expect(verdict.report.findings[0]?.next).toBeUndefined();
  });

  test('points to the logs of consoles if few messages are large', async () => {
    const verdict = await alarmed({ messages: 2, messages_ready: 2, message_bytes: 11e9 });
    expect(verdict.faults).toEqual(['critical rabbit@ctl-1', 'warning /:conductor']);
    expect(verdict.report.findings.flatMap(({ next = [] }) => next.map(({ check }) => check))).toEqual([
      'cloud/consoles',
      'cloud/consoles',
    ]);
  });
});

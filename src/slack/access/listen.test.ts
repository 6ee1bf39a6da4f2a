import { App, type Receiver } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { makeLog } from '../../telemetry/log.ts';
import { makeMetrics } from '../../telemetry/metrics.ts';
import type { AuditEvent } from '../../store/audit/entry.ts';
import { listen } from './listen.ts';

/** Receives nothing: the test passes deliveries to the app. */
const receiver: Receiver = {
  init: () => undefined,
  start: async () => undefined,
  stop: async () => undefined,
};

function start() {
  const handled: unknown[] = [];
  const audited: AuditEvent[] = [];
  const told: object[] = [];
  const working: Promise<unknown>[] = [];
  const seen = new Set<string>();
  const log = makeLog({ level: 'silent', secrets: [] });
  const app = new App({
    token: 'xoxb-test',
    tokenVerificationEnabled: false,
    botId: 'B0BOT',
    botUserId: 'U0BOT',
    receiver,
    convoStore: false,
  });
  const never = async () => {
    throw new Error('not this one');
  };
  listen(
    app,
    {
      access: {
        workspace: { teamId: 'T0DEMO', isEnterpriseInstall: false },
        rules: { environments: {}, commands: {} },
        rate: { limit: 30, count: async () => 1 },
        isFirst: async (id) => !seen.has(id) && seen.add(id) !== undefined,
        directory: { authorize: async () => true, members: () => undefined, lookUpGroups: never },
        log,
      },
      auditing: {
        refusals: {
          auditRefusal: async (entry) => {
            audited.push(entry);
            return 'yes';
          },
        },
        clock: async () => Date.now(),
        log,
      },
      client: {
        chat: { postEphemeral: async (args: object) => void told.push(args) },
      } as unknown as WebClient,
      isSlackUrl: () => false,
      metrics: makeMetrics(),
      log,
    },
    {
      command: { resolve: () => ({ subject: 0, requires: { roles: 'anyone' } }), answer: never },
      buttons: [{ actionId: /^never$/, handler: { resolve: never, handle: never } }],
      forms: [{ callbackId: 'never', handler: { resolve: never, handle: never, validate: () => undefined } }],
      events: {
        app_mention: {
          concerns: (body) => !JSON.stringify(body).includes('not for me'),
          resolve: async (_, body) => ({ subject: body, requires: { roles: 'anyone' } }),
          handle: async ({ subject }: { subject: unknown }) => void handled.push(subject),
        },
      },
    },
    (work) => {
      working.push(work);
      return work;
    },
  );
  const deliver = async (changed: Readonly<Record<string, unknown>> = {}) => {
    const body = {
      type: 'event_callback',
      team_id: 'T0DEMO',
      api_app_id: 'A0APP',
      event: { type: 'app_mention', user: 'U0ADA', channel: 'C0INCIDENT', text: 'hello', ts: '1.1' },
      event_id: 'Ev1',
      event_time: Math.floor(Date.now() / 1_000),
      authorizations: [{ team_id: 'T0DEMO', enterprise_id: null, user_id: 'U0BOT', is_bot: true }],
      ...changed,
    };
    let acknowledged = 0;
    await app.processEvent({ body, ack: async () => void (acknowledged += 1) });
    await Promise.all(working);
    return acknowledged;
  };
  return { deliver, handled, audited, told };
}

test('an event is acknowledged and handled once, however often it is delivered', async () => {
  const { deliver, handled } = start();

  expect(await deliver()).toBe(1);
  expect(await deliver()).toBe(1);

  expect(handled).toHaveLength(1);
});

test('an event that asks for nothing is acknowledged, and passes no step', async () => {
  const { deliver, handled, audited } = start();

  expect(await deliver({ event_time: 1, event: { type: 'app_mention', text: 'not for me' } })).toBe(1);

  expect(handled).toEqual([]);
  expect(audited).toEqual([]);
});

test.each([
  ['of an hour ago', { event_time: Math.floor(Date.now() / 1_000) - 3_600 }, /60 minutes late/],
  ['without a time', { event_time: undefined }, /has no valid time/],
  ['for another workspace', { authorizations: [{ team_id: 'T0OTHER' }] }, /another workspace/],
])(
  'an event %s is acknowledged, audited and explained to its sender, and does nothing',
  async (_, changed, because) => {
    const { deliver, handled, audited, told } = start();

    expect(await deliver(changed)).toBe(1);

    expect(handled).toEqual([]);
    expect(audited).toEqual([
      expect.objectContaining({
        kind: 'refused',
        who: ['U0ADA'],
        what: 'a mention',
        because: expect.stringMatching(because),
      }),
    ]);
    expect(told).toEqual([
      expect.objectContaining({ user: 'U0ADA', channel: 'C0INCIDENT', text: expect.stringMatching(because) }),
    ]);
  },
);

import type { App } from '@slack/bolt';
import { expect, test } from 'vitest';
import { openWithBolt } from './open-with-bolt.ts';

const ADA = 'U0123ADA';

test.each(['http', 'socket'] as const)(
  'over %s Bolt gets an event for each mention and each direct message',
  async (delivery) => {
    const events: unknown[] = [];
    const { workspace } = await openWithBolt(delivery, (bolt: App) => {
      bolt.event('app_mention', async ({ body }) => void events.push(body));
      bolt.event('message', async ({ body }) => void events.push(body));
    });
    const direct = workspace.direct(ADA).id;
    const write = (channelId: string, text: string, threadTs?: string) =>
      workspace.write({ userId: ADA, channelId, text, ...(threadTs !== undefined && { threadTs }) });

    const mention = await write('C0123INCIDENT', '<@U0123WRENCH> hello');
    await write('C0123INCIDENT', 'hello again', mention.message.ts);
    await write('C0123RANDOM', '<@U0123WRENCH> you are not a member here');
    await write(direct, 'hello');
    await write('C0123INCIDENT', '<@U0123WRENCH> once more', mention.message.ts);

    await workspace.waitFor(() => events.length === 3);
    expect(events).toMatchObject([
      {
        type: 'event_callback',
        team_id: 'T0123DEMO',
        event_id: expect.stringMatching(/^Ev/),
        authorizations: [{ team_id: 'T0123DEMO', user_id: 'U0123WRENCH', is_bot: true }],
        event: { type: 'app_mention', user: ADA, channel: 'C0123INCIDENT', ts: mention.message.ts },
      },
      { event: { type: 'message', channel_type: 'im', channel: direct, text: 'hello' } },
      { event: { type: 'app_mention', thread_ts: mention.message.ts, parent_user_id: ADA } },
    ]);
  },
);

test('without its scopes the app gets no events', async () => {
  const events: unknown[] = [];
  const { workspace } = await openWithBolt(
    'http',
    (bolt: App) => {
      bolt.event('app_mention', async ({ body }) => void events.push(body));
      bolt.event('message', async ({ body }) => void events.push(body));
    },
    { scopes: ['chat:write'] },
  );

  const mention = await workspace.write({
    userId: ADA,
    channelId: 'C0123INCIDENT',
    text: '<@U0123WRENCH> hello',
  });
  const direct = await workspace.write({ userId: ADA, channelId: workspace.direct(ADA).id, text: 'hello' });

  expect([mention.delivered, direct.delivered, events]).toEqual([undefined, undefined, []]);
});

import type { App } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import { expect, test } from 'vitest';
import { openWithBolt } from './open-with-bolt.ts';
import { createTriggers } from './triggers.ts';

const VIEW: ModalView = {
  type: 'modal',
  callback_id: 'why',
  private_metadata: 'opened-for',
  title: { type: 'plain_text', text: 'Why' },
  submit: { type: 'plain_text', text: 'Send' },
  blocks: [
    {
      type: 'input',
      block_id: 'reason',
      label: { type: 'plain_text', text: 'Reason' },
      element: { type: 'plain_text_input', action_id: 'text' },
    },
  ],
};

test.each(['http', 'socket'] as const)(
  'a submitted modal carries the person, the values and its metadata, and closes unless there are errors (%s)',
  async (delivery) => {
    const submitted: unknown[] = [];
    const { workspace } = await openWithBolt(delivery, (bolt: App) => {
      bolt.command(/.*/, async ({ ack, body, client }) => {
        await ack();
        await client.views.open({ trigger_id: body.trigger_id, view: VIEW });
      });
      bolt.view('why', async ({ ack, body, view }) => {
        submitted.push(body);
        const text = view.state.values['reason']?.['text']?.value;
        await (text ? ack() : ack({ response_action: 'errors', errors: { reason: 'Say why.' } }));
      });
    });
    await workspace.command({ userId: 'U0123ADA', channelId: 'C0123INCIDENT', command: '/why', text: '' });
    const view = await workspace.waitFor(() => workspace.views('U0123ADA')[0]);
    const fill = (text: string) =>
      workspace.submit({ userId: 'U0123ADA', viewId: view.id, values: { reason: { text } } });

    const wrong = await fill('');
    expect(wrong.body).toEqual({ response_action: 'errors', errors: { reason: 'Say why.' } });
    expect(workspace.views('U0123ADA')).toHaveLength(1);
    await expect(workspace.submit({ userId: 'U0123GRACE', viewId: view.id, values: {} })).rejects.toThrow(
      'is open for U0123GRACE',
    );
    const right = await fill('because');

    expect(right.body).toBeUndefined();
    expect(workspace.views('U0123ADA')).toEqual([]);
    expect(submitted[1]).toMatchObject({
      type: 'view_submission',
      user: { id: 'U0123ADA', team_id: 'T0123DEMO' },
      team: { id: 'T0123DEMO' },
      trigger_id: expect.any(String),
      view: { id: view.id, callback_id: 'why', private_metadata: 'opened-for' },
    });
  },
);

test('a trigger opens one view, within three seconds', () => {
  let nowMs = 0;
  const { issue, exchange } = createTriggers({ now: () => nowMs });
  const [used, late] = [issue('U0123ADA', 'used'), issue('U0123ADA', 'late')];

  expect(exchange(used)).toBe('U0123ADA');
  expect(() => exchange(used)).toThrow('exchanged_trigger_id');
  nowMs = 3_001;
  expect(() => exchange(late)).toThrow('expired_trigger_id');
  expect(() => exchange('made-up')).toThrow('invalid_trigger_id');
});

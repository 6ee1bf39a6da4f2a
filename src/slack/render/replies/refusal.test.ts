import { expect, test } from 'vitest';
import { renderFrozen, renderUnfrozen } from './freeze.ts';
import { renderRefusal } from './refusal.ts';

test('who may not approve is told why, and who can', () => {
  const because = 'you asked for it yourself; somebody else must approve it';

  expect(renderRefusal({ because, what: 'Restart doppler_z2/0' }).text).toBe(
    ':no_entry: REFUSED · Restart doppler_z2/0 · You asked for it yourself; somebody else must approve it.',
  );
  expect(renderRefusal({ because: 'it is approved already' }).text).toBe(
    ':no_entry: REFUSED · It is approved already.',
  );
});

test('a name at the beginning of a reason keeps its writing', () => {
  expect(renderRefusal({ because: 'metron_agent is not running' }).text).toContain('metron_agent');
  expect(renderRefusal({ because: 'doppler_z2/0 is held by another remediation' }).text).toContain(
    '· doppler_z2/0 is held',
  );
});

test('a freeze says who, since when, why, and how it ends', () => {
  const { text } = renderFrozen({
    by: 'U0123ADA',
    at: '2026-11-20T14:03:00Z',
    because: 'network works until 18:00 <!channel>',
  });

  expect(text).toBe(
    ':snowflake: FROZEN by <@U0123ADA> · <!date^1795183380^{date_short_pretty} {time}|2026-11-20 14:03 UTC>. Nothing is applied in any environment; checks still run. Why: Network works until 18:00 &lt;!channel&gt;. To go on: /wrench unfreeze',
  );
  expect(renderUnfrozen({ by: 'terminal', at: '2026-11-20T18:00:00Z' }).text).toContain(
    'THAWED by somebody at a terminal',
  );
});

test('who asks in the wrong channel is shown the right ones; what is no channel is not shown', () => {
  const { text, blocks } = renderRefusal({
    because: 'environments.prod.askFrom.channels does not include this channel',
    askIn: ['C0INCIDENT', 'D0DIRECT', '!channel', 'G0PRIVATE'],
  });

  expect(text).toMatch(/ Ask in <#C0INCIDENT>, <#G0PRIVATE>$/);
  expect(JSON.stringify(blocks)).toContain('{"type":"channel","channel_id":"G0PRIVATE"}');
  expect(JSON.stringify(blocks)).not.toMatch(/D0DIRECT|!channel/);
});

import { expect, test } from 'vitest';
import { renderFrozen, renderUnfrozen } from './freeze.ts';
import { renderRefusal } from './refusal.ts';

test('a refusal says what was refused and why', () => {
  const because = "you can't approve your own request; someone else must";

  expect(renderRefusal({ because, what: 'Restart doppler_z2/0' }).text).toBe(
    ":no_entry: REFUSED · Restart doppler_z2/0 · You can't approve your own request; someone else must.",
  );
  expect(renderRefusal({ because: "it's already approved" }).text).toBe(
    ":no_entry: REFUSED · It's already approved.",
  );
});

test('a name at the start of a reason is not capitalized', () => {
  expect(renderRefusal({ because: 'metron_agent is not running' }).text).toContain('metron_agent');
  expect(renderRefusal({ because: 'doppler_z2/0 is held by another remediation' }).text).toContain(
    '· doppler_z2/0 is held',
  );
});

test('a freeze shows who, when, why, and how to unfreeze', () => {
  const { text } = renderFrozen({
    by: 'U0123ADA',
    at: '2026-11-20T14:03:00Z',
    because: 'network works until 18:00 <!channel>',
  });

  expect(text).toBe(
    ':snowflake: FROZEN by <@U0123ADA> · <!date^1795183380^{date_short_pretty} {time}|2026-11-20 14:03 UTC>. No fixes run in any environment; checks still work. Reason: Network works until 18:00 &lt;!channel&gt;. To resume: /wrench unfreeze',
  );
  expect(renderUnfrozen({ by: 'terminal', at: '2026-11-20T18:00:00Z' }).text).toContain(
    'UNFROZEN by someone at a terminal',
  );
});

test('a request in the wrong channel shows the right ones, and nothing that is not a channel', () => {
  const { text, blocks } = renderRefusal({
    because: 'environments.prod.askFrom.channels does not include this channel',
    askIn: ['C0INCIDENT', 'D0DIRECT', '!channel', 'G0PRIVATE'],
  });

  expect(text).toMatch(/ Try in <#C0INCIDENT>, <#G0PRIVATE>$/);
  expect(JSON.stringify(blocks)).toContain('{"type":"channel","channel_id":"G0PRIVATE"}');
  expect(JSON.stringify(blocks)).not.toMatch(/D0DIRECT|!channel/);
});

import { expect, test } from 'vitest';
import { renderOffers } from '../../src/slack/render/remediation/offers.ts';
import { planFile } from '../../src/slack/render/remediation/plan.ts';
import { renderCard } from '../../src/slack/render/remediation/card.ts';
import * as remediations from './remediations.ts';
import { problemsAllowing, showMessage } from './inspect-messages.ts';

const CALLED = ['U0123ADA', 'U0123GRACE', 'U0123LIN'];
const approvers = ['U0123ADA', 'U0123GRACE', 'U0123LIN'];
const now = new Date('2026-11-20T15:00:00.000Z');

test.each(Object.entries(remediations))('the card of a remediation in state %s matches its golden file', async (state, remediation) => {
  const card = renderCard(remediation, { approvers });

  expect(problemsAllowing(CALLED, card)).toEqual([]);
  expect(planFile(remediation)).toBeUndefined();
  await expect(showMessage(card)).toMatchFileSnapshot(`remediations/${state}.slack.json`);
});

test('offers in every state match their golden file', async () => {
  const disabled = [
    { title: 'Free space in etcd', because: 'off until `remediations.destructive` names `etcd/health:free-space`' },
  ];

  const message = renderOffers(Object.values(remediations), { disabled, now });

  expect(problemsAllowing(CALLED, message)).toEqual([]);
  await expect(showMessage(message)).toMatchFileSnapshot('remediations/offers.slack.json');
});

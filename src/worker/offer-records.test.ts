import { expect, test } from 'vitest';
import { makeFakeSystem, makeFixableCheck } from '../../test/world/fake-system.ts';
import { makeCatalogue } from '../../test/world/lab-checks.ts';
import { runCheck } from '../check/run-check.ts';
import { OFFER_MS } from '../store/remediation/remediation-store.ts';
import { makeOfferRecords } from './offer-records.ts';

const catalogue = makeCatalogue({ things: makeFixableCheck(makeFakeSystem(['fan', 'pump'])) });
const NOW = new Date('2026-11-21T03:00:00.000Z');
const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab things', at: NOW.toISOString() };
const runId = 'r0000000000000001';

async function report() {
  const check = catalogue.checks.get('lab/things');
  if (!check) throw new Error('the check is not in the catalogue');
  const about = { check: 'lab/things', environment: 'prod', args: { size: '7' } };
  const { signal } = new AbortController();
  return runCheck(check, { ...about, read: {}, now: NOW, signal, deadlineMs: 60_000 });
}

test('each offer of a report becomes one record, in the order of the findings', async () => {
  const made = await report();

  const records = makeOfferRecords(made, { runId, asked }, catalogue);

  const common = {
    runId,
    check: 'lab/things',
    environment: 'prod',
    args: { size: '7' },
    asked,
    remediation: 'mend',
    about: 'Mends one thing',
    risk: 'disruptive',
    state: 'offered',
    until: new Date(NOW.getTime() + made.durationMs + OFFER_MS).toISOString(),
    approvals: [],
    steps: [],
  };
  expect(records).toEqual(
    ['fan', 'pump'].map((thing) => ({
      ...common,
      id: expect.stringMatching(/^m[0-9a-f]{16}$/),
      title: `Mend ${thing}`,
      params: { thing },
      finding: { reason: 'thing-broken', target: `lab:${thing}`, summary: `${thing} is broken` },
    })),
  );
});

test('the same report gives the same ids, and another run gives others', async () => {
  const made = await report();
  const idsOf = (run: string) => makeOfferRecords(made, { runId: run, asked }, catalogue).map(({ id }) => id);

  expect(idsOf(runId)).toEqual(idsOf(runId));
  expect(new Set([...idsOf(runId), ...idsOf('r0000000000000002')]).size).toBe(4);
});

test('an offer for many targets has the params of each, and one for a single of them names only that', async () => {
  const made = await report();
  const [finding] = made.findings;
  if (!finding) throw new Error('nothing was found');
  const { remediation, title, risk } = finding.offers?.[0] ?? {};
  if (!remediation || title === undefined || !risk) throw new Error('nothing was offered');
  const each = ['fan', 'pump'].map((thing) => ({ target: `lab:${thing}`, params: { thing } }));
  const [one] = each;
  const offers = [
    { remediation, title, risk, each },
    { remediation, title, risk, ...one },
  ];
  const group = { ...finding, target: 'lab', targets: ['lab:fan', 'lab:pump', 'lab:valve'], offers };

  const [all, single] = makeOfferRecords({ ...made, findings: [group] }, { runId, asked }, catalogue);

  expect(all).toMatchObject({ each, finding: { target: 'lab', targets: ['lab:fan', 'lab:pump'] } });
  expect(all).not.toHaveProperty('params');
  expect(single).toMatchObject({ params: { thing: 'fan' }, finding: { targets: ['lab:fan'] } });
  expect(single?.id).not.toBe(all?.id);
});

test('findings without offers make no records', async () => {
  const made = await report();
  const findings = made.findings.map((finding) => ({ ...finding, offers: [] }));

  expect(makeOfferRecords({ ...made, findings }, { runId, asked }, catalogue)).toEqual([]);
});

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { check as doppler } from '../../commands/etcd/doppler/check.ts';
import { collectTwice } from '../../commands/etcd/doppler/collect.ts';
import { restart } from '../../commands/etcd/doppler/restart.ts';
import { readArguments } from '../../src/check/arguments.ts';
import type { Plan } from '../../src/check/define-remediation.ts';
import type { Report } from '../../src/check/finding.ts';
import { planDrift } from '../../src/check/plan-drift.ts';
import { proofInWords } from '../../src/check/proof.ts';
import { makeRedact } from '../../src/text/redact.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { applyRemediation, planRemediation } from '../../src/check/run-remediation.ts';
import type { Source } from '../../src/ports/source.ts';
import { etcdConfig } from '../../src/sources/etcd/config.ts';
import { openEtcd } from '../../src/sources/etcd/open.ts';
import { monitConfig } from '../../src/sources/monit/config.ts';
import { openMonit } from '../../src/sources/monit/open.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type Etcd, startEtcd } from './etcd.ts';
import { type Loggregator, startLoggregator } from './loggregator/loggregator.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const VMS = 6;
const WAIT = { timeout: MAX_WORLD_WAIT_MS, interval: 200 };
/** Registrations last six seconds here and are refreshed every three: four seconds is more than that. */
const TTL_SECONDS = 6;
const check = { ...doppler, collect: collectTwice(4_000) };

let etcd: Etcd;
let loggregator: Loggregator;
let keys: Source;
let machines: Source;

beforeAll(async () => {
  etcd = await startEtcd({ members: 3 });
  const ttlSeconds = TTL_SECONDS;
  loggregator = await startLoggregator({ etcd: etcd.access, vms: VMS, ttlSeconds, pollSeconds: 2 });
  await loggregator.waitUntilHealthy();
  const { endpoints, ca, clientCertificate } = etcd.access;
  keys = openEtcd(etcdConfig.parse({ kind: 'etcd', endpoints: [...endpoints], ca, clientCertificate }));
  machines = openMonit(
    monitConfig.parse({
      kind: 'monit',
      allow: { restart: { processes: ['doppler'] } },
      hosts: loggregator.vms.map(({ name, id, zone, addresses, monit: { url, username, password } }) => ({
        url,
        instance: name,
        id,
        zone,
        addresses: [...addresses],
        auth: { username, password },
      })),
    }),
  );
});
afterAll(async () => {
  await Promise.all([keys?.close(), machines?.close()]);
  await loggregator?.close();
  await etcd?.close();
});

const read = () => ({
  keyValue: [keys.reads.keyValue!],
  processes: [machines.reads.processes!],
});
const signal = new AbortController().signal;

function runDoppler(): Promise<Report> {
  return runCheck(check, {
    check: 'etcd/doppler',
    environment: 'prod',
    args: readArguments(check, { bare: [], flags: new Map() }),
    read: read(),
    now: new Date(),
    signal,
    deadlineMs: 30_000,
  });
}

async function planFor(offer: Parameters<typeof planRemediation>[1]): Promise<Plan> {
  const plan = await planRemediation(restart, offer, {
    read: read(),
    now: new Date(),
    signal,
    deadlineMs: 10_000,
    redact: makeRedact(),
  });
  return JSON.parse(JSON.stringify(plan)) as Plan;
}

/** @returns the completed steps. */
async function apply(offer: Parameters<typeof planRemediation>[1], plan: Plan): Promise<readonly string[]> {
  const recorded: string[] = [];
  await applyRemediation(restart, offer, plan, {
    read: read(),
    write: { processes: () => machines.writes!.processes! },
    now: new Date(),
    applyContext: { idempotencyKey: 'm0123456789abcdef', signal },
    recordStep: async (line) => void recorded.push(line),
    stillFound: new Set(),
    confirmMayContinue: async () => undefined,
    redact: makeRedact(),
  });
  return recorded;
}

const reasons = ({ findings }: Report) => findings.map(({ reason }) => reason);

test('a stuck doppler is found among healthy ones and restarted as planned, and the check is clear again', async () => {
  await expect.poll(runDoppler, WAIT).toMatchObject({
    status: 'clear',
    verdict: 'All 3 dopplers are registered',
    examined: 3,
    gaps: [],
  });

  await loggregator.stick('doppler_z2/0');
  await expect.poll(loggregator.countMetrons, WAIT).toBe(0);
  const before = await runDoppler();
  expect(before.verdict).toMatch(/^doppler_z2\/0 is running but not registered; the other 2 are\./);
  expect(reasons(before)).toEqual(['registration-stuck', 'metron-down']);
  const offers = before.findings.flatMap((finding) => finding.offers ?? []);
  expect(offers).toMatchObject([{ title: 'Restart doppler_z2/0', risk: 'disruptive' }]);

  const [offer = {}] = offers;
  const planned = await planFor(offer);
  expect(planned.lines[0]).toBe(
    'Restart the process doppler on doppler_z2/0 of monit; no other process is affected',
  );
  expect(planned.impact).toBe('Stops 1 of 3 dopplers until it has restarted; 2 others are registered');
  expect(planned.safety).toEqual(['At least one other doppler is registered in etcd']);
  expect(await planFor(offer)).toEqual(planned);

  expect(await apply(offer, planned)).toEqual([
    expect.stringMatching(/^doppler_z2\/0 restarted: .*pid \d+ -> \d+/),
  ]);
  expect((await planFor(offer)).precondition).not.toEqual(planned.precondition);

  let after: Report | undefined;
  await expect
    .poll(async () => (after = await runDoppler()), WAIT)
    .toMatchObject({ status: 'clear', findings: [], gaps: [] });
  expect(proofInWords(before.measures ?? [], after?.measures ?? [])).toBe(
    'doppler_z2: 0 -> 1 registered; metron_agent running on 6 of 6',
  );
});

test('two stuck dopplers are restarted in turn with plans that were made before', async () => {
  await expect.poll(runDoppler, WAIT).toMatchObject({ status: 'clear' });
  await loggregator.stick('doppler_z2/0');
  await loggregator.stick('doppler_z3/0');
  const before = await runDoppler();
  const offers = before.findings.flatMap((finding) => finding.offers ?? []);
  expect(offers.map(({ title }) => title)).toEqual(['Restart doppler_z2/0', 'Restart doppler_z3/0']);
  const [first = {}, second = {}] = offers;
  const [firstPlan, secondPlan] = [await planFor(first), await planFor(second)];
  const safety = ['At least one other doppler is registered in etcd'];
  expect(firstPlan).toMatchObject({ impact: expect.stringMatching(/; 1 other is registered$/), safety });
  expect(secondPlan).toMatchObject({ impact: expect.stringMatching(/; 1 other is registered$/), safety });

  await apply(first, firstPlan);
  const hasOffer = async (title: string) =>
    (await runDoppler()).findings.some(({ offers: some = [] }) => some.some((one) => one.title === title));
  await expect.poll(() => hasOffer('Restart doppler_z2/0'), WAIT).toBe(false);
  expect(await hasOffer('Restart doppler_z3/0')).toBe(true);
  const secondNow = await planFor(second);
  expect(secondNow.impact).toMatch(/; 2 others are registered$/);
  expect(planDrift(secondPlan, secondNow)).toBeUndefined();

  await loggregator.stick('doppler_z1/0');
  await loggregator.stick('doppler_z2/0');
  expect(planDrift(secondPlan, await planFor(second))).toBe(
    'no longer true: At least one other doppler is registered in etcd (now: Stops 1 of 3 dopplers until it has restarted; no other doppler is registered)',
  );
});

test('with two of three etcds down, no doppler is judged and no restart is offered', async () => {
  await etcd.kill(1);
  await etcd.kill(2);
  const report = await runDoppler();
  expect(report.verdict).toMatch(
    /^etcd has lost its quorum: 1 of 3 members responds; couldn't check any doppler/,
  );
  expect(reasons(report)[0]).toBe('quorum-lost');
  expect(report.findings.filter(({ target }) => target.startsWith('doppler'))).toEqual([]);
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
  expect(report.gaps).toEqual([]);
});

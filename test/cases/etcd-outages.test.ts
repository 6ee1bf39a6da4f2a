import { afterEach, describe, expect, test } from 'vitest';
import { type Etcd, type EtcdOptions, startEtcd } from '../world/etcd.ts';
import { startBalancer } from '../world/etcd/balancer.ts';
import { startBlackhole } from '../world/etcd/blackhole.ts';
import type { FakeAnswer } from '../world/etcd/fake.ts';
import { type FakeAnswers, type FakeMember, hangs, ENDPOINTS } from '../world/etcd/fake-cluster.ts';
import { freePort } from '../world/free-port.ts';
import {
  type HealthRun,
  criticals,
  faults,
  isFinished,
  runEtcdHealth,
  runOnFakes,
  summaryOf,
} from './run-etcd-health.ts';

/**
 * A worse outage never gets a milder verdict, and an endpoint that Wrench cannot reach is not reported as
 * down.
 */
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(options: EtcdOptions = {}): Promise<Etcd> {
  const etcd = await startEtcd({ members: 3, tls: false, ...options });
  closers.push(etcd.close);
  return etcd;
}

const urlsOf = ({ access }: Etcd) => access.endpoints.map(({ url }) => url);
const down: FakeMember = { state: 'down' };
/** Every request gets the same response. */
const always = (answer: FakeAnswer): FakeAnswers => Object.fromEntries(ENDPOINTS.map((one) => [one, answer]));
const hung: FakeMember = { answers: always(hangs) };
const UNRESOLVABLE = ['a', 'b', 'c'].map((name) => `http://etcd-${name}.internal.invalid:2379`);

async function blackhole(): Promise<string> {
  const { url, close } = await startBlackhole();
  closers.push(close);
  return url;
}

async function refusing(count: number): Promise<readonly string[]> {
  const urls: string[] = [];
  while (urls.length < count) urls.push(`http://127.0.0.1:${await freePort()}`);
  return urls;
}

/** In time, and with the severity of an outage. */
const OUTAGE = { status: 'found', isCritical: true, isFinished: true };

function verdictOn(report: HealthRun): typeof OUTAGE {
  return { status: report.status, isCritical: criticals(report).length > 0, isFinished: isFinished(report) };
}

describe('on a real cluster', () => {
  test('two killed members lose the quorum', async () => {
    const etcd = await start();
    await etcd.kill(1);
    await etcd.kill(2);
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(criticals(report)).toEqual(['critical quorum-lost']);
  });

  test('three killed members lose the quorum', async () => {
    const etcd = await start();
    for (const index of [0, 1, 2]) await etcd.kill(index);
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(criticals(report)).toEqual(['critical quorum-lost']);
  });

  test('a restarted member without the others accepts connections and does not respond', async () => {
    const etcd = await start();
    for (const index of [0, 1, 2]) await etcd.kill(index);
    await etcd.launch(0);
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(criticals(report)).toEqual(['critical quorum-lost']);
    expect(report.text).toContain('accepts connections but does not respond');
  });

  test('three hanging members lose the quorum', async () => {
    const etcd = await start();
    for (const index of [0, 1, 2]) etcd.pause(index);
    expect(verdictOn(await runEtcdHealth({ endpoints: urlsOf(etcd) }))).toEqual(OUTAGE);
  });

  test('one killed and one hanging member lose the quorum', async () => {
    const etcd = await start();
    await etcd.kill(1);
    etcd.pause(2);
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(summaryOf(report, 'quorum-lost')).toContain('1 of 3 members');
  });

  test('one killed member is only a warning', async () => {
    const etcd = await start();
    await etcd.kill((await etcd.leader()) === 0 ? 1 : 0);
    await etcd.leader();
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(faults(report)).toEqual(['warning member-unreachable']);
  });
});

describe('if no endpoint responds', () => {
  test.each<[string, readonly FakeMember[]]>([
    ['all refuse connections', [down, down, down]],
    ['all hang', [hung, hung, hung]],
    ['two refuse and one hangs', [down, down, hung]],
    ['one refuses and two hang', [hung, down, hung]],
    ['the only one hangs', [hung]],
    ['the only one refuses', [down]],
  ])('because %s, the quorum is lost', async (_, members) => {
    expect(verdictOn(await runOnFakes({ members }))).toEqual(OUTAGE);
  });

  test('because two refuse and a proxy responds for the third, the quorum is lost', async () => {
    const report = await runOnFakes({
      members: [down, down, { answers: always({ status: 502, text: '<html>Bad Gateway</html>' }) }],
    });
    expect(verdictOn(report)).toEqual(OUTAGE);
  });

  test('because two refuse and the name of the third does not resolve, the quorum is lost', async () => {
    const endpoints = [...(await refusing(2)), UNRESOLVABLE[0]];
    const report = await runEtcdHealth({ endpoints });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(report.text).toContain('unreachable from here');
  });

  test('because one refuses and the names of two do not resolve, it is at most a warning', async () => {
    const endpoints = [...(await refusing(1)), ...UNRESOLVABLE.slice(0, 2)];
    const report = await runEtcdHealth({ endpoints });
    expect(report.status).toBe('found');
    expect(criticals(report)).toEqual([]);
    expect(isFinished(report)).toBe(true);
  });

  test('except one without a leader, the quorum is lost', async () => {
    const report = await runOnFakes({ leader: '', members: [{}, down, hung] });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(criticals(report)).toEqual(['critical quorum-lost']);
  });

  test('except two of five without a leader, the quorum is lost', async () => {
    const report = await runOnFakes({ leader: '', members: [{}, {}, down, down, hung] });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(summaryOf(report, 'quorum-lost')).toContain('2 of 5 members');
  });

  test('except three of five with a leader, it is a warning', async () => {
    const report = await runOnFakes({ members: [{}, {}, {}, down, hung] });
    expect(faults(report)).toEqual(['warning member-unreachable']);
    expect(isFinished(report)).toBe(true);
  });

  test('except a leader that still believes it leads, the quorum is lost', async () => {
    const answers: FakeAnswers = { 'quorum read': hangs };
    const report = await runOnFakes({ members: [{ answers }, down, down] });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(criticals(report)).toEqual(['critical quorum-lost']);
  });
});

describe('endpoints that Wrench cannot reach', () => {
  test.each([
    ['names that are not known here', UNRESOLVABLE],
    ['one name that is not known here', [UNRESOLVABLE[0]]],
  ])('are unknown, not down: %s', async (_, endpoints) => {
    const report = await runEtcdHealth({ endpoints });
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
    expect(isFinished(report)).toBe(true);
    expect(report.gapsAt).toHaveLength(endpoints.length);
  });

  test('are unknown, not down, at addresses that drop packets', async () => {
    const endpoints = [await blackhole(), await blackhole(), await blackhole()];
    const report = await runEtcdHealth({ endpoints });
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
    expect(isFinished(report)).toBe(true);
    expect(report.gapsAt).toHaveLength(3);
  });

  test('are unknown, not down, if one drops packets and the name of another does not resolve', async () => {
    const report = await runEtcdHealth({ endpoints: [await blackhole(), UNRESOLVABLE[0]] });
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
    expect(report.gapsAt).toHaveLength(2);
  });

  test('are a warning, but not called down, if two of three members agree', async () => {
    const report = await runOnFakes({ members: [{}, {}, { url: await blackhole() }] });
    expect(faults(report)).toEqual(['warning member-unreachable']);
    expect(report.report.verdict).toContain('unreachable from here');
    expect(report.report.verdict).not.toContain('not respond');
  });

  test.each<[string, FakeAnswer]>([
    ['a load balancer without a backend', { status: 502, text: '<html>Bad Gateway</html>' }],
    ['a web server', { text: '<html>Welcome to nginx!</html>' }],
    ['a web server that knows none of the paths', { status: 404, text: 'Not Found' }],
    ['a portal that sends elsewhere', (_, response) => response.writeHead(302, { location: '/login' }).end()],
  ])('are unknown, not down, if %s responds instead', async (_, answer) => {
    const members: readonly FakeMember[] = [{ answers: always(answer) }, { answers: always(answer) }];
    const report = await runOnFakes({ members });
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
  });
});

describe('members whose advertised names do not resolve', () => {
  // https://github.com/etcd-io/etcd/issues/13097
  test('cannot be queried, but the one configured endpoint shows a majority', async () => {
    const etcd = await start({ advertise: 'nowhere' });
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd).slice(0, 1) });
    expect(report.findings).toEqual([]);
    expect(report.status).toBe('unknown');
    expect(report.text).not.toContain('not respond');
    expect(report.gapsAt).toEqual(['etcd/etcd-z1-1', 'etcd/etcd-z2-0']);
  });

  test('are clear if all endpoints are configured', async () => {
    const etcd = await start({ advertise: 'nowhere' });
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(faults(report)).toEqual([]);
    expect(report.gapsAt).toEqual([]);
  });

  test('are identified by elimination if all are configured and one is killed', async () => {
    const etcd = await start({ advertise: 'nowhere' });
    await etcd.kill(2);
    await etcd.leader();
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(faults(report)).toEqual(['warning member-unreachable']);
    expect(summaryOf(report, 'member-unreachable')).toContain('etcd-z2-0');
  });

  test('lose the quorum if all are configured and two are killed', async () => {
    const etcd = await start({ advertise: 'nowhere' });
    await etcd.kill(1);
    await etcd.kill(2);
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(verdictOn(report)).toEqual(OUTAGE);
    expect(criticals(report)).toEqual(['critical quorum-lost']);
  });

  test('are at most a warning, and never clear, if one of two configured members is down', async () => {
    const report = await runOnFakes({
      members: [
        { listed: { clientURLs: [UNRESOLVABLE[0]] } },
        { state: 'down', listed: { clientURLs: [UNRESOLVABLE[1]] } },
      ],
    });
    expect(report.status).not.toBe('clear');
  });

  test('lose the quorum if the only configured one is cut off from the others', async () => {
    const etcd = await start({ advertise: 'nowhere' });
    await etcd.kill(1);
    await etcd.kill(2);
    await etcd.untilLeaderless(0);
    expect(verdictOn(await runEtcdHealth({ endpoints: urlsOf(etcd).slice(0, 1) }))).toEqual(OUTAGE);
  });
});

describe('behind a load balancer, a real cluster', () => {
  async function balance(etcd: Etcd): Promise<string> {
    const balancer = await startBalancer(etcd.members.map(({ port }) => port));
    closers.push(balancer.close);
    return balancer.url;
  }

  test('is clear if it is the only endpoint and all members are healthy', async () => {
    const report = await runEtcdHealth({ endpoints: [await balance(await start())] });
    expect(report).toMatchObject({ gapsAt: [] });
    expect(faults(report)).toEqual([]);
  });

  test('is one cluster if it is configured three times', async () => {
    const etcd = await start();
    const endpoints = [await balance(etcd), await balance(etcd), await balance(etcd)];
    const report = await runEtcdHealth({ endpoints });
    expect(faults(report)).toEqual([]);
  });

  test('has no finding if the advertised names do not resolve', async () => {
    const etcd = await start({ advertise: 'nowhere' });
    const report = await runEtcdHealth({ endpoints: [await balance(etcd)] });
    expect(report.findings).toEqual([]);
    expect(report.text).not.toContain('not respond');
  });

  test('is never clear if one member hangs', async () => {
    const etcd = await start();
    etcd.pause((await etcd.leader()) === 0 ? 1 : 0);
    const report = await runEtcdHealth({ endpoints: [await balance(etcd)] });
    expect(report.status).not.toBe('clear');
    expect(criticals(report)).toEqual([]);
  });

  test('loses the quorum if two members are killed', async () => {
    const etcd = await start();
    const url = await balance(etcd);
    await etcd.kill(1);
    await etcd.kill(2);
    await etcd.untilLeaderless(0);
    // Two of three connections are closed, so the responses vary.
    expect((await runEtcdHealth({ endpoints: [url] })).status).not.toBe('clear');
  });
});

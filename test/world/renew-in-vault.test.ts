import { afterEach, beforeEach, expect, test } from 'vitest';
import { check } from '../../commands/certs/expiring/check.ts';
import { renew } from '../../commands/shared/renew.ts';
import { readArguments } from '../../src/check/arguments.ts';
import type { ReadContext } from '../../src/check/context.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { applyRemediation, planRemediation } from '../../src/check/run-remediation.ts';
import type { Source } from '../../src/ports/source.ts';
import { vaultConfig } from '../../src/sources/vault/config.ts';
import { openVault } from '../../src/sources/vault/open.ts';
import { issue, makeAuthority } from './ca.ts';
import { asSafe, asSafeAuthority } from './safe-secrets.ts';
import { startVault, type Vault } from './vault.ts';

/**
 * Folders from the outage behind "Downloading Failed", each with its CA next to it, as `safe` stores them.
 */
const FOLDERS = [
  'bbs/locket/tls',
  'cell/rep/tls',
  'cell/rep/diego/rep',
  'syslogger/scalablesyslog/adapter/tls',
];
const VALID = { notBefore: new Date('2018-07-13T22:25:49Z'), notAfter: new Date('2019-07-12T22:25:49Z') };

let vault: Vault;
let source: Source;
beforeEach(async () => {
  vault = await startVault();
  await vault.mount('secret', '2');
  const authority = await makeAuthority({ name: 'cf-internal-ca' });
  for (const folder of FOLDERS) {
    const name = `${folder.split('/')[1]}.service.cf.internal`;
    await vault.put(`secret/${folder}/ca`, asSafeAuthority(authority, '1a2b'));
    await vault.put(`secret/${folder}/cert`, asSafe(await issue(authority, { name, ...VALID })));
  }
  const auth = { token: vault.rootToken };
  source = openVault(
    vaultConfig.parse({ kind: 'vault', url: vault.address, paths: ['secret'], auth, allow: { renew: {} } }),
  );
});
afterEach(async () => {
  await source.close();
  await vault.close();
});

function runExpiring(): Promise<Report> {
  return runCheck(check, {
    check: 'certs/expiring',
    environment: 'prod',
    args: readArguments(check, { bare: [], flags: new Map() }),
    read: { certificates: [source.reads.certificates!] },
    now: new Date(),
    signal: new AbortController().signal,
    deadlineMs: 10_000,
  });
}

function context(): ReadContext<'certificates'> {
  return {
    read: { certificates: [source.reads.certificates!] },
    now: new Date(),
    signal: new AbortController().signal,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: () => undefined,
  };
}

test('every expired certificate is offered, renewed as planned, and gone when checked again', async () => {
  const before = await runExpiring();
  expect(before.verdict).toBe('4 of 5 certificates have expired');
  const offers = before.findings.flatMap((finding) => finding.offers ?? []);
  expect(offers.map(({ title }) => title).toSorted()).toEqual([
    'Renew adapter/tls/cert',
    'Renew all 4',
    'Renew diego/rep/cert',
    'Renew locket/tls/cert',
    'Renew rep/tls/cert',
  ]);

  const recorded: string[] = [];
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: new AbortController().signal };
  const write = { certificates: () => source.writes!.certificates! };
  const recordStep = async (line: string): Promise<void> => void recorded.push(line);
  for (const { params } of offers.filter(({ each }) => !each)) {
    const asked = renew.params.parse(params);
    const plan = await renew.plan(context(), asked);
    const travelled = JSON.parse(JSON.stringify(plan)) as typeof plan;
    expect(await renew.plan(context(), asked)).toEqual(travelled);
    await renew.apply({ ...context(), write, applyContext, recordStep }, asked, travelled);
    await expect(
      renew.apply({ ...context(), write, applyContext, recordStep }, asked, travelled),
    ).rejects.toThrow('after it was planned');
  }

  expect(recorded).toHaveLength(4);
  expect(
    recorded.every((line) => / renewed in secret\/.+\/cert until .+: serial 1a2b, SHA-256 /.test(line)),
  ).toBe(true);
  expect(await runExpiring()).toMatchObject({ status: 'clear', examined: 5, findings: [] });
});

test('one plan renews all certificates that expired together, checks each again first, and skips those renewed since', async () => {
  const [finding] = (await runExpiring()).findings;
  const [all, single] = finding?.offers ?? [];
  expect(all).toMatchObject({ title: 'Renew all 4', each: { length: 4 } });
  expect(finding?.targets).toEqual(all?.each?.map(({ target }) => target));
  const options = {
    read: { certificates: [source.reads.certificates!] },
    now: new Date(),
    signal: new AbortController().signal,
    deadlineMs: 10_000,
    redact: (text: string) => text,
  };
  const plan = await planRemediation(renew, all!, options);
  expect(plan.lines).toHaveLength(4);
  expect(plan.lines[0]).toMatch(
    /^Issue a new certificate for .+ signed by cf-internal-ca \(secret\/.+\/ca\); everything else in the secret is kept$/,
  );
  expect(plan.targets).toHaveLength(8);

  const steps: string[] = [];
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: options.signal };
  const recordStep = async (line: string): Promise<void> => void steps.push(line);
  const applied = {
    ...options,
    write: { certificates: () => source.writes!.certificates! },
    applyContext,
    recordStep,
    confirmMayContinue: async () => undefined,
  };
  const stillFound = new Set(finding?.targets);
  await applyRemediation(renew, single!, await planRemediation(renew, single!, options), {
    ...applied,
    stillFound,
  });
  expect((await runExpiring()).findings[0]?.targets).toEqual(
    finding?.targets?.filter((target) => target !== single?.target),
  );
  await applyRemediation(renew, all!, plan, { ...applied, stillFound });

  expect(steps.filter((line) => line.includes(' renewed in '))).toHaveLength(4);
  expect(steps.filter((line) => line.startsWith(`Skipped ${single?.target}: `))).toHaveLength(1);
  expect(await runExpiring()).toMatchObject({ status: 'clear', examined: 5, findings: [] });
});

import { describe, expect, test } from 'vitest';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { type CaseFile, readCaseFile } from './case-file.ts';

/** Inputs rebuilt from public reports, and variations of them, through the real sources. */

const rotation = (input: string | CaseFile) =>
  askCase(typeof input === 'string' ? `certificates/${input}` : input, { check: 'certs/rotation' });

type Servers = NonNullable<CaseFile['certificates']>;

/** A case with changed text, or with other servers. */
async function varied(
  name: string,
  changes: readonly (readonly [string | RegExp, string])[],
  change: (servers: Servers) => Servers = (servers) => servers,
): Promise<CaseVerdict> {
  const file = await readCaseFile(new URL(`certificates/${name}.json`, import.meta.url).pathname);
  let text = JSON.stringify(file.certificates);
  for (const [from, to] of changes)
    text = text.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'g'), to);
  return rotation({ ...file, certificates: change(JSON.parse(text) as Servers) });
}

function withoutDirector(servers: Servers): Servers {
  const entries = Object.entries(servers).filter(([name]) => name !== 'bosh');
  return Object.fromEntries(entries) as unknown as Servers;
}

const summary = ({ status, faults, offers }: CaseVerdict) => ({ status, faults, offers });

/** The checklist: `[ ] 1 Pipeline: deploy …`. */
function stepsOf({ report }: CaseVerdict): readonly string[] {
  return report.findings.flatMap(({ evidence = [] }) =>
    evidence.flatMap((one) =>
      one.kind === 'field' && one.label.startsWith('[') ? [`${one.label} ${one.value}`] : [],
    ),
  );
}

/** https://github.com/cloudfoundry/bosh/issues/2207 */
describe('a new authority that one instance does not trust', () => {
  test('is deployed before the flag moves, and nothing is offered', async () => {
    const verdict = await rotation('c02');
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: ['warning /bosh/cf/uaa_ca', 'warning /bosh/cf/uaa_ssl'],
      offers: [],
    });
    expect(verdict.report.findings).toMatchObject([{ target: '/bosh/cf/uaa_ca' }]);
    expect(verdict.report.verdict).toContain('expires in 23 days');
    expect(verdict.report.verdict).toContain('api/7f1c trusts only the old one');
    expect(stepsOf(verdict)[1]).toMatch(/^\[ \] 1 Pipeline: deploy/);
    expect(verdict.text).not.toContain('bulk-regenerate');
  });

  test('is ready for the flag once both files have both', async () => {
    const verdict = await varied('c02', [], ({ files, ...others }) => {
      const both = files.find(({ instance }) => instance === 'router/02aa')?.content ?? '';
      return { ...others, files: files.map((one) => ({ ...one, content: both })) };
    });
    expect(verdict.report.verdict).toContain('move the flag to the old version');
    expect(stepsOf(verdict)[1]).toMatch(/^\[x\] Deployed as trusted: 2 trust files/);
    expect(verdict.offers).toEqual([]);
  });

  test('is not known to be deployed if no file was read', async () => {
    const verdict = await varied('c02', [], (servers) => ({ ...servers, files: [] }));
    expect(verdict.faults).toContain('warning /bosh/cf/uaa_ca');
    expect(stepsOf(verdict)[1]).toMatch(/^\[\?\] 1 /);
  });
});

/** https://github.com/cloudfoundry/credhub/issues/181 */
describe('an authority in use that ends behind a newer transitional version', () => {
  test('ends with what it signed, in this order', async () => {
    const verdict = await rotation('c03');
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: [
        'warning /bosh/cf/diego_bbs_server',
        'warning /bosh/cf/diego_rep_client',
        'warning /bosh/cf/service_cf_internal_ca',
      ],
      offers: [],
    });
    expect(verdict.report.verdict).toContain('expires in 9 days, with 2 certificates');
    expect(stepsOf(verdict).map((step) => /(?<=: |New )\w+/.exec(step)?.[0])).toEqual([
      'version',
      'deploy',
      'make',
      'regenerate',
      'deploy',
      'clear',
      'deploy',
    ]);
  });

  test('is critical in its last days', async () => {
    const verdict = await varied('c03', [['2026-12-05T12:00:00Z', '2026-11-28T12:00:00Z']]);
    expect(verdict.report.findings).toMatchObject([{ severity: 'critical' }]);
  });

  test('whose flag was moved may still have signed them, which no content shows', async () => {
    const verdict = await varied('c03', [
      ['"transitional":true', '"transitional":"x"'],
      [
        /"expiry_date":"2026-12-05T12:00:00Z","transitional":false/,
        '"expiry_date":"2026-12-05T12:00:00Z","transitional":true',
      ],
      ['"transitional":"x"', '"transitional":false'],
    ]);
    expect(verdict.report.findings).toMatchObject([{ severity: 'warning' }]);
    expect(verdict.report.verdict).toContain('2 certificates may still be signed by the old version');
  });
});

/** https://github.com/cloudfoundry/credhub/issues/377 */
describe('an authority that the former version of its parent signed', () => {
  test('is regenerated as transitional, and its parent is not touched', async () => {
    const verdict = await rotation('c04');
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: ['warning /bosh/cf/diego_instance_identity_ca'],
      offers: ['renew'],
    });
    expect(verdict.report.findings[0]?.offers).toMatchObject([{ params: { asTransitional: true } }]);
    expect(verdict.report.verdict).toContain('expires in 11 days');
    expect(verdict.text).not.toContain('bulk-regenerate');
  });

  test('is not known to be signed by it without contents: labelled, and without a button', async () => {
    const verdict = await varied('c04', [], ({ credhub = {}, ...others }) => ({
      ...others,
      credhub: Object.fromEntries(Object.entries(credhub).filter(([call]) => !call.includes('/data?'))),
    }));
    expect(verdict.report.findings).toMatchObject([{ severity: 'warning', reason: 'signer-unknown' }]);
    expect(verdict.offers).toEqual([]);
  });

  test('that ends after the window needs no one yet', async () => {
    // The contents would still say when the former version really ends.
    const withoutContents = ({ credhub, ...servers }: Servers) => ({
      ...servers,
      credhub: Object.fromEntries(
        Object.entries(credhub ?? {}).filter(([call]) => call.endsWith('/certificates')),
      ),
    });
    const dates = [['2026-12-08T06:00:00Z', '2027-12-08T06:00:00Z']] as const;
    const verdict = await varied('c04', dates, withoutContents);
    expect(summary(verdict)).toEqual({ status: 'clear', faults: [], offers: [] });
  });
});

/** https://github.com/cert-manager/cert-manager/issues/2478 */
describe('a CA of cert-manager that was renewed with a new key', () => {
  test('is done, and what the former key signed is renewed', async () => {
    const verdict = await rotation('c10');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['critical fin/ledger']);
    expect(verdict.report.verdict).toContain('signed by a former key of fin/platform-ca');
    expect(stepsOf(verdict)[0]).toBe('[x] fin/platform-ca has a new key, done 2026-11-20');
    expect(JSON.stringify(verdict.report.findings.map(({ offers = [] }) => offers))).not.toContain(
      'platform-ca',
    );
  });

  test('breaks nothing while its bundle is not the one that clients use', async () => {
    const verdict = await varied('c10', [], (servers) => ({ ...servers, tls: [] }));
    expect(verdict.faults).toEqual(['warning fin/ledger']);
  });
});

/** https://github.com/hashicorp/vault/issues/13193 */
describe('an issuer that ends before what its roles issue', () => {
  test('comes first, and the leaf has no button', async () => {
    const verdict = await rotation('c14');
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: ['warning int-2022', 'warning kv/edge/gw'],
      offers: [],
    });
    for (const fact of ['expires in 49 days', 'since 2026-10-17', '90 days', 'ttl below 49 days'])
      expect(verdict.text).toContain(fact);
  });

  test('that truncates issues certificates that end with it', async () => {
    const verdict = await varied('c14', [
      ['"leaf_not_after_behavior":"err"', '"leaf_not_after_behavior":"truncate"'],
    ]);
    expect(verdict.report.verdict).toContain('end with it, earlier than usual');
  });

  test('that lasts longer than its longest ttl needs no one, and the leaf is renewed', async () => {
    const verdict = await varied('c14', [[/7776000/, '86400']]);
    expect(verdict.faults).toContain('warning kv/edge/gw');
  });
});

/** https://github.com/pivotal/credhub-release/blob/main/docs/ca-rotation.md */
describe('a rotation before its last step', () => {
  test('is information, although the old version ends soon', async () => {
    const verdict = await rotation('c15');
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: ['info /bosh/cf/loggregator_ca'],
      offers: [],
    });
    expect(verdict.report.verdict).toContain('clear the flag of the old version and deploy');
  });

  test('is not at its last step while the director uses an older version', async () => {
    const verdict = await varied('c15', [
      [
        /"id":"e0b49aee-cf66-40c7-8f1a-992cb08728e0","expiry_date":"2027-11-15T10:00:00Z","days_left"/,
        '"id":"366ea556-69e2-477a-9744-5921931f33f8","expiry_date":"2027-03-01T10:00:00Z","days_left"',
      ],
    ]);
    expect(verdict.report.findings).toMatchObject([{ severity: 'warning', reason: 'rotation-in-progress' }]);
    expect(verdict.text).toContain('cf still uses an older version');
  });

  test('is not known to be deployed without the director', async () => {
    const verdict = await varied('c15', [], withoutDirector);
    expect(verdict.report.findings).toMatchObject([{ severity: 'warning', reason: 'rotation-in-progress' }]);
  });
});

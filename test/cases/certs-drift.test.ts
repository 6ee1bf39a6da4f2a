import { describe, expect, test } from 'vitest';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { type CaseFile, readCaseFile } from './case-file.ts';

/** Inputs rebuilt from public reports, and variations of them, through the real sources. */

const drift = (input: string | CaseFile) =>
  askCase(typeof input === 'string' ? `certificates/${input}` : input, { check: 'certs/drift' });

/** A case with changed text. */
async function varied(
  name: string,
  ...changes: readonly (readonly [string | RegExp, string])[]
): Promise<CaseVerdict> {
  const file = await readCaseFile(new URL(`certificates/${name}.json`, import.meta.url).pathname);
  let text = JSON.stringify(file.certificates);
  for (const [from, to] of changes)
    text = text.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'g'), to);
  return drift({ ...file, certificates: JSON.parse(text) as NonNullable<CaseFile['certificates']> });
}

const summary = ({ status, faults, offers }: CaseVerdict) => ({ status, faults, offers });

/** https://github.com/cloudfoundry/bosh-deployment/issues/421 */
describe('a deployment that keeps the versions of its last deploy', () => {
  test('needs a deploy, and nothing else is offered', async () => {
    const verdict = await drift('c01');
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: ['critical /dns_healthcheck_server_tls', 'critical /dns_healthcheck_tls_ca'],
      offers: [],
    });
    expect(verdict.report.findings).toMatchObject([{ target: 'minio' }]);
    for (const fact of ['expired 7 days ago', 'bosh -d minio deploy', '902'])
      expect(verdict.text).toContain(fact);
    expect(verdict.text).not.toContain('redis');
  });

  test('is a warning while the former versions are valid', async () => {
    const verdict = await varied('c01', [/2026-11-19T09/, '2027-06-19T09']);
    expect(verdict.faults).toEqual([
      'warning /dns_healthcheck_server_tls',
      'warning /dns_healthcheck_tls_ca',
    ]);
  });

  test('is clear after the deploy', async () => {
    const verdict = await varied(
      'c01',
      [
        /"id":"2758b1b6-54bd-4318-b9fa-f8573a530db3","expiry_date":"2026-11-19T09:10:31Z","days_left"/,
        '"id":"50b95842-c483-405e-951f-1873c21d800c","expiry_date":"2027-11-24T15:02:11Z","days_left"',
      ],
      [
        /"id":"ce043fee-7d92-4555-96a6-8311262dcb93","expiry_date":"2026-11-19T09:12:02Z","days_left"/,
        '"id":"55d99bea-d39d-4543-b165-11fbd68da23a","expiry_date":"2027-11-24T15:04:40Z","days_left"',
      ],
    );
    expect(summary(verdict)).toEqual({ status: 'clear', faults: [], offers: [] });
  });

  test('whose names CredHub does not show is not clear: missing permission looks like absence', async () => {
    const verdict = await varied(
      'c01',
      ['"name":"/dns_healthcheck_server_tls","signed_by"', '"name":"/other","signed_by"'],
      [/2026-11-19T09/, '2027-11-24T15'],
    );
    expect(verdict.text).toContain('no store lists /dns_healthcheck_server_tls');
  });
});

describe('a rotation that stopped half-way', () => {
  test('is one finding with the cells, the task and the steps', async () => {
    const verdict = await drift('c05');
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: ['critical diego-cell/1b', 'critical diego-cell/2c'],
      offers: [],
    });
    expect(verdict.report.findings).toHaveLength(1);
    for (const fact of ['task 8841', '57 minutes', 'remote error: tls: expired certificate', 'version 7'])
      expect(verdict.text).toContain(fact);
  });

  test('is reported without a director too', async () => {
    const verdict = await varied('c05', [/Updating instance/, 'Compiling packages']);
    expect(verdict.faults).toEqual(['critical diego-cell/1b', 'critical diego-cell/2c']);
  });
});

/** https://github.com/cloudfoundry/bosh/issues/2307 */
test('an agent whose certificate has expired is created again, and so is one whose certificate ends in days', async () => {
  const verdict = await drift('c06');
  expect(summary(verdict)).toEqual({
    status: 'found',
    faults: ['critical billing/90b2a6ff', 'critical billing/e41c77d0'],
    offers: [],
  });
  expect(verdict.about('billing/e41c77d0')).toContain('bosh -d billing recreate billing/e41c77d0 --fix');
});

/** https://github.com/pivotal-cf/om/issues/583 */
test('a service instance that Ops Manager lists as outdated is one finding, with nested certificates', async () => {
  const verdict = await drift('c07');
  expect(summary(verdict)).toEqual({
    status: 'found',
    faults: ['warning /opsmgr/p-mysql/instance_tls', 'warning /services/tls_ca'],
    offers: [],
  });
  expect(verdict.report.findings).toMatchObject([
    { target: 'service-instance_ca86fecb-2ab3-4c8f-8628-aae91d0be0a7' },
  ]);
});

test('an Ops Manager that does not tell what is outdated is not clear', async () => {
  const verdict = await varied(
    'c07',
    ['/api/v1/', '/api/v0/'],
    ['"version":"3.0.37"', '"version":"2.10.44"'],
    [/"outdated_deployments":\[[^\]]*\],/, ''],
  );
  expect(verdict.status).toBe('unknown');
  expect(verdict.text).toContain("doesn't say which deployments use former versions");
});

/** https://github.com/cert-manager/cert-manager/issues/2941 */
test('two Certificates with one Secret are one finding, and neither is renewed', async () => {
  const verdict = await drift('c09');
  expect(summary(verdict)).toEqual({
    status: 'found',
    faults: ['warning pay/a', 'warning pay/b'],
    offers: [],
  });
});

/** https://github.com/cert-manager/cert-manager/issues/2478 */
describe('a leaf that the former key of its authority signed', () => {
  test('is critical if clients trust only the new key, and may be renewed', async () => {
    const verdict = await drift('c10');
    expect(summary(verdict)).toEqual({ status: 'found', faults: ['critical fin/ledger'], offers: ['renew'] });
    expect(verdict.text).toContain('ConfigMap fin/trust');
  });
});

/** https://github.com/prometheus-operator/prometheus-operator/issues/5527 */
describe('a pod that mounts its certificate with subPath', () => {
  test('is restarted by its StatefulSet', async () => {
    const verdict = await drift('c11');
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: ['critical mon/alertmanager-0'],
      offers: ['restart-workload'],
    });
    expect(verdict.text).toContain('subPath');
  });

  test.each([
    ['the rollout is paused', { paused: true }, 'its rollout is paused'],
    ['pods are only replaced when deleted', { updateStrategy: { type: 'OnDelete' } }, '`OnDelete`'],
  ])('is not restarted if %s', async (_, spec, because) => {
    const file = await readCaseFile(new URL('certificates/c11.json', import.meta.url).pathname);
    const statefulSet = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'alertmanager', namespace: 'mon', uid: 'uid-alertmanager' },
      spec,
    };
    const kubernetes = {
      ...file.certificates!.kubernetes,
      'GET /apis/apps/v1/namespaces/mon/statefulsets/alertmanager': statefulSet,
    };
    const verdict = await drift({ ...file, certificates: { ...file.certificates!, kubernetes } });
    expect(verdict.offers).toEqual([]);
    expect(verdict.text).toContain(`To restart it from here: `);
    expect(verdict.text).toContain(because);
  });

  test('is not restarted if it started after the certificate was issued', async () => {
    const verdict = await varied('c11', [
      '"startTime":"2026-09-05T10:00:00Z"',
      '"startTime":"2026-11-20T10:00:00Z"',
    ]);
    expect(summary(verdict)).toEqual({
      status: 'found',
      faults: ['critical mon/alertmanager-0'],
      offers: [],
    });
  });
});

/** https://github.com/kubernetes/ingress-nginx/issues/4680 */
describe('a default certificate of an ingress controller', () => {
  test('is served because the Secret is for another name', async () => {
    const verdict = await drift('c12');
    expect(summary(verdict)).toEqual({ status: 'found', faults: ['critical shop.example'], offers: [] });
    expect(verdict.text).toContain('Secret shop/shop-tls is only for www.shop.example');
  });

  test('is explained by a Secret that was only read by name', async () => {
    const file = await readCaseFile(new URL('certificates/c12.json', import.meta.url).pathname);
    const { 'GET /api/v1/secrets?fieldSelector=type=kubernetes.io/tls': list, ...others } =
      file.certificates!.kubernetes!;
    const [secret] = (list as { readonly items: readonly unknown[] }).items;
    const kubernetes = { ...others, 'GET /api/v1/namespaces/shop/secrets/shop-tls': secret };
    const verdict = await drift({ ...file, certificates: { ...file.certificates!, kubernetes } });
    expect(verdict.text).toContain('Secret shop/shop-tls is only for www.shop.example');
  });

  test('is served because no Ingress has TLS for the host', async () => {
    const verdict = await varied('c12', ['"hosts":["shop.example"]', '"hosts":["other.example"]']);
    // The Secret is not for the host of that Ingress either.
    expect(verdict.faults).toEqual(['critical shop.example', 'warning other.example']);
    expect(verdict.text).toContain('no Ingress has TLS for shop.example');
  });
});

/** https://github.com/kubernetes/website/issues/28875 */
test('a static pod that has not loaded its renewed file is restarted by moving its manifest', async () => {
  const verdict = await drift('c13');
  expect(summary(verdict)).toEqual({ status: 'found', faults: ['critical cp-1 kube-apiserver'], offers: [] });
  expect(verdict.text).toContain('/etc/kubernetes/manifests/kube-apiserver.yaml');
  expect(verdict.text).not.toContain('cp-2');
});

test.each(['c15', 'c16'])('healthy: %s', async (name) => {
  expect(summary(await drift(name))).toEqual({ status: 'clear', faults: [], offers: [] });
});

test('a Secret that is minutes old is waited for, and one that is hours old is not', async () => {
  const file = await readCaseFile(new URL('certificates/c16.json', import.meta.url).pathname);
  const later = await drift({ ...file, now: '2026-11-26T14:00:00Z' });
  expect(later.faults.some((fault) => fault.includes('young'))).toBe(true);
});

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { askCase } from './ask-case.ts';

type Expected = [
  what: string,
  name: string,
  check: 'drift' | 'rotation' | 'expiring',
  status: 'found' | 'clear',
  faults: readonly string[],
  offers?: readonly string[],
];

/** Inputs rebuilt from public reports, each through real servers, machines and sites. Where the reports are: the tests of each check. */
test.each<Expected>([
  [
    'a deployment pinned to expired versions',
    'c01',
    'drift',
    'found',
    ['critical /dns_healthcheck_server_tls', 'critical /dns_healthcheck_tls_ca'],
  ],
  [
    'a new CA that one trust file lacks',
    'c02',
    'rotation',
    'found',
    ['warning /bosh/cf/uaa_ca', 'warning /bosh/cf/uaa_ssl'],
  ],
  [
    'a CA in use behind a transitional version',
    'c03',
    'expiring',
    'found',
    [
      'warning credhub:/bosh/cf/diego_bbs_server',
      'warning credhub:/bosh/cf/diego_rep_client',
      'warning credhub:/bosh/cf/service_cf_internal_ca',
    ],
  ],
  [
    'the same, step by step',
    'c03',
    'rotation',
    'found',
    [
      'warning /bosh/cf/diego_bbs_server',
      'warning /bosh/cf/diego_rep_client',
      'warning /bosh/cf/service_cf_internal_ca',
    ],
  ],
  [
    'a CA signed by a former version of its CA',
    'c04',
    'expiring',
    'found',
    ['warning credhub:/bosh/cf/diego_instance_identity_ca'],
  ],
  [
    'the same, step by step',
    'c04',
    'rotation',
    'found',
    ['warning /bosh/cf/diego_instance_identity_ca'],
    ['renew'],
  ],
  [
    'a deploy that hangs between old and new peers',
    'c05',
    'drift',
    'found',
    ['critical diego-cell/1b', 'critical diego-cell/2c'],
  ],
  [
    'the certificates of agents',
    'c06',
    'drift',
    'found',
    ['critical billing/90b2a6ff', 'critical billing/e41c77d0'],
  ],
  [
    'a service instance that was not upgraded',
    'c07',
    'drift',
    'found',
    ['warning /opsmgr/p-mysql/instance_tls', 'warning /services/tls_ca'],
  ],
  [
    'a certificate in a tile',
    'c07',
    'expiring',
    'found',
    ['warning opsman:cf-23dbd1a7-26c4-4077-a.properties.networking_poe_ssl_certs'],
  ],
  [
    'an expired certificate that says Ready',
    'c08',
    'expiring',
    'found',
    ['critical kubernetes:certificates/shop/shop'],
  ],
  ['two certificates for one Secret', 'c09', 'drift', 'found', ['warning pay/a', 'warning pay/b']],
  ['a leaf of the former key of its CA', 'c10', 'drift', 'found', ['critical fin/ledger'], ['renew']],
  ['the same, step by step', 'c10', 'rotation', 'found', ['critical fin/ledger'], ['renew']],
  [
    'a Secret mounted with subPath',
    'c11',
    'drift',
    'found',
    ['critical mon/alertmanager-0'],
    ['restart-workload'],
  ],
  ['the default certificate of an ingress controller', 'c12', 'drift', 'found', ['critical shop.example']],
  ['an API server with its former certificate', 'c13', 'drift', 'found', ['critical cp-1 kube-apiserver']],
  [
    'an issuer that ends before what it issues',
    'c14',
    'rotation',
    'found',
    ['warning int-2022', 'warning kv/edge/gw'],
  ],
  ['a rotation at its last step', 'c15', 'drift', 'clear', []],
  ['the same', 'c15', 'rotation', 'found', ['info /bosh/cf/loggregator_ca']],
  ['the same', 'c15', 'expiring', 'clear', []],
  ['certificates renewed a moment ago', 'c16', 'drift', 'clear', []],
])('%s (%s, /certs %s)', async (_what, name, check, status, faults, offers = []) => {
  const verdict = await askCase(`certificates/${name}`, { check: `/certs ${check}` });
  expect([verdict.status, verdict.faults, verdict.offers]).toEqual([status, faults, offers]);
  expect(verdict.report.gaps).toEqual([]);
  const printed = JSON.stringify(verdict.report);
  for (const line of await keyLinesOf(name)) expect(printed).not.toContain(line);
});

/** The lines of all private keys in a case; the first of each is the same in all keys of a kind. */
async function keyLinesOf(name: string): Promise<readonly string[]> {
  const file = await readFile(new URL(`certificates/${name}.json`, import.meta.url), 'utf8');
  const text = file.replaceAll(String.raw`\\n`, '\n').replaceAll(String.raw`\n`, '\n');
  const decoded = (text.match(/LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g) ?? []).map((one) =>
    Buffer.from(one, 'base64').toString(),
  );
  const keys = [text, ...decoded].flatMap(
    (one) => one.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+/g) ?? [],
  );
  return keys.flatMap((key) =>
    key
      .split('\n')
      .slice(2)
      .filter((line) => line.length > 20),
  );
}

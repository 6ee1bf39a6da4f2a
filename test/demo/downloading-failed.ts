import { dirname } from 'node:path/posix';
import { type Authority, fullChain, issue, type Issued, makeAuthority } from '../world/ca.ts';
import { asSafeAuthority } from '../world/safe-secrets.ts';
import type { VaultUnderTest } from '../world/vault/administer.ts';

/**
 * The cause of "Downloading Failed" in July 2019, as described by Xiujiao Gao in "CF push app: ERR
 * Downloading Failed".
 */
const CULPRITS = [
  'api/cf_networking/policy_server_internal/server_cert',
  'syslogger/scalablesyslog/adapter/tls',
  'syslogger/scalablesyslog/adapter_rlp/tls',
  'loggregator_trafficcontroller/reverse_log_proxy/loggregator/tls/reverse_log_proxy',
  'bbs/silk-controller/cf_networking/silk_controller/server_cert',
  'bbs/silk-controller/cf_networking/silk_daemon/server_cert',
  'bbs/locket/tls',
  'diego/scheduler/scalablesyslog/scheduler/tls/api',
  'diego/scheduler/scalablesyslog/scheduler/tls/client',
  'cell/rep/diego/rep/server_cert',
  'cell/rep/tls',
  'cell/vxlan-policy-agent/cf_networking/vxlan_policy_agent/client_cert',
  'cell/silk-daemon/cf_networking/silk_daemon/client_cert',
] as const;

const NEIGHBOURS = [
  'uaa/tls',
  'uaa/saml',
  'router/ssl',
  'nats/tls',
  'doppler/tls',
  'credhub/tls',
  'cc/mutual_tls',
  'autoscaler/tls',
] as const;

/** A later CA of the same name is stored here: a renewal by it would not be trusted. */
const BESIDE_ANOTHER = 'syslogger/scalablesyslog/adapter';

const DAY_MS = 86_400_000;

interface VaultTokens {
  /** Read requests. */
  readonly token: string;
  readonly renewToken: string;
}

/**
 * Fills a Vault as the platform's was that morning: a year-old set that expired last night, healthy
 * neighbours, paths without read permission.
 */
export async function fillVault(vault: VaultUnderTest, now: Date): Promise<VaultTokens> {
  const later = await makeIssuer(now);
  const ca = await putExpired(vault, now);
  const keep = (path: string, name: string, from: number, until: number) =>
    put(vault, ca, { path, name, notBefore: daysFrom(now, from), notAfter: daysFrom(now, until) });

  for (const path of NEIGHBOURS) await keep(path, commonNameOf(path), -200, 520);
  await keep('mysql/tls', 'mysql.service.cf.internal', -353, 12);
  await vault.put(
    'secret/cf/old/tls',
    inSafesLayout(await issue(ca, { name: 'gone.service.cf.internal', keyType: 'p256' }), ca),
  );
  await vault.softDelete('secret/cf/old/tls');
  await vault.put(`secret/cf/${BESIDE_ANOTHER}/ca`, asSafeAuthority(later, '1'));
  await vault.put('secret/cf/payments/tls', {
    certificate: 'the platform team has no permission to read this',
  });
  return allow(vault);
}

/** Only the set that expired. Each of them can be renewed. */
export async function fillWithExpired(vault: VaultUnderTest, now: Date): Promise<VaultTokens> {
  await putExpired(vault, now);
  return allow(vault);
}

/** Stored next to the CA that signed them, as `safe` does, so that they can be renewed. */
async function putExpired(vault: VaultUnderTest, now: Date): Promise<Authority> {
  const ca = await makeIssuer(now);
  await vault.mount('secret', '2');
  const validity = { notBefore: daysFrom(now, -365.4), notAfter: daysFrom(now, -0.4) };
  for (const path of CULPRITS) await put(vault, ca, { path, name: commonNameOf(path), ...validity });
  for (const folder of new Set(CULPRITS.map((path) => dirname(path))))
    await vault.put(`secret/cf/${folder}/ca`, asSafeAuthority(ca, '1a2b'));
  return ca;
}

interface Stored {
  readonly path: string;
  readonly name: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

async function put(vault: VaultUnderTest, ca: Authority, { path, ...leaf }: Stored): Promise<void> {
  const issued = await issue(ca, { ...leaf, keyType: 'p256' });
  await vault.put(`secret/cf/${path}`, inSafesLayout(issued, ca));
}

function makeIssuer(now: Date): Promise<Authority> {
  const validity = { notBefore: daysFrom(now, -700), notAfter: daysFrom(now, 2_900) };
  return makeAuthority({ name: 'cf-internal-ca', keyType: 'p256', ...validity });
}

function daysFrom(now: Date, days: number): Date {
  return new Date(now.getTime() + days * DAY_MS);
}

async function allow(vault: VaultUnderTest): Promise<VaultTokens> {
  await vault.allow('wrench', {
    'secret/data/cf/payments/*': ['deny'],
    'secret/data/cf/*': ['read'],
    'secret/metadata/cf/*': ['list', 'read'],
    'secret/metadata/cf': ['list', 'read'],
    'secret/subkeys/cf/*': ['read'],
  });
  await vault.allow('wrench-renew', {
    'secret/data/cf/payments/*': ['deny'],
    'secret/data/cf/*': ['read', 'update'],
  });
  const [token, renewToken] = [
    await vault.issueToken({ policies: ['wrench'], ttl: '8h' }),
    await vault.issueToken({ policies: ['wrench-renew'], ttl: '8h' }),
  ];
  return { token, renewToken };
}

function inSafesLayout(leaf: Issued, ca: Authority): Record<string, string> {
  const certificate = fullChain(leaf, ca);
  return { certificate, key: leaf.keyPem, combined: certificate + leaf.keyPem };
}

function commonNameOf(path: string): string {
  const [job = ''] = path.split('/');
  return `${job.replaceAll('_', '-')}.service.cf.internal`;
}

import type { HttpClient } from '../../wire/http.ts';
import type { VaultConfig } from './config.ts';
import { asObject, textIn } from '../../wire/json-object.ts';

export interface VaultHealth {
  readonly version?: string;
  /** Why it accepts no reads, if it doesn't. */
  readonly because?: string;
  readonly hint?: string;
}

/** The meaning of each status: https://developer.hashicorp.com/vault/api-docs/system/health */
const STATES: Readonly<Record<number, readonly [because: string, hint: string]>> = {
  429: [
    "is a standby that doesn't forward requests",
    'configure the address of the active node, or of the load balancer in front of it',
  ],
  472: ['is a disaster recovery secondary, which accepts no reads', 'configure the address of the primary'],
  501: ['is not initialized', 'initialize it: `vault operator init`'],
  503: ['is sealed', 'unseal it: `vault operator unseal`'],
};

/** Needs no token. @throws {SourceError} if there is no response. */
export async function fetchHealth(
  config: VaultConfig,
  http: HttpClient,
  signal: AbortSignal,
): Promise<VaultHealth> {
  const { status, body } = await http.requestJson({
    url: `${config.url}/v1/sys/health?standbyok=true&perfstandbyok=true`,
    headers: { 'x-vault-request': 'true' },
    accept: [429, 472, 473, 501, 503],
    retries: 0,
    timeoutMs: config.timeoutMs,
    signal,
  });
  const facts = asObject(body);
  const version = textIn(facts, 'version');
  // A 503 from another server (such as a load balancer without a Vault behind it) doesn't mean that Vault is sealed.
  const state = 'sealed' in facts ? STATES[status] : undefined;
  return {
    ...(version !== undefined && /^[\w.+-]{1,40}$/.test(version) && { version }),
    ...(state && { because: `Vault at ${new URL(config.url).host} ${state[0]}`, hint: state[1] }),
  };
}

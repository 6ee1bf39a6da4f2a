import { capabilitiesOn, seesMount } from './policy.ts';
import {
  type VaultResponse,
  EMPTY,
  envelope,
  errors,
  type Policy,
  type VaultRequest,
  type Space,
  type Token,
  type VaultState,
} from './state.ts';

const VERSION = '1.18.5';

/** Requests that work without a token, even while sealed. `undefined` for other paths. */
export function answerOpenly(state: VaultState, { path, query }: VaultRequest): VaultResponse | undefined {
  const facts = {
    initialized: state.health !== 'uninitialised',
    sealed: state.health === 'sealed' || state.health === 'uninitialised',
  };
  if (path === 'sys/seal-status')
    return { status: 200, body: { type: 'shamir', ...facts, t: 3, n: 5, progress: 0, version: VERSION } };
  if (path !== 'sys/health') return undefined;
  const standby = state.health === 'standby' && query.get('standbyok') !== 'true';
  const status = { active: 200, standby: standby ? 429 : 200, sealed: 503, uninitialised: 501 }[state.health];
  const body = {
    ...facts,
    standby: state.health !== 'active',
    performance_standby: false,
    server_time_utc: Math.floor(state.now() / 1000),
    version: VERSION,
  };
  return { status, body };
}

export function answerSys(state: VaultState, question: VaultRequest, token: Token): VaultResponse {
  const { path, body } = question;
  const space = state.spaces.get(question.space)!;
  const own = state.spaces.get(token.space)!;
  const [, area = '', ...rest] = path.split('/');
  const name = rest.join('/');
  if (path.startsWith('sys/internal/ui/mounts'))
    return describeMounts(space, own, token, path.slice('sys/internal/ui/mounts'.length));
  if (area === 'capabilities-self') {
    const paths = (body['paths'] ?? []) as string[];
    const found = paths.map((at) => [at, orDeny(capabilitiesOn(token, own, at))] as const);
    return envelope({ data: { capabilities: found[0]?.[1] ?? [], ...Object.fromEntries(found) } });
  }
  if (area === 'mounts' && question.method === 'GET') {
    const tuned = space.mounts.get(name.replace(/tune$/, ''))?.pki?.tune;
    return tuned ? envelope({ data: { ...tuned, force_no_cache: false } }) : errors(404);
  }
  if (area === 'mounts' && question.method === 'DELETE') {
    space.mounts.delete(`${name}/`);
    return EMPTY;
  }
  if (area === 'mounts') {
    const { type, options } = body as { type: 'kv'; options?: { version: '1' | '2' } | null };
    space.mounts.set(`${name}/`, { type, options: options ?? null, secrets: new Map() });
    return EMPTY;
  }
  if (area === 'policies') {
    space.policies.set(name.replace('acl/', ''), parsePolicy(String(body['policy'])));
    return EMPTY;
  }
  if (area === 'auth') {
    space.logins.set(name, { type: body['type'] as 'approle', roles: new Map() });
    return EMPTY;
  }
  return errors(404);
}

const orDeny = (capabilities: readonly string[]): readonly string[] =>
  capabilities.length > 0 ? capabilities : ['deny'];

/** Vault accepts policies in HCL or, as here, in HCL's JSON form. */
function parsePolicy(text: string): Policy {
  const { path } = JSON.parse(text) as { path: Record<string, { capabilities: Policy[string] }> };
  return Object.fromEntries(Object.entries(path).map(([pattern, rule]) => [pattern, rule.capabilities]));
}

function describeMounts(space: Space, own: Space, token: Token, rest: string): VaultResponse {
  const seen = [...space.mounts].filter(([path]) => seesMount(token, own, path));
  const describe = ([path, { type, options }]: (typeof seen)[number]) => ({
    path,
    type,
    options,
    accessor: `${type}_0`,
    config: {},
    description: '',
    uuid: '',
  });
  if (rest.replaceAll('/', '') === '') {
    return envelope({
      data: { auth: {}, secret: Object.fromEntries(seen.map((mount) => [mount[0], describe(mount)])) },
    });
  }
  const asked = `${rest.replace(/^\//, '')}/`;
  const found = seen
    .filter(([path]) => asked.startsWith(path))
    .toSorted(([one], [other]) => other.length - one.length)[0];
  return found
    ? envelope({ data: describe(found) })
    : errors(
        403,
        `preflight capability check returned 403, please ensure client's policies grant access to path "${asked}"`,
      );
}

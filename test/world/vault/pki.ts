import { createPrivateKey } from 'node:crypto';
import { issue, type KeyType, makeKeys } from '../ca.ts';
import {
  durationMs,
  envelope,
  errors,
  type Pki,
  type PkiIssuer,
  type VaultRequest,
  type VaultResponse,
} from './state.ts';

/** A PKI engine that issues real certificates: https://developer.hashicorp.com/vault/api-docs/secret/pki */
export interface PkiRequest {
  readonly issuers: readonly (Pick<PkiIssuer, 'name' | 'authority'> &
    Partial<Pick<PkiIssuer, 'behavior' | 'usage' | 'isDefault'>>)[];
  readonly roles?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly tune?: Partial<Pki['tune']>;
  readonly isOld?: boolean;
}

const SYSTEM_TTL_SECONDS = 2_764_800;
const ROLE_DEFAULTS = {
  allow_any_name: false,
  allow_bare_domains: false,
  allow_glob_domains: false,
  allow_ip_sans: true,
  allow_localhost: true,
  allow_subdomains: false,
  allow_wildcard_certificates: true,
  allowed_domains: [],
  allowed_domains_template: false,
  allowed_uri_sans: [],
  cn_validations: ['email', 'hostname'],
  issuer_ref: 'default',
  key_bits: 256,
  key_type: 'ec',
  max_ttl: 0,
  no_store: false,
  require_cn: true,
  ttl: 0,
};

export function makePki({ issuers, roles = {}, tune = {}, isOld = false }: PkiRequest): Pki {
  return {
    issuers: issuers.map(({ name, authority, behavior = 'err', usage, isDefault }, index) => ({
      id: crypto.randomUUID(),
      name,
      authority,
      behavior,
      usage: usage ?? 'read-only,issuing-certificates,crl-signing',
      isDefault: isDefault ?? index === 0,
    })),
    roles: new Map(Object.entries(roles)),
    issued: new Map(),
    tune: { default_lease_ttl: SYSTEM_TTL_SECONDS, max_lease_ttl: SYSTEM_TTL_SECONDS, ...tune },
    isOld,
  };
}

const isList = ({ method, query }: Pick<VaultRequest, 'method' | 'query'>): boolean =>
  method === 'LIST' || (method === 'GET' && query.get('list') === 'true');

/** Certificates and the list of issuers need no token. */
export function isOpenInPki(question: VaultRequest, path: string): boolean {
  return (path.startsWith('cert/') && !isList(question)) || (path === 'issuers' && isList(question));
}

export interface PkiQuestion extends Omit<VaultRequest, 'path'> {
  /** Below the mount. */
  readonly path: string;
  readonly pki: Pki;
  readonly now: number;
  readonly onKey: (pem: string) => void;
}

export async function answerPki(question: PkiQuestion): Promise<VaultResponse> {
  const { pki, path, method } = question;
  const [verb = '', name = '', part] = path.split('/');
  if (isList(question)) return list(pki, verb);
  if (verb === 'issue' && method !== 'GET') return issueBy(question, name);
  if (method !== 'GET') return errors(405, 'unsupported operation');
  if (verb === 'cert') return readCertificate(pki, name);
  if (verb === 'roles') {
    const role = pki.roles.get(name);
    return role ? envelope({ data: { ...ROLE_DEFAULTS, ...role } }) : errors(404);
  }
  if (verb !== 'issuer' || pki.isOld) return errors(404, 'unsupported path');
  const issuer = find(pki, name);
  if (!issuer)
    return errors(500, `1 error occurred:\n\t* unable to find PKI issuer for reference: ${name}\n\n`);
  return envelope({ data: part === 'json' ? briefly(issuer) : describe(issuer) });
}

function find({ issuers }: Pki, reference: string): PkiIssuer | undefined {
  return issuers.find(
    ({ id, name, isDefault }) =>
      id === reference || name === reference || (reference === 'default' && isDefault),
  );
}

function list(pki: Pki, verb: string): VaultResponse {
  if (verb === 'roles')
    return pki.roles.size > 0 ? envelope({ data: { keys: [...pki.roles.keys()] } }) : errors(404);
  if (verb === 'certs') return envelope({ data: { keys: [...pki.issued.keys()] } });
  if (verb !== 'issuers' || pki.isOld) return errors(404, 'unsupported path');
  if (pki.issuers.length === 0) return errors(404);
  const facts = pki.issuers.map(({ id, name, isDefault }) => [
    id,
    { issuer_name: name, is_default: isDefault, key_id: crypto.randomUUID(), serial_number: '' },
  ]);
  return envelope({ data: { keys: pki.issuers.map(({ id }) => id), key_info: Object.fromEntries(facts) } });
}

/** From the issuer up to its root. */
function chainOf({ authority }: PkiIssuer): readonly string[] {
  const above = authority.servedPem.match(/-----BEGIN [\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return above.length > 0 ? above.map((pem) => pem) : [authority.certificatePem.trim()];
}

function briefly(issuer: PkiIssuer): object {
  return {
    certificate: issuer.authority.certificatePem.trim(),
    ca_chain: chainOf(issuer),
    issuer_id: issuer.id,
    issuer_name: issuer.name,
  };
}

function describe(issuer: PkiIssuer): object {
  return {
    ...briefly(issuer),
    key_id: crypto.randomUUID(),
    leaf_not_after_behavior: issuer.behavior,
    manual_chain: null,
    revoked: false,
    usage: issuer.usage,
  };
}

function readCertificate(pki: Pki, name: string): VaultResponse {
  const issuer = find(pki, 'default');
  const stored =
    {
      ca: issuer?.authority.certificatePem.trim(),
      ca_chain: issuer && chainOf(issuer).join('\n'),
    }[name] ?? pki.issued.get(name.replaceAll('-', ':'));
  return stored === undefined
    ? errors(404)
    : envelope({ data: { certificate: stored, revocation_time: 0, revocation_time_rfc3339: '' } });
}

const KEYS: Readonly<Record<string, KeyType>> = { ec: 'p256', rsa: 'rsa2048', ed25519: 'ed25519' };

async function issueBy({ pki, body, now, onKey }: PkiQuestion, name: string): Promise<VaultResponse> {
  const written = pki.roles.get(name);
  if (!written) return errors(400, `unknown role: ${name}`);
  const role: typeof ROLE_DEFAULTS = { ...ROLE_DEFAULTS, ...written };
  const issuer = find(pki, role.issuer_ref);
  if (!issuer?.usage.includes('issuing-certificates'))
    return errors(500, 'unable to fetch the CA certificate');
  if (!(role.key_type in KEYS))
    return errors(400, 'role key type "any" not allowed for issuing certificates');
  const text = (key: string) => (typeof body[key] === 'string' ? body[key] : '');
  const common = text('common_name');
  const listed = (key: string) => text(key).split(',').filter(Boolean);
  const domains = [
    ...new Set([...(body['exclude_cn_from_sans'] === true ? [] : [common]), ...listed('alt_names')]),
  ];
  const refused = [common, ...domains].find((one) => !isAllowed(role, one));
  if (refused !== undefined) return errors(400, `common name ${refused} not allowed by this role`);

  const most = role.max_ttl * 1000 || pki.tune.max_lease_ttl * 1000;
  const usual = role.ttl * 1000 || pki.tune.default_lease_ttl * 1000;
  const ends = now + Math.min(durationMs(body['ttl'], usual), most);
  const issuerEnds = issuer.authority.x509.validToDate.getTime();
  if (ends > issuerEnds && issuer.behavior === 'err')
    return errors(
      400,
      `cannot satisfy request, as TTL would result in notAfter of ${new Date(ends).toISOString()} that is beyond the expiration of the CA certificate at ${new Date(issuerEnds).toISOString()}`,
    );
  const notAfter = new Date(issuer.behavior === 'permit' ? ends : Math.min(ends, issuerEnds));
  const made = await issue(issuer.authority, {
    name: common,
    names: [...domains, ...listed('ip_sans'), ...listed('uri_sans').map((uri) => `URI:${uri}`)],
    keys: await makeKeys(KEYS[role.key_type]),
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    notBefore: new Date(now - 30_000),
    notAfter,
  });
  const privateKey = createPrivateKey(made.keyPem);
  const format = ({ ec: 'sec1', rsa: 'pkcs1' } as const)[role.key_type] ?? 'pkcs8';
  const key = privateKey.export({ type: format, format: 'pem' }).toString().trim();
  onKey(key);
  const serial = made.x509.serialNumber.toLowerCase().match(/../g)!.join(':');
  if (!role.no_store) pki.issued.set(serial, made.certificatePem.trim());
  return envelope({
    data: {
      ca_chain: chainOf(issuer),
      certificate: made.certificatePem.trim(),
      expiration: Math.floor(notAfter.getTime() / 1000),
      issuing_ca: issuer.authority.certificatePem.trim(),
      private_key: key,
      private_key_type: role.key_type,
      serial_number: serial,
    },
  });
}

function isAllowed(role: typeof ROLE_DEFAULTS, name: string): boolean {
  const domains: readonly string[] = role.allowed_domains;
  return (
    role.allow_any_name ||
    domains.some(
      (domain) =>
        (role.allow_bare_domains && name === domain) ||
        (role.allow_subdomains && name.endsWith(`.${domain}`)),
    )
  );
}

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { parseAllDocuments } from 'yaml';

/** A rule of a ClusterRole; with `namespace`, of a Role in that namespace. */
export type Rule =
  | {
      readonly apiGroups: readonly string[];
      /** `nodes`, `nodes/proxy`, `*`. */
      readonly resources: readonly string[];
      readonly verbs: readonly string[];
      readonly resourceNames?: readonly string[];
      readonly namespace?: string;
    }
  | { readonly nonResourceURLs: readonly string[]; readonly verbs: readonly string[] };

export interface User {
  /** `system:serviceaccount:ops:wrench`; for a client certificate, its common name. */
  readonly name: string;
  readonly rules: readonly Rule[];
  /** Default: a random one. */
  readonly token?: string;
}

/** The permission that a request needs. */
export type Attempt =
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource?: string;
      readonly namespace?: string;
      readonly name?: string;
    }
  | { readonly verb: string; readonly path: string };

export const ANONYMOUS = 'system:anonymous';

export const EVERYTHING: readonly Rule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

/** The ClusterRole system:public-info-viewer, which is bound to everyone. */
const PUBLIC: Rule = {
  nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'],
  verbs: ['get'],
};
/** The ClusterRole system:basic-user, which is bound to all authenticated users. */
const BASIC: Rule = {
  apiGroups: ['authorization.k8s.io'],
  resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
  verbs: ['create'],
};

/** Authentication by bearer token or client certificate, and authorization by rules. */
export interface Access {
  readonly tokenOf: (user: string) => string;
  /** Invalidates the tokens of a user and returns a new one, as if the old one had expired. */
  readonly renewToken: (user: string) => string;
  /** Replaces the rules of a user; adds the user if there is none. */
  readonly allow: (user: string, rules: readonly Rule[]) => void;
  /** Undefined if the credentials are invalid, which is answered with 401. */
  readonly identify: (request: IncomingMessage) => string | undefined;
  readonly isAllowed: (user: string, attempt: Attempt) => boolean;
}

export function openAccess(users: readonly User[]): Access {
  const rules = new Map(users.map((user) => [user.name, user.rules]));
  const tokens = new Map(users.map(({ name, token = makeToken() }) => [name, token]));
  return {
    tokenOf: (user) => tokens.get(user) ?? '',
    renewToken: (user) => {
      const token = makeToken();
      tokens.set(user, token);
      return token;
    },
    allow: (user, allowed) => {
      rules.set(user, allowed);
      if (!tokens.has(user)) tokens.set(user, makeToken());
    },
    identify: ({ headers, socket }) => {
      const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
      if (headers.authorization !== undefined) return [...tokens].find(([, token]) => token === bearer)?.[0];
      const connection = socket as TLSSocket;
      if (!connection.authorized) return ANONYMOUS;
      const { CN } = connection.getPeerCertificate().subject;
      return Array.isArray(CN) ? CN[0] : CN;
    },
    isAllowed: (user, attempt) => {
      const granted = [...(rules.get(user) ?? []), PUBLIC, ...(user === ANONYMOUS ? [] : [BASIC])];
      return granted.some((rule) => grants(rule, attempt));
    },
  };
}

function makeToken(): string {
  return `CANARY-${randomBytes(24).toString('base64url')}`;
}

function grants(rule: Rule, attempt: Attempt): boolean {
  const has = (list: readonly string[], wanted: string) => list.includes('*') || list.includes(wanted);
  if (!has(rule.verbs, attempt.verb)) return false;
  if ('nonResourceURLs' in rule)
    return (
      'path' in attempt &&
      rule.nonResourceURLs.some((url) =>
        url.endsWith('*') ? attempt.path.startsWith(url.slice(0, -1)) : url === attempt.path,
      )
    );
  if ('path' in attempt) return false;
  const { group, resource, subresource, namespace, name } = attempt;
  return (
    has(rule.apiGroups, group) &&
    (has(rule.resources, subresource === undefined ? resource : `${resource}/${subresource}`) ||
      (subresource !== undefined && rule.resources.includes(`*/${subresource}`))) &&
    (rule.namespace === undefined || rule.namespace === namespace) &&
    (rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name)))
  );
}

/** What roles in `deploy/kubernetes/rbac` allow: `read`, `pin`. */
export async function readRoles(roles: readonly string[]): Promise<readonly Rule[]> {
  const folder = join(import.meta.dirname, '../../../deploy/kubernetes/rbac');
  const files = await Promise.all(roles.map((role) => readFile(join(folder, `${role}.yaml`), 'utf8')));
  return files
    .flatMap((text) => parseAllDocuments(text))
    .flatMap((document) => (document.toJS() as { readonly rules?: readonly Rule[] } | null)?.rules ?? []);
}

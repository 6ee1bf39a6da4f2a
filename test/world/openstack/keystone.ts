import { randomBytes } from 'node:crypto';
import type { CloudObject, CloudRequest, CloudResponse } from './protocol.ts';

export interface LoginRequest {
  /** Default: `admin`, who sees and may do everything. A `reader` sees one project. */
  readonly roles?: readonly string[];
  readonly project?: string;
  /** Of an application credential: the only requests that it permits. */
  readonly accessRules?: readonly CloudObject[];
}

export interface ApplicationCredential {
  readonly id: string;
  readonly secret: string;
}

export interface CloudUser {
  readonly username: string;
  readonly password: string;
  readonly userDomain: string;
  readonly project: string;
  readonly projectDomain: string;
}

export interface Token {
  readonly roles: readonly string[];
  readonly project: string;
  readonly accessRules?: readonly CloudObject[];
  readonly endsAt: number;
}

export interface KeystoneOptions {
  readonly now: () => number;
  readonly tokenLifetimeMs: number;
  readonly catalogue: () => readonly CloudObject[];
}

export interface Keystone {
  readonly addCredential: (login?: LoginRequest) => ApplicationCredential;
  readonly addUser: (login?: LoginRequest) => CloudUser;
  readonly answer: (request: CloudRequest) => CloudResponse;
  /** The token of a request, if it is valid. */
  readonly find: (id: string | undefined) => Token | undefined;
  readonly revokeTokens: () => void;
  /** Every secret, password and token so far. */
  readonly canaries: () => readonly string[];
}

/** https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management */
export const UNAUTHORIZED: CloudResponse = {
  status: 401,
  json: {
    error: {
      code: 401,
      message: 'The request you have made requires authentication.',
      title: 'Unauthorized',
    },
  },
};

const VERSION = {
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
};

export function makeKeystone({ now, tokenLifetimeMs, catalogue }: KeystoneOptions): Keystone {
  const credentials = new Map<string, CompleteLogin & { readonly secret: string }>();
  const users = new Map<string, CompleteLogin & CloudUser>();
  const tokens = new Map<string, Token>();
  const canaries: string[] = [];
  const secret = (prefix: string): string => {
    const made = `${prefix}-${randomBytes(18).toString('hex')}`;
    canaries.push(made);
    return made;
  };

  const logIn = ({ body }: CloudRequest): CloudResponse => {
    const { identity = {}, scope } = (body as { auth?: AuthBody }).auth ?? {};
    const { application_credential: credential, password } = identity;
    const known = credential
      ? [...credentials].find(([id, one]) => id === credential.id && one.secret === credential.secret)?.[1]
      : users.get(password?.user?.name ?? '');
    const isRight =
      known !== undefined &&
      (!('password' in known) ||
        (known.password === password?.user?.password &&
          known.userDomain === password.user.domain?.name &&
          known.project === scope?.project?.name));
    if (!known || !isRight) return UNAUTHORIZED;
    if (credential && scope)
      return {
        status: 400,
        json: {
          error: {
            code: 400,
            message: 'Application credentials cannot request a scope.',
            title: 'Bad Request',
          },
        },
      };
    const { roles, project, accessRules } = known;
    const id = secret('gAAAA');
    const endsAt = now() + tokenLifetimeMs;
    tokens.set(id, { roles, project, endsAt, ...(accessRules && { accessRules }) });
    return {
      status: 201,
      headers: { 'x-subject-token': id, vary: 'X-Auth-Token' },
      json: {
        token: {
          methods: [credential ? 'application_credential' : 'password'],
          user: { id: 'u-wrench', name: 'wrench', domain: { id: 'default', name: 'Default' } },
          audit_ids: ['dEkBDHaTRKOYPBqEzUS7Zg'],
          issued_at: new Date(now()).toISOString().replace('Z', '000Z'),
          expires_at: new Date(endsAt).toISOString().replace('Z', '000Z'),
          project: { id: project, name: project, domain: { id: 'default', name: 'Default' } },
          is_domain: false,
          roles: roles.map((name) => ({ id: `id-of-${name}`, name })),
          ...(credential && {
            application_credential: {
              id: credential.id,
              name: 'wrench',
              restricted: true,
              ...(accessRules && { access_rules: accessRules }),
            },
          }),
          catalog: catalogue(),
        },
      },
    };
  };

  return {
    addCredential: (login = {}) => {
      const id = randomBytes(16).toString('hex');
      const made = secret('secret');
      credentials.set(id, { ...withDefaults(login), secret: made });
      return { id, secret: made };
    },
    addUser: (login = {}) => {
      const complete = withDefaults(login);
      const username = `user-${users.size + 1}`;
      const user = {
        username,
        password: secret('password'),
        userDomain: 'Default',
        project: complete.project,
        projectDomain: 'Default',
      };
      users.set(username, { ...complete, ...user });
      return user;
    },
    answer: (request) => {
      const { method, path } = request;
      if (path === '/v3' || path === '/v3/') return { status: 200, json: { version: VERSION } };
      if (path === '/') return { status: 300, json: { versions: { values: [VERSION] } } };
      if (method === 'POST' && path === '/v3/auth/tokens') return logIn(request);
      return { status: 404, json: { error: { code: 404, message: 'Not found.', title: 'Not Found' } } };
    },
    find: (id) => {
      const token = id === undefined ? undefined : tokens.get(id);
      return token && token.endsAt > now() ? token : undefined;
    },
    revokeTokens: () => tokens.clear(),
    canaries: () => canaries,
  };
}

interface CompleteLogin {
  readonly roles: readonly string[];
  readonly project: string;
  readonly accessRules: readonly CloudObject[] | undefined;
}

function withDefaults({ roles = ['admin'], project = 'p-ops', accessRules }: LoginRequest): CompleteLogin {
  return { roles, project, accessRules };
}

interface AuthBody {
  readonly identity?: {
    readonly application_credential?: { readonly id: string; readonly secret: string };
    readonly password?: {
      readonly user?: {
        readonly name: string;
        readonly password: string;
        readonly domain?: { readonly name: string };
      };
    };
  };
  readonly scope?: { readonly project?: { readonly name: string } };
}

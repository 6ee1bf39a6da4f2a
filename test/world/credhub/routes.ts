import { INVALID_ACCESS, refuse } from './refusal.ts';
import type { CredhubState, StoredCertificate } from './state.ts';
import { credential, expiryOf, listed, type ViewAge } from './views.ts';

const DAY_MS = 86_400_000;

export interface CredhubQuestion {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  /** `uaa-client:wrench` */
  readonly actor: string;
}

export interface CredhubRouting {
  readonly state: CredhubState;
  /** `security.authorization.acls.enabled` */
  readonly enforces: boolean;
  readonly age: ViewAge;
}

/** @throws {Refusal} */
export async function answerCredhub(routing: CredhubRouting, question: CredhubQuestion): Promise<object> {
  const { method, path } = question;
  const [, certificateId, action] = /^\/api\/v1\/certificates\/([^/]+)\/(\w+)$/.exec(path) ?? [];
  if (certificateId !== undefined && routing.age === 'current')
    return changeCertificate(routing, question, certificateId, action!);
  switch (`${method} ${path}`) {
    case 'GET /api/v1/certificates':
      return listCertificates(routing, question);
    case 'GET /api/v1/data':
      return readData(routing, question);
    case 'POST /api/v1/data':
      return generate(routing, question);
    case 'POST /api/v1/regenerate': {
      const certificate = required(routing, question, textOf(question.body['name']), 'write');
      const { version } = await routing.state.regenerate(certificate);
      return credential(certificate.name, version);
    }
    case 'POST /api/v1/bulk-regenerate': {
      const name = textOf(question.body['signed_by']);
      required(routing, question, name, 'read');
      return { regenerated_credentials: await routing.state.regenerateBelow(name) };
    }
    case 'GET /api/v2/permissions':
      return readPermission(routing, question);
    default:
      break;
  }
  const version = method === 'GET' ? /^\/api\/v1\/data\/([^/]+)$/.exec(path)?.[1] : undefined;
  if (version === undefined) throw refuse(404, 'Not Found');
  const found = routing.state.findVersion(version);
  if (!found || !may(routing, question.actor, found.certificate.name, 'read'))
    throw refuse(404, INVALID_ACCESS);
  return credential(found.certificate.name, found.version);
}

function listCertificates(routing: CredhubRouting, question: CredhubQuestion): object {
  const { state, age } = routing;
  const name = question.query.get('name');
  if (name !== null) {
    const certificate = required(routing, question, name, 'read');
    const signs = state.childrenOf(certificate.name).map((one) => one.name);
    return { certificates: [listed(certificate, signs, age)] };
  }
  const readable = [...state.certificates.values()].filter((one) =>
    may(routing, question.actor, one.name, 'read'),
  );
  const names = new Set(readable.map((one) => one.name));
  return {
    certificates: readable.map((one) =>
      listed(
        one,
        state
          .childrenOf(one.name)
          .map((child) => child.name)
          .filter((child) => names.has(child)),
        age,
      ),
    ),
  };
}

async function changeCertificate(
  routing: CredhubRouting,
  question: CredhubQuestion,
  id: string,
  action: string,
): Promise<object> {
  const { state } = routing;
  const found = state.findById(id);
  if (!found) throw refuse(404, INVALID_ACCESS);
  const { method, body, query } = question;
  if (method === 'GET' && action === 'versions') {
    const certificate = required(routing, question, found.name, 'read');
    const versions = query.get('current') === 'true' ? currentOf(certificate) : certificate.versions;
    return versions.map((version) => credential(certificate.name, version));
  }
  const certificate = required(routing, question, found.name, 'write');
  if (method === 'POST' && action === 'regenerate') {
    const { version, overridden } = await state.regenerate(certificate, {
      transitional: body['set_as_transitional'] === true,
      byTransitionalParent: body['allow_transitional_parent_to_sign'] === true,
    });
    return {
      ...credential(certificate.name, version),
      duration_overridden: overridden,
      duration_used: version.days,
    };
  }
  if (method !== 'PUT' || action !== 'update_transitional_version') throw refuse(404, 'Not Found');
  const version = body['version'];
  state.moveTransitional(certificate, typeof version === 'string' ? version : undefined);
  return currentOf(certificate).map((one) => credential(certificate.name, one));
}

function readData(routing: CredhubRouting, question: CredhubQuestion): object {
  const { query, actor } = question;
  const name = query.get('name');
  if (name !== null) {
    const certificate = required(routing, question, name, 'read');
    const versions = query.get('versions');
    if (query.get('current') === 'true' && versions !== null)
      throw refuse(400, 'The query parameters current and versions cannot be provided in the same request.');
    const chosen =
      query.get('current') === 'true'
        ? currentOf(certificate)
        : certificate.versions.slice(0, versions === null ? 1 : Number(versions));
    return { data: chosen.map((version) => credential(certificate.name, version)) };
  }
  const within = query.get('expires-within-days');
  const path = query.get('path');
  const like = query.get('name-like');
  const found = [...routing.state.certificates.values()].filter(
    (one) =>
      may(routing, actor, one.name, 'read') &&
      (path === null || one.name.startsWith(path.endsWith('/') ? path : `${path}/`)) &&
      (like === null || one.name.includes(like)),
  );
  return {
    credentials: found.flatMap(({ name: listedName, versions: [newest] }) => {
      if (!newest) return [];
      const entry = { version_created_at: newest.createdAt.toISOString(), name: listedName };
      if (within === null) return [entry];
      // Only the newest version counts, also a transitional one.
      const ends = expiryOf(newest);
      const isSoon = ends !== '' && Date.parse(ends) <= Date.now() + Number(within) * DAY_MS;
      return isSoon ? [{ ...entry, expiry_date: ends }] : [];
    }),
  };
}

async function generate(
  { state, enforces, age }: CredhubRouting,
  { body, actor }: CredhubQuestion,
): Promise<object> {
  const name = textOf(body['name']);
  if (body['type'] !== 'certificate') throw refuse(400, 'The request does not include a valid type.');
  if (!may({ state, enforces, age }, actor, name, 'write')) throw refuse(403, INVALID_ACCESS);
  const parameters = body['parameters'] as Readonly<Record<string, unknown>>;
  const { ca, duration, common_name: commonName, alternative_names: names } = parameters;
  const version = await state.generate(name, {
    ...(typeof ca === 'string' && { ca }),
    ...(typeof duration === 'number' && { days: duration }),
    ...(typeof commonName === 'string' && { commonName }),
    ...(Array.isArray(names) && { alternativeNames: names.map(String) }),
    isAuthority: parameters['is_ca'] === true,
  });
  return credential(name, version);
}

/** Only for a credential that may read the permissions of that path. */
function readPermission(routing: CredhubRouting, { query, actor }: CredhubQuestion): object {
  const path = query.get('path') ?? '';
  const permission = routing.state.permissions.find(
    (one) => one.path === path && one.actor === query.get('actor'),
  );
  if (!permission || !may(routing, actor, path, 'read_acl'))
    throw refuse(
      404,
      'The request could not be completed because the permission does not exist or you do not have sufficient authorization.',
    );
  return { ...permission, uuid: '6c1bcdd3-5a3d-4b6c-9e2b-0b2c7a1c7c55' };
}

/** The active version, then the transitional one. */
function currentOf({ versions }: StoredCertificate): StoredCertificate['versions'] {
  return [versions.find((one) => !one.transitional), versions.find((one) => one.transitional)].flatMap(
    (one) => one ?? [],
  );
}

/** A missing permission to read looks as if nothing were there. */
function required(
  routing: CredhubRouting,
  { actor }: CredhubQuestion,
  name: string,
  operation: 'read' | 'write',
): StoredCertificate {
  const certificate = routing.state.find(name.startsWith('/') ? name : `/${name}`);
  if (!certificate) throw refuse(404, INVALID_ACCESS);
  if (!may(routing, actor, certificate.name, operation))
    throw refuse(operation === 'write' ? 403 : 404, INVALID_ACCESS);
  return certificate;
}

function may({ state, enforces }: CredhubRouting, actor: string, name: string, operation: string): boolean {
  if (!enforces) return true;
  return state.permissions.some(
    (one) =>
      one.actor === actor &&
      one.operations.includes(operation) &&
      (one.path.toLowerCase() === name.toLowerCase() ||
        (one.path.endsWith('/*') && name.toLowerCase().startsWith(one.path.slice(0, -1).toLowerCase()))),
  );
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw refuse(400, 'A credential name must be provided.');
  return value;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Authority, issue, issueSelfSigned } from '../ca.ts';
import { type Access, ANONYMOUS } from './access.ts';
import type { ApiObject } from './resources.ts';
import { type ApiAnswer, failure, NO_SUCH_PATH } from './status.ts';

/** The responses of a kubelet. */
export interface Kubelet {
  /** By path: `/stats/summary`, `/configz`. Anything else is 404. */
  readonly answers: Readonly<Record<string, ApiAnswer>>;
  /** Nothing listens at its address. */
  readonly unreachable?: boolean;
  /** `own`: self-signed, as with kubeadm by default. Default: signed by the CA of the cluster. */
  readonly certificate?: 'cluster' | 'own';
}

export type FindKubelet = (node: string) => Kubelet | undefined;

export function kubelet(
  { stats, config }: { readonly stats?: object; readonly config?: object },
  more: Omit<Kubelet, 'answers'> = {},
): Kubelet {
  return {
    answers: {
      ...(stats && { '/stats/summary': { status: 200, body: stats } }),
      ...(config && { '/configz': { status: 200, body: config } }),
    },
    ...more,
  };
}

/** The response through the API server. */
export function askByProxy(find: FindKubelet, node: string, rest: string): ApiAnswer {
  const found = find(node);
  if (!found || found.unreachable)
    return failure(
      503,
      'ServiceUnavailable',
      `error trying to reach service: dial tcp 10.0.0.1:10250: connect: connection refused`,
    );
  return found.answers[`/${rest}`] ?? NO_SUCH_PATH;
}

/**
 * The response of a kubelet at its own address, with webhook authentication and authorization:
 * https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
 */
export function askDirectly(
  kubelet: Kubelet,
  request: IncomingMessage,
  {
    access,
    node,
    fineGrained,
  }: { readonly access: Access; readonly node: string; readonly fineGrained: boolean },
): ApiAnswer & { readonly user?: string } {
  const path = new URL(request.url ?? '/', 'https://kubelet').pathname;
  const user = access.identify(request);
  if (user === undefined || user === ANONYMOUS) return { status: 401, body: 'Unauthorized' };
  const verb = request.method === 'GET' ? 'get' : 'create';
  const subresources = subresourcesOf(path, fineGrained);
  const isAllowed = subresources.some((subresource) =>
    access.isAllowed(user, { verb, group: '', resource: 'nodes', subresource, name: node }),
  );
  if (isAllowed) return { ...(kubelet.answers[path] ?? NO_SUCH_PATH), user };
  const asked = fineGrained ? `subresource(s)=[${subresources.join(' ')}]` : `subresource=${subresources[0]}`;
  return { status: 403, user, body: `Forbidden (user=${user}, verb=${verb}, resource=nodes, ${asked})\n` };
}

function subresourcesOf(path: string, fineGrained: boolean): readonly string[] {
  const first = path.split('/')[1] ?? '';
  const own: Readonly<Record<string, string>> = {
    stats: 'stats',
    metrics: 'metrics',
    logs: 'log',
    spec: 'spec',
    checkpoint: 'checkpoint',
  };
  if (own[first] !== undefined) return [own[first]];
  const fine: Readonly<Record<string, string>> = {
    configz: 'configz',
    healthz: 'healthz',
    pods: 'pods',
    runningpods: 'pods',
  };
  return fineGrained && fine[first] !== undefined ? [fine[first], 'proxy'] : ['proxy'];
}

/** From 1.33, a kubelet checks `nodes/configz` before `nodes/proxy`. */
export function isFineGrained(version: string): boolean {
  return Number(/^v1\.(\d+)/.exec(version)?.[1] ?? 0) >= 33;
}

export interface KubeletServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** A kubelet on its own port. */
export async function listenAsKubelet(
  node: string,
  { certificate = 'cluster', unreachable = false }: Kubelet,
  authority: Authority,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<KubeletServer> {
  const leaf = { name: `system:node:${node}`, names: ['127.0.0.1', node] };
  const { certificatePem, keyPem } =
    certificate === 'own' ? await issueSelfSigned(leaf) : await issue(authority, leaf);
  const server = createServer(
    {
      cert: certificatePem,
      key: keyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: false,
    },
    listener,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  if (unreachable) await close();
  return { port, close };
}

/** The node as registered if its kubelet listens on loopback. */
export function atPort(node: ApiObject, port: number): ApiObject {
  return {
    ...node,
    status: {
      ...(node['status'] as object | undefined),
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: node.metadata.name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Authority, issue, makeAuthority } from '../ca.ts';
import { EVERYTHING, openAccess, type Rule, type User } from './access.ts';
import { type ApiRequest, answerRequest, type ClusterState, save } from './answer-request.ts';
import { collectionOf, type Objects } from './collection.ts';
import { type Fault, type Faults, openFaults } from './faults.ts';
import { kubeconfigText } from './kubeconfig.ts';
import {
  askDirectly,
  atPort,
  type FindKubelet,
  isFineGrained,
  type Kubelet,
  type KubeletServer,
  listenAsKubelet,
} from './kubelets.ts';
import { type ApiObject, CERT_MANAGER, type Plural, resourceOf } from './resources.ts';
import { type ApiAnswer, UNAUTHORIZED } from './status.ts';

export interface ClusterOptions {
  /** Default `v1.33.5`. */
  readonly version?: string;
  readonly nodes?: Objects;
  readonly pods?: Objects;
  readonly events?: Objects;
  readonly daemonsets?: Objects;
  readonly deployments?: Objects;
  readonly replicasets?: Objects;
  readonly statefulsets?: Objects;
  readonly namespaces?: Objects;
  readonly secrets?: Objects;
  readonly configmaps?: Objects;
  readonly controllerrevisions?: Objects;
  readonly services?: Objects;
  readonly endpointslices?: Objects;
  /** The version in which EndpointSlices are served: `v1beta1` before Kubernetes 1.21. Default: `v1`. */
  readonly endpointSliceVersion?: 'v1' | 'v1beta1';
  /** Even without objects, it installs Argo Rollouts. */
  readonly rollouts?: Objects;
  readonly ingresses?: Objects;
  /** Any of these four, even without objects, installs cert-manager. */
  readonly certificates?: Objects;
  readonly certificaterequests?: Objects;
  readonly issuers?: Objects;
  readonly clusterissuers?: Objects;
  readonly validatingwebhookconfigurations?: Objects;
  readonly mutatingwebhookconfigurations?: Objects;
  readonly apiservices?: Objects;
  readonly customresourcedefinitions?: Objects;
  /** By node name. The kubelet of any other node is unreachable. */
  readonly kubelets?: Readonly<Record<string, Kubelet>> | FindKubelet;
  /** Whether kubelets also listen on their own ports. The address of their nodes is then loopback. */
  readonly kubeletsListen?: boolean;
  /** Whether pods that are deleted with a grace period stay, with the end of that period, until the test removes them. Default: they don't. */
  readonly stopsGracefully?: boolean;
  /** Default: {@link WRENCH}, with all permissions. */
  readonly users?: readonly User[];
  /** Handles a request of any authenticated user first; undefined leaves it to the server. */
  readonly answer?: (request: ApiRequest) => ApiAnswer | undefined;
  readonly port?: number;
}

/** The default user. */
export const WRENCH = 'system:serviceaccount:ops:wrench';

export interface AskedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** 0 if the connection was closed instead. */
  readonly status: number;
  /** Absent if the credentials were invalid. */
  readonly user?: string;
  /** The node whose kubelet was queried directly. */
  readonly kubelet?: string;
  readonly contentType?: string;
  /** Absent for a GET. */
  readonly body?: string;
}

export type ChangeListener = (plural: Plural, object: ApiObject) => void;

/** A Kubernetes API server over real TLS, with its kubelets. */
export interface TestCluster {
  readonly url: string;
  /** PEM of the CA that signs serving and client certificates. */
  readonly ca: string;
  /** A kubeconfig for this cluster, with the token of a user. Default: the first user. */
  readonly kubeconfig: (options?: { readonly user?: string; readonly context?: string }) => string;
  readonly tokenOf: (user?: string) => string;
  /** Invalidates the tokens of a user and returns a new one. */
  readonly renewToken: (user?: string) => string;
  /** A client certificate for a user. */
  readonly certificateOf: (
    user?: string,
  ) => Promise<{ readonly certificatePem: string; readonly keyPem: string }>;
  readonly allow: (user: string, rules: readonly Rule[]) => void;
  readonly asked: readonly AskedRequest[];
  /** The highest number of concurrent requests so far. */
  readonly mostAtOnce: () => number;
  /** The current state of an object. */
  readonly find: (plural: Plural, name: string, namespace?: string) => ApiObject | undefined;
  /** All objects of a kind. */
  readonly list: (plural: Plural) => readonly ApiObject[];
  /** Adds or replaces an object, as another client would. */
  readonly put: (plural: Plural, object: ApiObject) => void;
  /** The same with a new resource version. */
  readonly save: (plural: Plural, object: ApiObject) => ApiObject;
  readonly remove: (plural: Plural, name: string, namespace?: string) => void;
  /** Calls a controller after each change, until the cluster is closed. */
  readonly onChange: (listener: ChangeListener) => void;
  /** Sets the log of the previous instance of a container. */
  readonly setPreviousLog: (
    container: { readonly namespace: string; readonly pod: string; readonly container: string },
    log: string,
  ) => void;
  /** Invalidates all `continue` tokens so far: they get 410, with a token to continue. */
  readonly compact: () => void;
  /** Without `times`, until `heal`. */
  readonly fail: (fault: Fault, times?: number) => void;
  readonly heal: () => void;
  readonly close: () => Promise<void>;
}

const CERT_MANAGER_KINDS = ['certificates', 'certificaterequests', 'issuers', 'clusterissuers'] as const;

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { users = [{ name: WRENCH, rules: EVERYTHING }], version = 'v1.33.5' } = options;
  const authority = await makeAuthority({ name: 'kubernetes' });
  const stop = new AbortController();
  const faults = openFaults(stop.signal);
  const access = openAccess(users);
  const kubelets = typeof options.kubelets === 'function' ? options.kubelets : findIn(options.kubelets ?? {});
  const asked: AskedRequest[] = [];
  const listeners: ChangeListener[] = [];
  const previousLogs = new Map<string, string>();
  let [now, most] = [0, 0];

  const answerAll = async (
    request: IncomingMessage,
    response: ServerResponse,
    decide: (asking: Asking, fault?: Parameters<Parameters<Faults['around']>[2]>[0]) => Decided,
    kubelet?: string,
  ): Promise<void> => {
    most = Math.max(most, ++now);
    response.once('close', () => void now--);
    const url = new URL(request.url ?? '/', 'https://kubernetes');
    const method = request.method ?? 'GET';
    const body = await readText(request);
    const contentType = request.headers['content-type'] ?? '';
    const asking = { method, path: url.pathname, query: url.searchParams, contentType, body };
    let user: string | undefined;
    const at = kubelet === undefined ? {} : { kubelet };
    const answer = await faults.around({ ...asking, ...at }, response, (fault) => {
      const decided = decide(asking, fault);
      user = decided.user;
      return Promise.resolve(decided);
    });
    asked.push({
      method,
      path: url.pathname + url.search,
      status: answer?.status ?? 0,
      ...at,
      ...(user !== undefined && { user }),
      ...(contentType !== '' && { contentType }),
      ...(method !== 'GET' && { body }),
    });
    if (answer) await send(request, response, answer);
  };

  const listening = options.kubeletsListen
    ? await listenForAll(options.nodes ?? [], kubelets, authority, (node) => (request, response) => {
        const fineGrained = isFineGrained(kubeletVersion(state, node) ?? version);
        const decide = () => askDirectly(kubelets(node)!, request, { access, node, fineGrained });
        void answerAll(request, response, decide, node);
      })
    : { servers: [], nodes: options.nodes };

  const state: ClusterState = {
    version,
    kubelets,
    access,
    previousLogs,
    isServed: ({ plural, group, version = 'v1' }) => {
      if (group === CERT_MANAGER) return CERT_MANAGER_KINDS.some((one) => options[one] !== undefined);
      if (plural === 'rollouts') return options.rollouts !== undefined;
      return plural !== 'endpointslices' || version === (options.endpointSliceVersion ?? 'v1');
    },
    stopsGracefully: options.stopsGracefully ?? false,
    resourceVersion: 9_184_402,
    age: 0,
    changed: (plural, object) => {
      for (const listener of listeners) listener(plural, object);
    },
    collections: {
      nodes: collectionOf(listening.nodes),
      pods: collectionOf(options.pods),
      events: collectionOf(options.events),
      namespaces: collectionOf(options.namespaces),
      daemonsets: collectionOf(options.daemonsets),
      deployments: collectionOf(options.deployments),
      replicasets: collectionOf(options.replicasets),
      statefulsets: collectionOf(options.statefulsets),
      secrets: collectionOf(options.secrets),
      configmaps: collectionOf(options.configmaps),
      controllerrevisions: collectionOf(options.controllerrevisions),
      services: collectionOf(options.services),
      endpointslices: collectionOf(options.endpointslices),
      rollouts: collectionOf(options.rollouts),
      ingresses: collectionOf(options.ingresses),
      certificates: collectionOf(options.certificates),
      certificaterequests: collectionOf(options.certificaterequests),
      issuers: collectionOf(options.issuers),
      clusterissuers: collectionOf(options.clusterissuers),
      validatingwebhookconfigurations: collectionOf(options.validatingwebhookconfigurations),
      mutatingwebhookconfigurations: collectionOf(options.mutatingwebhookconfigurations),
      apiservices: collectionOf(options.apiservices),
      customresourcedefinitions: collectionOf(options.customresourcedefinitions),
    },
  };

  const { certificatePem, keyPem } = await issue(authority, {
    name: 'kube-apiserver',
    names: ['127.0.0.1', 'localhost', 'kubernetes.default.svc'],
  });
  const server = createServer(
    {
      cert: certificatePem,
      key: keyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      void answerAll(request, response, (asking, fault) => {
        const user = access.identify(request);
        if (user === undefined) return UNAUTHORIZED;
        const whole = { ...asking, user };
        return { ...(options.answer?.(whole) ?? answerRequest(state, whole, fault)), user };
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const first = users[0]?.name ?? WRENCH;

  return {
    url,
    ca: authority.certificatePem,
    kubeconfig: ({ user = first, context = 'lab' } = {}) =>
      kubeconfigText([
        { name: context, server: url, ca: authority.certificatePem, user: { token: access.tokenOf(user) } },
      ]),
    tokenOf: (user = first) => access.tokenOf(user),
    renewToken: (user = first) => access.renewToken(user),
    certificateOf: (user = first) =>
      issue(authority, { name: user, names: [], extendedKeyUsage: ['clientAuth'] }),
    allow: access.allow,
    asked,
    mostAtOnce: () => most,
    find: (plural, name, namespace) => state.collections[plural].find(namespace, name),
    list: (plural) => {
      const { size, at } = state.collections[plural];
      return Array.from({ length: size }, (_, index) => at(index)).filter((one) => one !== undefined);
    },
    put: (plural, object) => {
      state.collections[plural].put(object);
      state.changed(plural, object);
    },
    save: (plural, object) => save(state, { resource: resourceOf(plural) }, object),
    onChange: (listener) => void listeners.push(listener),
    remove: (plural, name, namespace) => {
      const object = state.collections[plural].find(namespace, name);
      if (!object) return;
      state.collections[plural].remove(object);
      state.changed(plural, object);
    },
    setPreviousLog: ({ namespace, pod, container }, log) =>
      void previousLogs.set(`${namespace}/${pod}/${container}`, log),
    compact: () => void state.age++,
    fail: faults.add,
    heal: faults.clear,
    close: async () => {
      stop.abort();
      listeners.length = 0;
      server.closeAllConnections();
      await Promise.all([
        new Promise<void>((resolve) => server.close(() => resolve())),
        ...listening.servers.map(({ close }) => close()),
      ]);
    },
  };
}

type Asking = Omit<ApiRequest, 'user'>;
type Decided = ApiAnswer & { readonly user?: string };

function findIn(kubelets: Readonly<Record<string, Kubelet>>): FindKubelet {
  return (node) => (Object.hasOwn(kubelets, node) ? kubelets[node] : undefined);
}

function kubeletVersion({ collections }: ClusterState, node: string): string | undefined {
  const status = collections.nodes.find(undefined, node)?.['status'];
  return (status as { nodeInfo?: { kubeletVersion?: string } } | undefined)?.nodeInfo?.kubeletVersion;
}

async function listenForAll(
  nodes: Objects,
  kubelets: FindKubelet,
  authority: Authority,
  listenerOf: (node: string) => (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly servers: readonly KubeletServer[]; readonly nodes: readonly ApiObject[] }> {
  const held =
    'make' in nodes ? Array.from({ length: nodes.count }, (_, index) => nodes.make(index)) : [...nodes];
  const listening = await Promise.all(
    held.map(async (node) => {
      const { name } = node.metadata;
      const kubelet = kubelets(name);
      if (!kubelet) return { node };
      const server = await listenAsKubelet(name, kubelet, authority, listenerOf(name));
      return { server, node: atPort(node, server.port) };
    }),
  );
  return {
    servers: listening.flatMap(({ server }) => server ?? []),
    nodes: listening.map(({ node }) => node),
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const compress = promisify(gzip);
/** Larger responses are compressed: https://github.com/kubernetes/kubernetes/blob/v1.33.0/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/writers.go */
const COMPRESSED_FROM_BYTES = 128 * 1024;

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, headers }: ApiAnswer,
): Promise<void> {
  const plain = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : (JSON.stringify(body) ?? ''));
  const accepts = (request.headers['accept-encoding'] ?? '').includes('gzip');
  const compressed = accepts && plain !== body && plain.length > COMPRESSED_FROM_BYTES;
  const bytes = compressed ? await compress(plain, { level: 1 }) : plain;
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': typeOf(body),
    'content-length': bytes.length,
    ...(compressed && { 'content-encoding': 'gzip' }),
    ...headers,
  });
  response.end(bytes);
}

function typeOf(body: unknown): string {
  if (typeof body !== 'string' || /^\s*[{[]/.test(body)) return 'application/json';
  return /^\s*</.test(body) ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
}

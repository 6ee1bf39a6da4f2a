import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  columnsOf,
  pageOfQueues,
  type PageFault,
  type QueueObject,
  sorted,
  withoutStatistics,
} from './served-queues.ts';

/** The management API of one node, which behaves as recorded from RabbitMQ 3.10.8, or as another version. */
export interface ServedManagement {
  readonly url: string;
  /** `GET /api/nodes`, in the order in which they came. */
  readonly requests: readonly string[];
  /** The queues that exist at the moment. */
  readonly queues: QueueObject[];
  /** Applies the fault to every request whose path begins like this, until it is set to undefined. */
  readonly setFault: (path: string, fault: ManagementFault | undefined) => void;
  readonly setPageFault: (fault: PageFault | undefined) => void;
  readonly close: () => Promise<void>;
}

export type ManagementFault =
  /** Accepts the connection and never responds. */
  | 'hang'
  | 'reset'
  /** A web page with 200, as sent by a proxy. */
  | 'html'
  /** Truncated JSON. */
  | 'cut'
  | { readonly delayMs: number }
  | { readonly redirect: string }
  | { readonly status: number; readonly body: unknown };

export interface ServedUser {
  readonly username: string;
  readonly password: string;
  readonly tags: readonly string[];
  /** In which virtual hosts it has a permission; default: all. */
  readonly vhosts?: readonly string[];
}

export interface ManagementOptions {
  readonly queues?: readonly QueueObject[];
  /** Default: as recorded from 3.10.8. */
  readonly overview?: Readonly<Record<string, unknown>>;
  readonly nodes?: readonly QueueObject[];
  readonly alarms?: readonly QueueObject[];
  /** By node. */
  readonly memory?: Readonly<Record<string, unknown>>;
  /** `totals`: off, and counts are returned if they are asked for. */
  readonly statistics?: 'on' | 'off' | 'totals';
  /** Default true; up to 3.5 lists were bare arrays. */
  readonly hasPages?: boolean;
  /** Up to 3.8 `tags` was one text. */
  readonly tagsAsText?: boolean;
  readonly vhosts?: readonly string[];
  readonly users?: readonly ServedUser[];
}

const USER: ServedUser = { username: 'wrench', password: 'wrench-password', tags: ['monitoring'] };

const OVERVIEW = {
  rabbitmq_version: '3.10.8',
  erlang_version: '25.2.3',
  cluster_name: 'os',
  node: 'rabbit@ctl-1',
  disable_stats: false,
  enable_queue_totals: false,
} as const;

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const NOT_FOUND: Answer = { status: 404, body: { error: 'Object Not Found', reason: 'Not Found' } };
const denied = (reason: string, error = 'not_authorised'): Answer => ({
  status: 401,
  body: { error, reason },
});

/** Serves the API on loopback, in plain HTTP. */
export async function serveManagement(options: ManagementOptions = {}): Promise<ServedManagement> {
  const queues = [...(options.queues ?? [])];
  const requests: string[] = [];
  const faults = new Map<string, ManagementFault>();
  let pageFault: PageFault | undefined;
  const server = createServer((request, response) => {
    request.resume();
    const url = new URL(request.url ?? '/', 'http://node');
    requests.push(`${request.method} ${url.pathname}`);
    const [, fault] = [...faults].find(([path]) => url.pathname.startsWith(path)) ?? [];
    const send = (): void => {
      const { status, body } = answer({ ...options, queues, pageFault }, request, url);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    if (fault === undefined) send();
    else breakResponse(fault, response, send);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    queues,
    setFault: (path, fault) => void (fault ? faults.set(path, fault) : faults.delete(path)),
    setPageFault: (fault) => void (pageFault = fault),
    close: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

type State = Omit<ManagementOptions, 'queues'> & {
  readonly queues: QueueObject[];
  readonly pageFault: PageFault | undefined;
};

function answer(state: State, request: IncomingMessage, { pathname, searchParams }: URL): Answer {
  const login = Buffer.from(
    (request.headers.authorization ?? '').replace(/^Basic /, ''),
    'base64',
  ).toString();
  const users = state.users ?? [USER];
  const user = users.find(({ username, password }) => login === `${username}:${password}`);
  if (!user) return denied('Login failed', 'not_authorized');
  const path = pathname
    .replace(/^\/api/, '')
    .split('/')
    .slice(1)
    .map(decodeURIComponent);
  const isMonitor = user.tags.some((tag) => tag === 'monitoring' || tag === 'administrator');
  const vhosts = state.vhosts ?? ['/'];
  const isOpen = (vhost: unknown): boolean => user.vhosts?.includes(String(vhost)) ?? true;
  const [area = '', first, second, third] = path;
  if (area === 'whoami')
    return {
      status: 200,
      body: { name: user.username, tags: state.tagsAsText ? user.tags.join(',') : user.tags },
    };
  if (area === 'vhosts')
    return { status: 200, body: vhosts.filter((one) => isMonitor || isOpen(one)).map((name) => ({ name })) };
  if (area === 'health') return alarmsAnswer(state.alarms ?? []);
  if (area === 'overview')
    return {
      status: 200,
      body: {
        ...OVERVIEW,
        disable_stats: (state.statistics ?? 'on') !== 'on',
        object_totals: { connections: 0, queues: state.queues.length },
        ...state.overview,
      },
    };
  if (area === 'nodes' && !isMonitor) return denied('Not monitor user');
  if (area === 'nodes' && first === undefined)
    return { status: 200, body: state.nodes ?? [{ name: 'rabbit@ctl-1', running: true }] };
  if (area === 'nodes') {
    const memory = state.memory?.[first ?? ''];
    return memory === undefined ? NOT_FOUND : { status: 200, body: { memory } };
  }
  if (area !== 'queues') return NOT_FOUND;
  if (first !== undefined && !isOpen(first)) return denied('User not authorised to access virtual host');
  if (second === undefined)
    return queuesAnswer(
      state,
      searchParams,
      (one) => isOpen(one['vhost']) && (first === undefined || one['vhost'] === first),
    );
  const at = state.queues.findIndex((one) => one['vhost'] === first && one['name'] === second);
  const queue = state.queues[at];
  if (!queue) return NOT_FOUND;
  if (request.method !== 'DELETE')
    return { status: 200, body: { consumer_details: [], ...shown(state, queue, searchParams) } };
  if (third !== 'contents') return NOT_FOUND;
  if (request.headers.accept === 'application/json') return { status: 406 };
  state.queues[at] = { ...queue, messages: 0, messages_ready: 0 };
  return { status: 204 };
}

function alarmsAnswer(alarms: readonly QueueObject[]): Answer {
  if (alarms.length === 0) return { status: 200, body: { status: 'ok' } };
  return {
    status: 503,
    body: { status: 'failed', reason: 'There are alarms in effect in the cluster', alarms },
  };
}

function queuesAnswer(
  state: State,
  query: URLSearchParams,
  isVisible: (queue: QueueObject) => boolean,
): Answer {
  if (state.pageFault === 'grows')
    state.queues.push({ ...state.queues[0], name: `new-${state.queues.length}` });
  if (state.pageFault === 'moves' && query.get('page') === '2')
    state.queues[0] = { ...state.queues[0], messages: 1_000_000 };
  const visible = state.queues.filter(isVisible).map((one) => shown(state, one, query));
  if (state.hasPages === false)
    return { status: 200, body: sorted(visible, query).map((one) => columnsOf(one, query.get('columns'))) };
  const page = pageOfQueues(visible, query, state.pageFault);
  if (page !== undefined) return { status: 200, body: page };
  const reason = `Page out of range, page: ${query.get('page')} page size: ${query.get('page_size')}, len: ${visible.length}`;
  return { status: 400, body: { error: 'page_out_of_range', reason } };
}

function shown({ statistics = 'on' }: State, queue: QueueObject, query: URLSearchParams): QueueObject {
  if (statistics === 'on') return queue;
  return withoutStatistics(queue, statistics === 'totals' && query.get('enable_queue_totals') === 'true');
}

function breakResponse(fault: ManagementFault, response: ServerResponse, send: () => void): void {
  if (fault === 'hang') return;
  if (fault === 'reset') return void response.socket?.resetAndDestroy();
  if (fault === 'html')
    return void response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>Sign in</title>');
  if (fault === 'cut')
    return void response.writeHead(200, { 'content-type': 'application/json' }).end('[{"name":"ab');
  if ('delayMs' in fault) return void setTimeout(send, fault.delayMs);
  if ('redirect' in fault) return void response.writeHead(302, { location: fault.redirect }).end();
  const isPage = typeof fault.body === 'string';
  response.writeHead(fault.status, { 'content-type': isPage ? 'text/html' : 'application/json' });
  response.end(isPage ? fault.body : JSON.stringify(fault.body));
}

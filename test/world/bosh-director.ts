import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Access, openAccess } from './bosh/access.ts';
import { type Fault, openFaults } from './bosh/faults.ts';
import {
  type DirectorResponse,
  answerDirector,
  type StartedRestart,
  type DeployedVersion,
  type DirectorState,
  type Release,
} from './bosh/routes.ts';
import { type HeldDeploy, startTasks, type Task, type TaskFault } from './bosh/tasks.ts';
import type { VmBackend } from './bosh/vms.ts';
import { type Authority, issue, makeAuthority } from './ca.ts';

export interface DirectorOptions {
  /** By name: `cf`. */
  readonly deployments: Readonly<Record<string, VmBackend>>;
  /** By deployment: `{ cf: [{ name: 'cf', version: '245' }] }`. */
  readonly releases?: Readonly<Record<string, readonly Release[]>>;
  /** Default: its own. */
  readonly authority?: Authority;
  /** How it authenticates clients. Default `uaa`. */
  readonly auth?: 'uaa' | 'basic';
  /** Default `283.1.6`. One instance can be restarted since 270.4.0. */
  readonly version?: string;
  /** The origin used in redirects. Default: one that cannot be reached. */
  readonly redirectOrigin?: string;
  readonly port?: number;
  readonly tokenSeconds?: number;
  /** A task that reads waits for this after the first half of its result. Default: 20 ms. */
  readonly betweenHalves?: () => Promise<unknown>;
  /** How long a task waits for its deployment's lock before it fails. Default: as BOSH, 10 s. */
  readonly lockWaitMs?: number;
  /** The versions of certificates that the last successful deploy of a deployment used. Default: none. */
  readonly certificates?: (deployment: string) => readonly DeployedVersion[];
  /** Of the director itself. Default: the file that the director reads them from doesn't exist. */
  readonly ownCertificates?: readonly { readonly certificate_path: string; readonly expiry: string }[];
}

export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly status: number;
  /** A client's id, a user, or undefined. */
  readonly user?: string;
  readonly contextId?: string;
}

/** A BOSH director and its UAA over real HTTPS: tasks, locks, scopes and redirects as in https://bosh.io/docs/director-api-v1/. */
export interface Director extends Omit<Access, 'grant' | 'identify' | 'allow'> {
  readonly url: string;
  readonly uaaUrl: string;
  /** PEM. */
  readonly ca: string;
  readonly asked: readonly RecordedRequest[];
  /** Every restart that was started. */
  readonly restarts: readonly StartedRestart[];
  readonly tasks: readonly Task[];
  /** Another user's deploy, which holds the lock until it is ended. */
  readonly hold: (deployment: string, description: string) => HeldDeploy;
  /** Without `times`, until `heal`. */
  readonly fail: (fault: Fault | TaskFault, times?: number) => void;
  readonly heal: () => void;
  readonly allow: Access['allow'];
  readonly close: () => Promise<void>;
}

export async function startDirector(options: DirectorOptions): Promise<Director> {
  const { auth = 'uaa', tokenSeconds = 43_199 } = options;
  const stop = new AbortController();
  const authority = options.authority ?? (await makeAuthority({ name: 'director-ca' }));
  const access = openAccess({ kind: auth, tokenSeconds });
  const faults = openFaults(stop.signal);
  const queue = startTasks({ lockWaitMs: options.lockWaitMs ?? 10_000, stopped: stop.signal });
  const state: DirectorState = {
    uuid: '8d3ba4c2-6a06-4a7a-9d0c-3d2f6a5a8b11',
    version: options.version ?? '283.1.6',
    deployments: new Map(Object.entries(options.deployments)),
    releases: new Map(Object.entries(options.releases ?? {})),
    queue,
    restarts: [],
    certificates: options.certificates ?? (() => []),
    ownCertificates: options.ownCertificates,
    betweenHalves: options.betweenHalves ?? (() => sleep(20)),
    redirectOrigin: () => options.redirectOrigin ?? 'https://director.example.invalid:25555',
  };
  const asked: RecordedRequest[] = [];

  const uaa = await serve(authority, 0, async (request, response) => {
    const form = new URLSearchParams(await readText(request));
    const answer = await faults.around({ path: 'uaa', method: 'POST' }, response, () =>
      Promise.resolve(access.grant(request.headers.authorization, form)),
    );
    if (answer) send(response, answer);
  });

  const director = await serve(authority, options.port ?? 0, async (request, response) => {
    await readText(request);
    const url = new URL(request.url ?? '/', 'https://director');
    const method = request.method ?? 'GET';
    const caller = access.identify(request);
    const contextId = one(request.headers['x-bosh-context-id']);
    const question = {
      method,
      path: url.pathname,
      query: url.searchParams,
      contentType: request.headers['content-type'] ?? '',
      contentLength: request.headers['content-length'],
      range: request.headers.range,
      contextId: contextId ?? '',
    };
    const answer = await faults.around(question, response, async () => {
      if (url.pathname === '/info') return { status: 200, body: info(state, auth, uaa.url, caller?.user) };
      if (!caller) return { status: 401, body: `Not authorized: '${url.pathname}'\n` };
      if (question.contextId.length > 64)
        return { status: 400, body: { code: 70_010, description: 'X-Bosh-Context-Id is too long' } };
      return answerDirector(state, { ...question, caller });
    });
    asked.push({
      method,
      path: url.pathname + url.search,
      status: answer?.status ?? 0,
      ...(caller && { user: caller.user }),
      ...(contextId !== undefined && { contextId }),
    });
    if (answer) send(response, answer);
  });

  return {
    ...access,
    url: director.url,
    uaaUrl: uaa.url,
    ca: authority.certificatePem,
    asked,
    restarts: state.restarts,
    tasks: queue.all,
    hold: queue.hold,
    fail: (fault, times = Infinity) => {
      if ('task' in fault) queue.fail(fault, times);
      else faults.add(fault, times);
    },
    heal: () => {
      faults.clear();
      queue.heal();
    },
    close: async () => {
      stop.abort();
      await Promise.all([director.close(), uaa.close()]);
    },
  };
}

function info(
  { uuid, version }: DirectorState,
  auth: 'uaa' | 'basic',
  uaaUrl: string,
  user: string | undefined,
): object {
  return {
    name: 'bosh',
    uuid,
    version: `${version} (00000000)`,
    user: user ?? null,
    cpi: 'openstack_cpi',
    stemcell_os: 'ubuntu-jammy',
    stemcell_version: '1.404',
    user_authentication:
      auth === 'uaa'
        ? { type: 'uaa', options: { url: uaaUrl, urls: [uaaUrl] } }
        : { type: 'basic', options: {} },
    features: {
      local_dns: { status: true, extras: { domain_name: 'bosh' } },
      snapshots: { status: false },
      config_server: { status: true, extras: { urls: ['https://127.0.0.1:8844/api/'] } },
    },
  };
}

type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

async function serve(
  authority: Authority,
  port: number,
  listener: Listener,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const { certificatePem, keyPem } = await issue(authority, { name: 'bosh', names: ['127.0.0.1'] });
  const server: Server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
    void listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, body, headers }: DirectorResponse): void {
  const plain = typeof body === 'string' || Buffer.isBuffer(body);
  response.writeHead(status, {
    'content-type': plain ? 'text/plain;charset=utf-8' : 'application/json',
    ...headers,
  });
  response.end(plain ? body : JSON.stringify(body));
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

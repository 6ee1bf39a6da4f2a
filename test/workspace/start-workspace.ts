import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpDelivery } from './deliver.ts';
import { MAX_WAIT_MS } from '../timeouts.ts';
import { createFaultPlan, type Faults } from './faults.ts';
import { createInteractions, type Interactions } from './interactions.ts';
import { chatMethods } from './methods-chat.ts';
import { conversationMethods, peopleMethods } from './methods-conversations.ts';
import { createUploads } from './methods-files.ts';
import { viewMethods } from './methods-views.ts';
import {
  APP,
  defaultChannels,
  defaultUserGroups,
  defaultUsers,
  SLACKBOT,
  type Channel,
  type Enterprise,
  type Message,
  type StoredFile,
  type User,
  type UserGroup,
} from './model.ts';
import type { FaultInjection } from './fault-injection.ts';
import type { PageCommand } from './page/page-parts.ts';
import { createPage } from './page/serve-page.ts';
import { answerJson, readFields } from './read-body.ts';
import { createResponseUrls } from './response-urls.ts';
import { createSocketMode, type SocketMode } from './socket-mode.ts';
import { createStore, type Store, type StoredView } from './store.ts';
import { createTriggers } from './triggers.ts';
import { waitUntil } from './wait-until.ts';
import { createWebApi, type Methods, type RecordedCall } from './web-api.ts';

export interface WorkspaceApp {
  readonly delivery: 'http' | 'socket';
  /** HTTP only: the app's address, called at each delivery. */
  readonly requestUrl?: () => string;
  readonly signingSecret: string;
  readonly botToken: string;
  readonly appToken: string;
  /**
   * How long to wait for an acknowledgement, and how long a trigger is valid. Default: 3 s, as in Slack;
   * more for tests that are not about speed.
   */
  readonly ackWithinMs?: number;
  /** The scopes of the bot token. Defaults to those that Wrench requests. */
  readonly scopes?: readonly string[];
  /** Suggested by the page's composer. Any text that starts with a slash is delivered. */
  readonly commands?: readonly PageCommand[];
}

export interface WorkspaceOptions {
  /** 0, the default, picks a free one. */
  readonly port?: number;
  readonly app: WorkspaceApp;
  readonly users?: readonly User[];
  readonly channels?: readonly Channel[];
  readonly userGroups?: readonly UserGroup[];
  /** The app is installed for this whole organization instead of one workspace. */
  readonly enterprise?: Enterprise;
  /** The faults that a person can inject from the page. None by default. */
  readonly faultInjections?: readonly FaultInjection[];
}

/** A Slack workspace on loopback. Bolt and web-api run against it unmodified. */
export interface Workspace extends Interactions {
  /** The page for people. */
  readonly pageUrl: string;
  /** For `slackApiUrl`: ends in `/api/`. */
  readonly apiUrl: string;
  /** Roots and broadcast replies, oldest first. */
  readonly messages: (channelId: string) => readonly Message[];
  /** The root and its replies, oldest first. */
  readonly thread: (channelId: string, ts: string) => readonly Message[];
  readonly ephemerals: (userId: string, channelId: string) => readonly Message[];
  /** The files in a thread, the root's included. */
  readonly files: (channelId: string, ts: string) => readonly StoredFile[];
  readonly views: (userId: string) => readonly StoredView[];
  /** The direct messages of the bot and a person. */
  readonly direct: (userId: string) => Channel;
  /** Posts as a person, without an event for the app. Returns the message. */
  readonly say: (userId: string, channelId: string, text: string, threadTs?: string) => Message;
  /** Calls `find` now and after each change until it returns something. @throws Error after `timeoutMs`, by default MAX_WAIT_MS. */
  readonly waitFor: <T>(
    find: () => T | undefined | null | false,
    options?: { timeoutMs?: number },
  ) => Promise<T>;
  /** Every call of the Web API so far. */
  readonly requests: RecordedCall[];
  readonly faults: Faults;
  /** Deactivates someone, makes them a guest, or moves them to another workspace. */
  readonly setUser: Store['setUser'];
  readonly setGroup: Store['setGroup'];
  readonly setBotMembership: (channelId: string, isMember: boolean) => void;
  readonly sockets: {
    readonly connections: () => number;
    readonly send: SocketMode['send'];
    readonly sendText: SocketMode['sendText'];
    /** Slack's `warning`, then `refresh_requested`. */
    readonly refresh: (options?: { warnMs?: number }) => Promise<void>;
    readonly cut: () => void;
  };
  readonly close: () => Promise<void>;
}

const DEFAULT_SCOPES = [
  'app_mentions:read',
  'chat:write',
  'commands',
  'files:write',
  'im:history',
  'usergroups:read',
  'users:read',
];

export async function startWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const { app } = options;
  if (app.delivery === 'http' && !app.requestUrl) throw new Error('delivery by http needs a requestUrl');
  const { server, origin } = await listen(options.port ?? 0);
  const store = createStore({
    users: [
      ...(options.users ?? defaultUsers),
      { id: APP.botUserId, name: 'wrench', realName: 'Wrench', isBot: true },
      { id: SLACKBOT, name: 'slackbot', realName: 'Slackbot', isBot: true },
    ],
    channels: options.channels ?? defaultChannels,
    userGroups: options.userGroups ?? defaultUserGroups,
  });
  const faults = createFaultPlan(store.touch);
  const triggers = createTriggers({ lifeMs: app.ackWithinMs });
  const uploads = createUploads(store, (id) => `${origin}/upload/v1/${id}`);
  const responseUrls = createResponseUrls(store, (id) => `${origin}/commands/${id}`);
  const socket = createSocketMode(
    (ticket) => `${origin.replace('http', 'ws')}/link/?ticket=${ticket}`,
    store.touch,
    app.ackWithinMs,
  );
  const http = app.requestUrl && createHttpDelivery({ ...app, requestUrl: app.requestUrl });
  const isSocket = app.delivery === 'socket';
  const scopes = app.scopes ?? DEFAULT_SCOPES;
  const parts = { store, triggers, responseUrls, faults, enterprise: options.enterprise, scopes };
  const interactions = createInteractions({ ...parts, http, socket: isSocket ? socket : undefined });
  const permalink = (channel: string, ts: string) => `${origin}/archives/${channel}/p${ts.replace('.', '')}`;
  const methods: Methods = {
    ...peopleMethods(store, options.enterprise),
    ...conversationMethods(store),
    ...chatMethods(store, permalink, faults.dropsRepeats),
    ...uploads.methods,
    ...viewMethods(store, triggers),
    'apps.connections.open': { token: 'app', answer: () => ({ url: socket.open() }) },
  };
  const requests: RecordedCall[] = [];
  const answerApi = createWebApi({ ...app, scopes, methods, faults, requests });
  const page = createPage({
    store,
    interactions,
    faults,
    commands: app.commands ?? [],
    faultInjections: options.faultInjections ?? [],
  });

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', origin);
    const [, area, ...rest] = pathname.split('/');
    if (area === 'api') return answerApi(rest.join('/'), request, response);
    if (area === 'upload') {
      const { upload } = await readFields(request);
      const isReceived = uploads.receive(String(rest[1]), upload ?? Buffer.alloc(0));
      response.writeHead(isReceived ? 200 : 400).end(isReceived ? 'OK' : 'Error');
      return;
    }
    if (area === 'commands') {
      const { fields } = await readFields(request);
      const { status, body } = responseUrls.use(rest.join('/'), fields);
      if (typeof body === 'string') response.writeHead(status).end(body);
      else answerJson(response, status, body);
      return;
    }
    return page.answer(pathname, request, response);
  };
  server.on('request', (request, response) => {
    route(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  server.on('upgrade', socket.upgrade);

  return {
    ...interactions,
    pageUrl: `${origin}/`,
    apiUrl: `${origin}/api/`,
    messages: store.roots,
    thread: store.thread,
    ephemerals: store.ephemerals,
    files: (channelId, ts) => store.thread(channelId, ts).flatMap(({ files }) => files),
    views: (userId) => [...store.views.values()].filter(({ user }) => user === userId),
    direct: (userId) => {
      const channel = store.direct(userId);
      if (!channel) throw new Error(`no user ${userId}`);
      return channel;
    },
    say: (user, channel, text, threadTs) => store.add({ user, channel, text, threadTs }),
    waitFor: (find, { timeoutMs = MAX_WAIT_MS } = {}) => waitUntil(find, store.onChange, timeoutMs),
    requests,
    faults,
    setUser: store.setUser,
    setGroup: store.setGroup,
    setBotMembership: store.setBotMembership,
    sockets: socket,
    close: async () => {
      uploads.close();
      page.close();
      await socket.close();
      await http?.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(port: number) {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return { server, origin: `http://127.0.0.1:${taken}` };
}

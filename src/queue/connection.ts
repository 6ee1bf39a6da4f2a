import { readFileSync } from 'node:fs';
import { Cluster, type ClusterNode, Redis, type RedisOptions as AnyRedisOptions } from 'ioredis';
import type { RedisSettings } from './redis-settings.ts';

type RedisOptions = Omit<AnyRedisOptions, 'replyMapping'>;

export type RedisConnection = Redis | Cluster;

/** Doubles from 0.1 s to at most 5 s, half of it random, so that workers don't reconnect in lockstep. */
export function backoffMs(attempt: number): number {
  return Math.min(100 * 2 ** Math.min(attempt, 7), 5_000) * (0.5 + Math.random() / 2);
}

/** While Redis is unreachable every command fails immediately, so that a person gets a response within Slack's 3 s. */
export function connectFailFast(settings: RedisSettings, onError: (error: Error) => void): RedisConnection {
  return connect(settings, { enableOfflineQueue: false, maxRetriesPerRequest: 1 }, onError);
}

/** Commands wait until Redis is reachable, as BullMQ requires of workers. A failover that keeps the socket open is recognized by its errors. */
export function connectBlocking(settings: RedisSettings, onError: (error: Error) => void): RedisConnection {
  const reconnectOnError = (error: Error) => (/^(READONLY|LOADING)/.test(error.message) ? 2 : false);
  return connect(settings, { maxRetriesPerRequest: null, reconnectOnError }, onError);
}

/** Waits until the connection is ready, at most `withinMs`. If it is not, commands fail or wait as usual. */
export async function waitUntilReady(connection: RedisConnection, withinMs: number): Promise<void> {
  if (connection.status === 'ready') return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, withinMs);
  connection.once('ready', resolve);
  await promise;
  clearTimeout(timer);
  connection.off('ready', resolve);
}

/**
 * Makes `disconnect` end a connection whatever it is doing. ioredis cancels the next attempt of one that waits to reconnect, and then
 * neither emits `end` nor rejects what is queued: BullMQ, which waits for both, would never close. From the status `wait` it does.
 */
function withReliableDisconnect<C extends RedisConnection>(connection: C): C {
  const disconnect = connection.disconnect.bind(connection);
  const duplicate = connection.duplicate.bind(connection) as (...options: unknown[]) => RedisConnection;
  return Object.assign(connection, {
    disconnect: (reconnect = false) => {
      if (!reconnect && connection.status === 'reconnecting') connection.status = 'wait';
      disconnect(reconnect);
    },
    duplicate: (...options: unknown[]) => withReliableDisconnect(duplicate(...options)),
  });
}

function connect(
  settings: RedisSettings,
  retryOptions: RedisOptions,
  onError: (error: Error) => void,
): RedisConnection {
  const connection = withReliableDisconnect(open(settings, { ...retryOptions, retryStrategy: backoffMs }));
  connection.on('error', onError);
  return connection;
}

function open(settings: RedisSettings, retryOptions: RedisOptions): RedisConnection {
  if ('url' in settings) return connectUrl(settings.url, retryOptions);
  const { tls, ...rest } = settings;
  const { ca, ...names } = tls ?? {};
  const common: RedisOptions = {
    ...retryOptions,
    ...(tls && { tls: { ...names, ...(ca !== undefined && { ca: readFileSync(ca, 'utf8') }) } }),
  };
  if ('sentinels' in rest)
    return new Redis({
      ...common,
      ...rest,
      sentinels: [...rest.sentinels],
      sentinelRetryStrategy: backoffMs,
    });
  const { cluster, ...access } = rest;
  return connectCluster([...cluster], { ...common, ...access });
}

function connectUrl(url: string, common: RedisOptions): Redis {
  return url.startsWith('unix://')
    ? new Redis({ ...common, path: url.slice('unix://'.length) })
    : new Redis(url, common);
}

/** With 16 redirections, the default of ioredis, a failover ran every job in flight twice; with these it ran none twice. */
function connectCluster(nodes: ClusterNode[], redisOptions: RedisOptions): Cluster {
  const { retryStrategy: _, enableOfflineQueue, ...perNode } = redisOptions;
  return new Cluster(nodes, {
    clusterRetryStrategy: backoffMs,
    maxRedirections: 120,
    retryDelayOnFailover: 200,
    retryDelayOnClusterDown: 200,
    ...(enableOfflineQueue !== undefined && { enableOfflineQueue }),
    redisOptions: perNode,
  });
}

import type { Log } from './log.ts';

const REPEAT_AFTER_MS = 60_000;

/** Logs each error of Redis at most once a minute, however many connections report it. */
export function logRedisErrors(log: Log): (error: Error) => void {
  const loggedAt = new Map<string, number>();
  return (error) => {
    const now = Date.now();
    const before = loggedAt.get(error.message);
    if (before !== undefined && now - before < REPEAT_AFTER_MS) return;
    loggedAt.set(error.message, now);
    log.warn({ event: 'redis-error', err: { message: error.message } }, 'Redis connection or command failed');
  };
}

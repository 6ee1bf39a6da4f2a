import type { Log } from './log.ts';

const AGAIN_AFTER_MS = 60_000;

/** Logs an error of a connection once a minute, however many connections say it and how often. */
export function logOutages(log: Log, what: string): (error: Error) => void {
  const saidAt = new Map<string, number>();
  return (error) => {
    const now = Date.now();
    const before = saidAt.get(error.message);
    if (before !== undefined && now - before < AGAIN_AFTER_MS) return;
    saidAt.set(error.message, now);
    log.warn({ err: { message: error.message } }, `${what} is in trouble`);
  };
}

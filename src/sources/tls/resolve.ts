import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { noAnswer } from './explain.ts';

/**
 * The addresses of a host as this machine resolves names (also `/etc/hosts`), in the resolver's order. A lookup cannot be
 * ended, only left alone: `timeoutMs` and `signal` are for the caller.
 * @throws {SourceError} after `timeoutMs`; the resolver's own error (`ENOTFOUND`); the reason of `signal`.
 */
export async function resolveHost(
  host: string,
  { source, timeoutMs, signal }: { source: string; timeoutMs: number; signal: AbortSignal },
): Promise<readonly [LookupAddress, ...LookupAddress[]]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(noAnswer(source, timeoutMs)), timeoutMs);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const [first, ...others] = await Promise.race([lookup(host, { all: true }), tooLate]);
    if (first === undefined) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
    return [first, ...others];
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

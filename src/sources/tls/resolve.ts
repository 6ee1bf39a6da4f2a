import { type LookupAddress, promises as dns } from 'node:dns';
import { isIP } from 'node:net';
import { SourceError } from '../../ports/source-error.ts';
import { explainTlsError, formatAge, formatMs } from './explain-error.ts';

export type Addresses = readonly [LookupAddress, ...LookupAddress[]];

/** Addresses of hosts as this machine resolves names (also `/etc/hosts` and search domains), in the resolver's order. */
export interface Resolver {
  /** @throws {SourceError} if it has none, or if the lookup times out. */
  readonly resolve: (host: string) => Promise<Addresses>;
}

export interface ResolverParts {
  readonly source: string;
  readonly timeoutMs: number;
  readonly clock: () => number;
  /** Can't be canceled: a name whose name servers don't respond occupies one of few threads for up to half a minute. */
  readonly lookup: (host: string) => Promise<readonly LookupAddress[]>;
  /** Whether the name servers of a host respond promptly, with any response at all. */
  readonly isPrompt: (host: string) => Promise<boolean>;
}

/** libuv gives `getaddrinfo` half of its four threads: https://docs.libuv.org/en/v1.x/threadpool.html. More would wait there while their timeouts run. */
const LOOKUPS_AT_ONCE = 2;

/** Name servers drop queries if thousands arrive at once. */
const SORTED_AT_ONCE = 64;

interface Lookup {
  readonly host: string;
  readonly result: Promise<Addresses>;
  readonly resolve: (addresses: Addresses) => void;
  readonly reject: (error: unknown) => void;
  /** When the system lookup started. */
  startedAt?: number;
}

/**
 * Names that don't resolve must not delay those that do. So a query that needs no thread first shows whether a name's servers respond at
 * all. Names whose servers don't respond come last, one at a time; once one of them has timed out, the others in the queue fail too. A
 * lookup in progress is shared.
 */
export function makeResolver({ source, timeoutMs, clock, lookup, isPrompt }: ResolverParts): Resolver {
  const underWay = new Map<string, Lookup>();
  const unsorted: Lookup[] = [];
  const prompt: Lookup[] = [];
  const slow: Lookup[] = [];
  let sorting = 0;
  let running = 0;
  let stuck = 0;

  const noAnswerYet = (more = '') =>
    new SourceError(
      source,
      'unreachable',
      `its name servers did not respond within ${formatMs(timeoutMs)}${more}`,
    );
  const rejectStuckLookups = () => {
    const given = [
      ...(stuck > 0 ? slow.splice(0) : []),
      ...(stuck < LOOKUPS_AT_ONCE ? [] : prompt.splice(0)),
    ];
    for (const { host, reject } of given) {
      underWay.delete(host);
      reject(noAnswerYet());
    }
  };
  const runNext = () => {
    rejectStuckLookups();
    for (let free = LOOKUPS_AT_ONCE - running; free > 0; free -= 1) {
      const next = prompt.shift() ?? (running === 0 ? slow.shift() : undefined);
      if (next !== undefined) void run(next);
    }
  };
  const run = async (one: Lookup) => {
    one.startedAt = clock();
    running += 1;
    let isStuck = false;
    const timer = setTimeout(() => {
      isStuck = true;
      stuck += 1;
      one.reject(noAnswerYet());
      rejectStuckLookups();
    }, timeoutMs);
    try {
      const [first, ...others] = await lookup(one.host);
      if (first === undefined) one.reject(new SourceError(source, 'missing', 'name not found'));
      else one.resolve([first, ...others]);
    } catch (error) {
      one.reject(explainTlsError(error, source) ?? error);
    }
    clearTimeout(timer);
    running -= 1;
    if (isStuck) stuck -= 1;
    underWay.delete(one.host);
    runNext();
  };
  const start = (host: string): Promise<Addresses> => {
    const { promise: result, resolve, reject } = Promise.withResolvers<Addresses>();
    const one: Lookup = { host, result, resolve, reject };
    underWay.set(host, one);
    unsorted.push(one);
    if (sorting < SORTED_AT_ONCE) void sort();
    return result;
  };
  const sort = async () => {
    sorting += 1;
    for (let next = unsorted.shift(); next !== undefined; next = unsorted.shift()) {
      ((await isPrompt(next.host)) ? prompt : slow).push(next);
      runNext();
    }
    sorting -= 1;
  };
  return {
    resolve: async (host) => {
      const family = isIP(host);
      if (family !== 0) return [{ address: host, family }];
      const before = underWay.get(host);
      if (before === undefined) return start(host);
      const agoMs = before.startedAt === undefined ? 0 : clock() - before.startedAt;
      if (agoMs >= timeoutMs) throw noAnswerYet(`, queried ${formatAge(agoMs)} ago`);
      return before.result;
    },
  };
}

/** Two queries, because one may be lost: 0.5 s for the first and 1 s for the second, which is more than a healthy name server needs. */
const PROMPT = { timeout: 500, tries: 2 };

/**
 * This machine's resolver. Its name servers are also queried directly, but not for the result: only the system uses hosts files and search
 * domains.
 */
export function systemResolver(parts: Pick<ResolverParts, 'source' | 'timeoutMs' | 'clock'>): Resolver {
  let asking = 0;
  let nameServers = new dns.Resolver(PROMPT);
  const isPrompt = async (host: string) => {
    // A resolver reads `/etc/resolv.conf` only once, when it is created.
    if (asking === 0) nameServers = new dns.Resolver(PROMPT);
    asking += 1;
    try {
      await nameServers.resolve4(host);
      return true;
    } catch (error) {
      return (Object(error) as { code?: unknown }).code !== 'ETIMEOUT';
    } finally {
      asking -= 1;
    }
  };
  return makeResolver({ ...parts, lookup: (host) => dns.lookup(host, { all: true }), isPrompt });
}

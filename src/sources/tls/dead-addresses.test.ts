import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueSelfSigned, type Issued } from '../../../test/world/ca.ts';
import { makeListeners } from '../../../test/world/tls-servers.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { ScanResult } from '../../ports/certificates.ts';
import { trustRoots } from '../../wire/certificate-path.ts';
import { tlsConfig } from './config.ts';
import { openTls } from './open.ts';
import type { Resolver } from './resolve.ts';
import { scanSites, makeTlsState } from './scan.ts';
import { makeSeenPlaceReader } from './seen-place.ts';

/** Longer than any test runs. */
const NEVER_MS = 600_000;
/** Long enough for any handshake on a busy machine. */
const PATIENT_MS = 4_000;

const ground = makeListeners();
let leaf: Issued;

beforeAll(async () => {
  leaf = await issueSelfSigned({ name: 'world.test', names: ['*.world.test'] });
});
afterAll(() => ground.close());

// These tests mostly wait, so they run in parallel.
describe.concurrent('addresses that do not respond', () => {
  test('reaches a healthy address although unresponsive ones occupy all workers but one', async () => {
    const [one, other, healthy] = [await startSilent(), await startSilent(), await startHealthy()];
    const sites = [...namesAt(one.port), ...namesAt(other.port), ...namesAt(healthy.port)];
    const { scan } = open({ sites, concurrency: 3, timeoutMs: NEVER_MS });

    const seen: ScanResult[] = [];
    for await (const result of scan()) if (seen.push(result) === 100) break;

    expect(seen.every(({ kind }) => kind === 'seen')).toBe(true);
    expect([one.connections(), other.connections()]).toEqual([1, 1]);
  });

  test('tries two of a hundred names at an unresponsive address, and reports all as gaps', async () => {
    const silent = await startSilent();
    const { scan } = open({ sites: namesAt(silent.port), timeoutMs: 1_000 });

    const results = await all(scan());

    expect(results.map(({ kind }) => kind)).toEqual(Array.from({ length: 100 }, () => 'unseen'));
    expect(silent.connections()).toBe(2);
    const reasons = results.map((result) => result.kind === 'unseen' && result.error.message);
    const [tried, notTried] = [
      reasons.filter((reason) => !`${reason}`.includes('not tried')),
      reasons.filter((reason) => `${reason}`.includes('not tried')),
    ];
    expect(tried).toEqual(['no response within 1 s', 'no response within 1 s']);
    for (const reason of notTried)
      expect(`${reason}`.replace(/ \d+ s ago/, '')).toBe(
        `no response within 1 s from 127.0.0.1:${silent.port} (not tried: this address did not respond for another name)`,
      );
  });

  test.each<[string, string[], number?]>([
    ['first', ['hang0', 'n1', 'n2', 'n3', 'n4']],
    ['first and second', ['hang0', 'hang1', 'n2', 'n3', 'n4']],
    ['first and last', ['hang0', 'n1', 'n2', 'n3', 'hang4', 'n5', 'n6']],
    ['first ones, two at once', ['hang0', 'hang1', 'n2', 'n3', 'n4'], 2],
    ['all but the last', ['hang0', 'hang1', 'hang2', 'n3']],
  ])(
    'names of a backend that hangs, the %s, do not affect other names at the address',
    async (_where, names, perAddress = 1) => {
      const { port } = await startHealthy();
      const sites = names.map((name) => `${name}.world.test@127.0.0.1:${port}`);
      const { scan } = open({ sites, timeoutMs: PATIENT_MS, perAddress });

      const results = await all(scan());

      const seen = results
        .filter(({ kind }) => kind === 'seen')
        .map(({ place }) => /:(\w+)\./.exec(place)?.[1]);
      expect(new Set(seen)).toEqual(new Set(names.filter((name) => name.startsWith('n'))));
      expect(results).toHaveLength(names.length);
    },
  );

  test('a name that hangs is tried once in a while, not by every check', async () => {
    const silent = await startSilent();
    let now = Date.now();
    const { scan } = open({ sites: [`a.world.test@127.0.0.1:${silent.port}`], timeoutMs: 1_000 }, () => now);

    const first = await all(scan());
    now += 1_400;
    const second = await all(scan());
    now += 600;
    const third = await all(scan());

    const reasons = [first, second, third].map(([one]) => one?.kind === 'unseen' && one.error.message);
    expect(reasons).toEqual([
      'no response within 1 s',
      'no response within 1 s, tried 1 s ago',
      'no response within 1 s',
    ]);
    expect(silent.connections()).toBe(2);
  });

  test('sees a site that has recovered as soon as it may be tried again', async () => {
    const server = await startHealthy();
    let now = Date.now();
    const { scan } = open({ sites: namesAt(server.port, 3), timeoutMs: PATIENT_MS }, () => now);
    server.setSilent(true);
    expect((await all(scan())).map(({ kind }) => kind)).toEqual(['unseen', 'unseen', 'unseen']);

    server.setSilent(false);
    now += 10_000;

    expect((await all(scan())).map(({ kind }) => kind)).toEqual(['seen', 'seen', 'seen']);
  });

  test('tries a site that refuses connections every time', async () => {
    const server = await startHealthy();
    const { scan } = open({ sites: namesAt(server.port, 1), timeoutMs: PATIENT_MS });
    expect(await all(scan())).toMatchObject([{ kind: 'seen' }]);

    server.setSilent(true);

    expect(await all(scan())).toMatchObject([{ kind: 'unseen' }]);
  });

  test('always tries a site that a person asks about', async () => {
    const server = await startHealthy();
    const site = `a.world.test@127.0.0.1:${server.port}`;
    const { scan, lookAt } = open({ sites: [site], timeoutMs: PATIENT_MS });
    server.setSilent(true);
    expect(await all(scan())).toMatchObject([{ kind: 'unseen' }]);

    server.setSilent(false);

    expect(await lookAt(site)).toMatchObject([{ kind: 'seen' }]);
    expect(await all(scan())).toMatchObject([{ kind: 'seen' }]);
  });

  test('concurrent checks of an unresponsive site share one connection', async () => {
    const silent = await startSilent();
    const { scan } = open({ sites: namesAt(silent.port, 1), timeoutMs: 2_000 });

    const scans = await Promise.all(Array.from({ length: 20 }, () => all(scan())));

    expect(scans).toHaveLength(20);
    for (const results of scans) expect(results).toMatchObject([{ kind: 'unseen' }]);
    expect(silent.connections()).toBe(1);
  });

  test('concurrent checks of a healthy site share one response, which is not cached', async () => {
    const server = await startHealthy();
    const { scan } = open({ sites: namesAt(server.port, 1), everyKeyType: false });
    server.hold();
    const scans = Array.from({ length: 20 }, () => all(scan()));
    await until(() => server.connections() === 1);

    server.release();

    for (const results of await Promise.all(scans)) expect(results).toMatchObject([{ kind: 'seen' }]);
    expect(server.connections()).toBe(1);
    await all(scan());
    expect(server.connections()).toBe(2);
  });

  test('an aborted check does not affect another that waits for the same response', async () => {
    const server = await startHealthy();
    const { scan } = open({ sites: namesAt(server.port, 1), timeoutMs: NEVER_MS });
    server.hold();
    const leaving = new AbortController();
    const left = all(scan(leaving.signal));
    await until(() => server.connections() === 1);
    const staying = all(scan());

    leaving.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    server.release();

    expect(await staying).toMatchObject([{ kind: 'seen' }]);
  });

  test('an aborted check releases its slots', async () => {
    const server = await startHealthy();
    const { scan } = open({ sites: namesAt(server.port, 5), timeoutMs: NEVER_MS });
    server.hold();
    const leaving = new AbortController();
    const left = all(scan(leaving.signal));
    await until(() => server.connections() === 1);
    leaving.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');

    server.release();

    expect(await all(scan())).toHaveLength(5);
  });

  test('a person waits at most for the slot in use', async () => {
    const server = await startHealthy();
    const sites = namesAt(server.port, 50);
    const { scan, lookAt } = open({ sites, timeoutMs: NEVER_MS });
    server.hold();
    const order: string[] = [];
    const scanning = all(scan()).then(() => order.push('scan'));
    await until(() => server.connections() === 1);
    const looking = lookAt(sites[49]!).then(() => order.push('look'));

    server.release();
    await Promise.all([scanning, looking]);

    expect(order).toEqual(['look', 'scan']);
  });

  test('names that do not resolve occupy no worker, and are gaps', async () => {
    const { port } = await startHealthy();
    const sites = [
      ...Array.from({ length: 60 }, (_, index) => `dead${index}.world.test:443`),
      ...namesAt(port),
    ];
    const config = tlsConfig.parse({ kind: 'tls', name: 'edge', sites, concurrency: 1 });
    const gone = Promise.withResolvers<never>();
    const resolver: Resolver = {
      resolve: async (host) => (host.startsWith('dead') ? gone.promise : [{ address: host, family: 4 }]),
    };
    const state = { ...makeTlsState(config, Date.now), resolver };
    const placeReader = makeSeenPlaceReader(trustRoots([]), new Map(), new Date());

    const kinds: string[] = [];
    for await (const { result } of scanSites(config.sites, state, placeReader, new AbortController().signal))
      if (kinds.push(result.kind) === 100)
        gone.reject(new SourceError('edge', 'unreachable', 'its name servers did not respond'));

    expect(kinds.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 'seen'));
    expect(kinds.slice(100)).toEqual(Array.from({ length: 60 }, () => 'unseen'));
  });

  test('a bug in the lookup of a name ends the scan', async () => {
    const config = tlsConfig.parse({ kind: 'tls', sites: ['a.world.test'] });
    const resolver: Resolver = { resolve: () => Promise.reject(new TypeError('ours')) };
    const state = { ...makeTlsState(config, Date.now), resolver };
    const scanning = scanSites(
      config.sites,
      state,
      makeSeenPlaceReader(trustRoots([]), new Map(), new Date()),
      new AbortController().signal,
    );

    await expect(scanning.next()).rejects.toThrow('ours');
  });

  test('a deadline ends a scan of unresponsive and healthy sites, and earlier results were yielded', async () => {
    const [silent, healthy] = [await startSilent(), await startHealthy()];
    const { scan } = open({
      sites: [...namesAt(silent.port), ...namesAt(healthy.port)],
      timeoutMs: NEVER_MS,
    });
    const deadline = new AbortController();
    const seen: ScanResult[] = [];

    const scanning = (async () => {
      for await (const result of scan(deadline.signal))
        if (seen.push(result) === 100) deadline.abort(new Error('time'));
    })();

    await expect(scanning).rejects.toThrow('time');
    expect(seen).toHaveLength(100);
    await until(() => silent.open() === 0);
  });

  test('the health check lists the sites that do not respond, and counts each once', async () => {
    const [silent, healthy] = [await startSilent(), await startHealthy()];
    const sites = [...namesAt(silent.port, 3), ...namesAt(healthy.port, 2)];
    const { reach } = open({ sites, timeoutMs: PATIENT_MS });

    const { ok, summary } = await reach(new AbortController().signal);

    expect(ok).toBe(false);
    expect(summary).toMatch(/^2 of 5 sites respond; not responding: /);
    expect(summary).toContain('not tried: this address did not respond for another name');
  });
});

function namesAt(port: number, count = 100): string[] {
  return Array.from({ length: count }, (_, index) => `n${index}.world.test@127.0.0.1:${port}`);
}

function open(config: object, clock?: () => number) {
  const source = openTls(tlsConfig.parse({ kind: 'tls', name: 'edge', ...config }), clock);
  const { signal: never } = new AbortController();
  return {
    scan: (signal = never) => source.reads.certificates!.scan({ signal }),
    lookAt: (site: string) => source.reads.certificates!.inspectSite!(site, { signal: never }),
    reach: source.healthCheck,
  };
}

async function all(results: AsyncIterable<ScanResult>): Promise<ScanResult[]> {
  const found: ScanResult[] = [];
  for await (const result of results) found.push(result);
  return found;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function startSilent() {
  let connections = 0;
  let open = 0;
  const { port } = await ground.listen(
    createServer((socket) => {
      connections += 1;
      open += 1;
      void once(socket.resume(), 'close').then(() => (open -= 1));
    }),
  );
  return { port, connections: () => connections, open: () => open };
}

/** Responds for every name except those that begin with `hang`. */
async function startHealthy() {
  const context = createSecureContext({ cert: leaf.certificatePem, key: leaf.keyPem });
  const tls = createTlsServer({
    SNICallback: (name, done) => name.startsWith('hang') || done(null, context),
    handshakeTimeout: NEVER_MS,
  }).on('tlsClientError', () => {});
  tls.on('secureConnection', (socket) => socket.on('error', () => {}));
  let connections = 0;
  let isSilent = false;
  let held: Socket[] | undefined;
  const { port } = await ground.listen(
    createServer((socket) => {
      connections += 1;
      if (held !== undefined) held.push(socket);
      else if (isSilent) socket.resume();
      else tls.emit('connection', socket);
    }),
  );
  return {
    port,
    connections: () => connections,
    setSilent: (silent: boolean) => (isSilent = silent),
    /** Accepts connections, and sends nothing until it is released. */
    hold: () => (held = []),
    release: () => {
      const waiting = held ?? [];
      held = undefined;
      for (const socket of waiting) if (!socket.destroyed) tls.emit('connection', socket);
    },
  };
}

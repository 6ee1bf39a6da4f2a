import type { LookupAddress } from 'node:dns';
import { expect, test } from 'vitest';
import { SourceError } from '../../ports/source-error.ts';
import { makeResolver, systemResolver } from './resolve.ts';

const PATIENT = { timeout: 30_000 };
const FOUND: LookupAddress = { address: '10.0.0.7', family: 4 };

/** A system that looks up two names at a time, like libuv, and never gets a response for names that begin with `dead`. */
function start({ timeoutMs = 60_000, slow = (host: string) => host.startsWith('dead') } = {}) {
  const asked: string[] = [];
  const answers = new Map<string, (found: LookupAddress[]) => void>();
  let now = 0;
  const resolver = makeResolver({
    source: 'edge',
    timeoutMs,
    clock: () => now,
    isPrompt: async (host) => !slow(host),
    lookup: (host) => {
      asked.push(host);
      const { promise, resolve } = Promise.withResolvers<LookupAddress[]>();
      if (host.startsWith('dead')) answers.set(host, resolve);
      else resolve(host.startsWith('empty') ? [] : [FOUND]);
      return promise;
    },
  });
  return {
    ...resolver,
    asked,
    answer: (host: string) => answers.get(host)?.([FOUND]),
    wait: (ms: number) => (now += ms),
  };
}

test('names that resolve are not delayed by any number of names that do not', async () => {
  const { resolve } = start();
  const dead = Array.from({ length: 50 }, (_, index) => resolve(`dead${index}`));
  const alive = Array.from({ length: 500 }, (_, index) => resolve(`n${index}`));

  expect(await Promise.all(alive)).toEqual(alive.map(() => [FOUND]));
  for (const one of dead) one.catch(() => {});
});

test('does not query name servers for thousands of names at once', async () => {
  let [now, most] = [0, 0];
  const { resolve } = makeResolver({
    source: 'edge',
    timeoutMs: 60_000,
    clock: () => 0,
    isPrompt: async () => {
      most = Math.max(most, (now += 1));
      await new Promise((done) => setImmediate(done));
      now -= 1;
      return true;
    },
    lookup: async () => [FOUND],
  });

  await Promise.all(Array.from({ length: 2000 }, (_, index) => resolve(`n${index}`)));

  expect(most).toBe(64);
});

test('once a name has timed out, gives up on all names whose name servers do not respond', async () => {
  const { resolve, asked } = start({ timeoutMs: 20 });

  const dead = await Promise.allSettled(Array.from({ length: 50 }, (_, index) => resolve(`dead${index}`)));

  for (const one of dead)
    expect(one).toMatchObject({
      reason: { kind: 'unreachable', message: 'its name servers did not respond within 20 ms' },
    });
  expect(asked).toEqual(['dead0']);
  expect(await resolve('n1')).toEqual([FOUND]);
});

test('gives up on names if every thread is stuck', async () => {
  const { resolve, answer } = start({ timeoutMs: 20, slow: () => false });
  const stuck = await Promise.allSettled([resolve('dead0'), resolve('dead1')]);
  expect(stuck.map(({ status }) => status)).toEqual(['rejected', 'rejected']);

  await expect(resolve('n1')).rejects.toThrow('did not respond');
  answer('dead0');
  await expect.poll(() => resolve('n1').catch(String), PATIENT).toEqual([FOUND]);
});

test('does not look up a name again while its lookup is in progress, and reports its age', async () => {
  const { resolve, asked, wait, answer } = start({ timeoutMs: 20 });
  await expect(resolve('dead')).rejects.toThrow('its name servers did not respond within 20 ms');

  wait(7000);
  await expect(resolve('dead')).rejects.toThrow(
    'its name servers did not respond within 20 ms, queried 7 s ago',
  );
  expect(asked).toEqual(['dead']);

  answer('dead');
  await expect.poll(() => resolve('dead').catch(String), PATIENT).not.toContain('7 s ago');
  expect(asked).toEqual(['dead', 'dead']);
});

test('concurrent requests for one name share one lookup', async () => {
  const { resolve, asked } = start();

  expect(await Promise.all([resolve('n'), resolve('n'), resolve('n')])).toEqual([[FOUND], [FOUND], [FOUND]]);
  expect(asked).toEqual(['n']);
});

test('an address needs no lookup, and a name without addresses is not found', async () => {
  const { resolve, asked } = start();

  expect(await resolve('2001:db8::1')).toEqual([{ address: '2001:db8::1', family: 6 }]);
  expect(asked).toEqual([]);
  await expect(resolve('empty')).rejects.toMatchObject({ kind: 'missing', message: 'name not found' });
});

test('this machine resolves its own name, and errors are explained', async () => {
  const { resolve } = systemResolver({ source: 'edge', timeoutMs: 30_000, clock: Date.now });

  const addresses = await resolve('localhost');

  expect(addresses.map(({ address }) => address).some((one) => one === '127.0.0.1' || one === '::1')).toBe(
    true,
  );
  await expect(resolve('nowhere.invalid')).rejects.toBeInstanceOf(SourceError);
});

import { expect, test } from 'vitest';
import { SourceError } from '../kit.ts';
import { hostSource, type StoredHost } from './fixture-hosts.ts';
import { hostKeyFindings, surveyHosts } from './host-survey.ts';

const now = new Date('2026-11-26T12:00:00Z');

async function gapsOf(hosts: readonly StoredHost[], args: { readonly hosts?: string } = {}) {
  const gaps: string[] = [];
  const context = {
    read: { hosts: [hostSource({ name: 'compute', now, hosts })] },
    gap: (what: string, error: Error) => void gaps.push(`${what}: ${error.message}`),
    signal: new AbortController().signal,
    saw: () => {},
  };
  await surveyHosts(context, args, ({ source }, ask) => ask('links', (query) => source.links(query)));
  return gaps;
}

test('suggests the host that was probably meant', async () => {
  const hosts = [{ name: 'cmp-11' }, { name: 'net-1' }];
  expect(await gapsOf(hosts, { hosts: 'cmp-111,storage' })).toEqual([
    '--hosts cmp-111: no host has this name; did you mean cmp-11?',
    '--hosts storage: no host has this name',
  ]);
});

test('names the host and the question of a failure once, and many hosts with one failure in one gap', async () => {
  const error = new SourceError('compute', 'missing', "ip isn't installed");
  const broken = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `h${index}`, error }));
  expect(await gapsOf(broken(1))).toEqual(["h0: links: ip isn't installed"]);
  expect(await gapsOf(broken(5))).toEqual(["h0, h1, h2 and 2 more: links: ip isn't installed"]);
});

test('explains a rejected host key once, in its finding', async () => {
  const key = { host: 'h0', is: 'unknown', fingerprint: 'SHA256:abc' } as const;
  const message = 'the host key of h0 is not in known_hosts: verify it, then add it';
  const error = new SourceError('compute', 'refused', message, { code: 'SSH_HOST_KEY', hostKey: key });
  expect(await gapsOf([{ name: 'h0', error }])).toEqual(['h0: the host key was rejected']);
  expect(hostKeyFindings([{ key, hosts: ['h0'], message }])).toMatchObject([
    {
      reason: 'host-key-unknown',
      summary: "The host key of h0 is unknown, so Wrench didn't log in. Verify the key on the host",
      evidence: [{ value: 'SHA256:abc' }, { value: message }],
    },
  ]);
});

import { type ports, SourceError } from '../../kit.ts';
import type { Facts, StoreLook } from './collect.ts';

/** Words for telling stories in: what each member said of itself, in short. */

export const MB = 1_000_000;
/** etcd's own, where none is configured. */
export const QUOTA = 2 * 1_024 ** 3;

type Known = Partial<Omit<ports.StoreMember, 'name'>>;

/** One that is well, but for what is said of it: a follower with 210 kB. */
export function member(name: string, known: Known = {}): ports.StoreMember {
  return {
    id: idOf(name),
    name,
    clientUrls: [`https://${name}.example.com:2379`],
    version: '3.4.23',
    healthy: true,
    hasLeader: true,
    isLeader: false,
    dbSizeBytes: 0.21 * MB,
    dbInUseBytes: 0.2 * MB,
    quotaBytes: QUOTA,
    raftIndex: 4_812_396,
    raftAppliedIndex: 4_812_396,
    leaderChanges: 2,
    proposalsFailed: 0,
    proposalsPending: 0,
    slowFsyncs: { share: 0.002, total: 418_200 },
    clockAheadMs: 0,
    ...known,
  };
}

export function leader(name: string, known: Known = {}): ports.StoreMember {
  return member(name, { isLeader: true, ...known });
}

/** One that says nothing. */
export function silent(name: string, because = 'connection refused', known: Known = {}): ports.StoreMember {
  return {
    id: idOf(name),
    name,
    clientUrls: [`https://${name}.example.com:2379`],
    error: new SourceError('etcd', 'unreachable', because),
    ...known,
  };
}

/** One that was added, and of which nobody has heard. */
export function neverStarted(): ports.StoreMember {
  const because = 'it was added to the cluster and has never started';
  return { ...silent('', because, { id: '9372538179322589801' }), clientUrls: [] };
}

/** Of etcd 2, which tells no sizes, no alarms and no raft index. */
export function old(name: string, known: Known = {}): ports.StoreMember {
  const { id, clientUrls } = member(name);
  return {
    id,
    name,
    clientUrls,
    version: '2.1.1',
    healthy: true,
    hasLeader: true,
    isLeader: false,
    clockAheadMs: 0,
    ...known,
  };
}

export function store(
  members: readonly ports.StoreMember[],
  known: Partial<Omit<StoreLook, 'members'>> = {},
): StoreLook {
  return { name: 'etcd', members, alarms: [], hasQuorum: true, revision: '3847', ...known };
}

export function factsOf(...stores: readonly StoreLook[]): Facts {
  return { stores };
}

export function alarm(name: string, kind: ports.StoreAlarm['kind'] = 'NOSPACE'): ports.StoreAlarm {
  return { memberId: idOf(name), kind };
}

/** What it serves on its client port, and until when. */
export function certificate(name: string, until: string): { readonly certificate: ports.Certificate } {
  return {
    certificate: {
      fingerprint: idOf(name).repeat(4).slice(0, 64),
      name: `${name}.example.com`,
      subject: `CN=${name}.example.com`,
      issuer: 'CN=etcd-ca',
      alternativeNames: [`DNS:${name}.example.com`],
      serial: '5eed',
      notBefore: new Date('2016-01-01T00:00:00Z'),
      notAfter: new Date(until),
      authority: false,
      selfSigned: false,
      key: { type: 'rsa', bits: 2048 },
      signature: 'sha256WithRSAEncryption',
      extendedKeyUsage: ['serverAuth'],
      mustStaple: false,
    },
  };
}

/** In decimal, above 2^53 as real ones are, and the same for the same name. */
export function idOf(name: string): string {
  let value = 0xcbf29ce484222325n;
  for (const letter of name)
    value = BigInt.asUintN(63, (value ^ BigInt(letter.charCodeAt(0))) * 0x100000001b3n);
  return String(value | (1n << 62n));
}

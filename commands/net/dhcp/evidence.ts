import { type Evidence, type ports, wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import type { Client } from './clients.ts';
import { type Facts } from './facts.ts';
import type { Round } from './rounds.ts';
import { isSameHost } from '../../shared/host-names.ts';
import { hostOf } from './servers.ts';

const MAX_ROUNDS = 12;
const DAY_MS = 86_400_000;

/** `11:40:03`, with its day if it is long ago. */
export function timeOf(at: Date, now: Date): string {
  const iso = at.toISOString();
  return now.getTime() - at.getTime() < DAY_MS
    ? `${iso.slice(11, 19)} UTC`
    : `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}

const ANSWERS: Readonly<Record<Round['outcome'], string>> = {
  offered: 'OFFER',
  acknowledged: 'ACK',
  refused: 'NAK',
  elsewhere: 'NAK',
  'no address': 'none',
  ignored: 'none',
  unanswered: 'none',
  'none expected': '',
};

/** The first and the last rounds of a conversation. */
export function conversationTable(rounds: readonly Round[], now: Date): Evidence {
  const half = MAX_ROUNDS / 2;
  const isLong = rounds.length > MAX_ROUNDS;
  const shown = isLong ? [...rounds.slice(0, half), ...rounds.slice(1 - half)] : rounds;
  const rows = shown.map(({ at, asked, outcome, reason, by }) => [
    timeOf(at, now),
    asked,
    [ANSWERS[outcome], reason].filter(Boolean).join(': '),
    `${by.host} ${by.link}`,
  ]);
  if (isLong) rows.splice(half, 0, ['…', `${rounds.length - shown.length} more`, '', '']);
  return { kind: 'table', columns: ['Time', 'Client sent', 'Server sent', 'Server'], rows };
}

/** The port, its instance and its hypervisor, as the cloud knows them. */
export function portEvidence({ mac }: Client, facts: Facts): readonly Evidence[] {
  const port = facts.ports.find((one) => one.mac === mac);
  if (!port) return [];
  const instance = instanceOf(port, facts);
  const named = instance && `${instance.name} (${instance.id})`;
  return [
    ...optionalField('Instance', named ?? (isInstance(mac, facts) ? port.device : undefined)),
    ...optionalField(
      'Port',
      [port.id, port.status, port.host && `on ${port.host}`].filter(Boolean).join(', '),
    ),
  ];
}

/** Whether the client is an instance, by its port. */
export function isInstance(mac: string, { ports: known }: Pick<Facts, 'ports'>): boolean {
  return known.some((port) => port.mac === mac && port.owner?.startsWith('compute:'));
}

/** The instance of a port, if the cloud knows it. */
export function instanceOf(
  port: ports.CloudPort,
  { instances }: Pick<Facts, 'instances'>,
): ports.CloudServer | undefined {
  return instances.find(({ id }) => id === port.device);
}

/** Facts that often go with replies that get lost. They don't prove the cause. */
export function likelyCauses(
  { mac, server }: Client,
  facts: Facts,
  network: string | undefined,
): readonly Evidence[] {
  const host = hostOf(server);
  const port = facts.ports.find((one) => one.mac === mac);
  if (port?.host === undefined || !isSameHost(port.host, host)) return [];
  const rules = facts.checksums.find((one) => one.host === host)?.rules ?? [];
  const id = port.network ?? network;
  const own = rules.filter(({ namespace }) => id !== undefined && namespace === `qdhcp-${id}`);
  const asked = own.length > 0 ? own : rules;
  const isUnfilled = asked.length > 0 && asked.every(({ fillsDhcp }) => !fillsDhcp);
  const where = own.length === 1 ? `its namespace ${own[0]?.namespace}` : 'its namespace';
  return isUnfilled
    ? [
        field(
          'Likely, not proven',
          `the client runs on the same host as the server (${host}), and ${where} has no rule that fills in the checksums of DHCP replies: clients may drop such replies`,
        ),
      ]
    : [];
}

/** `5 requests in 55 s`. */
export function overTime(count: number, noun: string, rounds: readonly Round[]): string {
  const [first] = rounds;
  const last = rounds.at(-1);
  const ms = first && last ? last.at.getTime() - first.at.getTime() : 0;
  return count < 2
    ? wording.count(count, noun)
    : `${wording.count(count, noun)} in ${wording.elapsed(Math.round(ms / 1_000) * 1_000)}`;
}

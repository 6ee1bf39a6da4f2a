import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT_QUESTIONS } from '../../src/sources/ssh/root-questions.ts';
import { type AnswerCommand, DOWN, serveHosts } from '../world/hosts/serve-hosts.ts';
import { startOpenStack } from '../world/openstack/cloud.ts';
import { answerCloud } from './answer-cloud.ts';
import { hostOfCase } from './answer-host.ts';
import type { CaseFile, SpokenAnswer } from './case-file.ts';
import { textOf } from './host-formats.ts';
import { serveBroker } from './serve-broker.ts';
import { serveDatabase } from './serve-database.ts';
import { isOfSwitch, kindOf, type SpokenKind } from './spoken-kind.ts';

/** Sources that have the answers of hosts and services in a case file. */
export interface ServedCase {
  readonly sources: readonly object[];
  readonly close: () => Promise<void>;
}

/** The names of the hosts in a case file. */
export function hostsOf({ spoken = [] }: CaseFile): readonly string[] {
  return [...new Set(spoken.filter((one) => kindOf(one) === 'host').map(({ of }) => of))];
}

/**
 * Serves a case file as real servers on loopback: the hosts with sshd, the cloud and each broker over HTTP, a database, and logs as files. What is not in the
 * file isn't served, and a source without any answers isn't configured.
 */
export async function serveSpokenCase(file: CaseFile, folder: string): Promise<ServedCase> {
  const { spoken = [] } = file;
  const now = new Date(file.now);
  const of = (kind: SpokenKind): readonly SpokenAnswer[] => spoken.filter((one) => kindOf(one) === kind);
  const served: { readonly source: object; readonly close: () => Promise<void> }[] = [];
  const hosts = hostsOf(file);
  if (hosts.length > 0) served.push(await serveAll(hosts, of('host'), now));
  if (of('cloud').length > 0) served.push(await serveCloud(of('cloud')));
  if (of('broker').length > 0) served.push(await serveBrokers(of('broker')));
  if (of('database').length > 0) served.push(await serveDatabases(of('database'), now));
  return {
    sources: [...served.map(({ source }) => source), ...(await writeLogs(spoken, folder))],
    close: async () => {
      await Promise.all(served.map(({ close }) => close()));
    },
  };
}

/** `ssh: connect to host cmp-12 port 22: Connection timed out` */
function isUnreachable(answer: SpokenAnswer): boolean {
  return answer.rc === 255 && /^ssh: |Connection (timed out|refused)|No route to host/.test(textOf(answer));
}

async function serveAll(hosts: readonly string[], spoken: readonly SpokenAnswer[], now: Date) {
  const answers = hosts.map((host): [string, AnswerCommand] => {
    const own = spoken.filter((one) => one.of === host);
    return [host, own.some(isUnreachable) ? DOWN : hostOfCase(host, own, now)];
  });
  const { source, close } = await serveHosts(new Map(answers));
  return { source: { ...source('hosts'), sudo: ROOT_QUESTIONS }, close };
}

async function serveCloud(answers: readonly SpokenAnswer[]) {
  const cloud = await startOpenStack({ answer: answerCloud(answers) });
  const source = {
    kind: 'openstack',
    name: 'openstack',
    authUrl: cloud.authUrl,
    auth: { applicationCredential: cloud.addCredential() },
  };
  return { source, close: cloud.close };
}

/** Each name is an endpoint: a node, or the address of the cluster. `curl: (7) Failed to connect`: nothing listens there. */
async function serveBrokers(spoken: readonly SpokenAnswer[]) {
  const byName = [...Map.groupBy(spoken, ({ of }) => of).values()];
  const brokers = await Promise.all(
    byName.map((answers) => serveBroker(answers.some(isRefused) ? undefined : answers)),
  );
  return {
    source: {
      kind: 'rabbitmq',
      name: 'rabbitmq',
      urls: brokers.map(({ url }) => url),
      user: { username: 'wrench', password: 'not checked' },
    },
    close: async () => {
      await Promise.all(brokers.map(({ close }) => close()));
    },
  };
}

function isRefused({ rc, status, text }: SpokenAnswer): boolean {
  return (
    typeof status !== 'number' &&
    ((rc ?? 0) !== 0 || /Connection refused|Failed to connect/i.test(text ?? ''))
  );
}

async function serveDatabases(spoken: readonly SpokenAnswer[], now: Date) {
  const { port, close } = await serveDatabase(spoken, () => now);
  const user = { username: 'wrench', password: 'not checked' };
  return { source: { kind: 'mysql', name: 'nova-db', host: '127.0.0.1', port, user }, close };
}

/** One source for the logs of switches, one for those of DHCP servers, and one for others. */
async function writeLogs(spoken: readonly SpokenAnswer[], folder: string): Promise<readonly object[]> {
  const inventory = spoken.filter((one) => kindOf(one) === 'inventory');
  const logs = spoken.filter((one) => kindOf(one) === 'logs');
  const contents = Map.groupBy(logs, contentOf);
  if (inventory.length > 0 && !contents.has('switch')) contents.set('switch', []);
  return Promise.all(
    [...contents].map(async ([content, answers]) => {
      const paths = await Promise.all(
        answers.map((answer, at) => writeLog(answer, join(folder, `${content}-${at}.log`))),
      );
      const source = { kind: 'syslog', name: `${content}-logs`, contains: [content] };
      if (content !== 'switch' || inventory.length === 0) return { ...source, paths };
      const switchPorts = join(folder, 'switch-ports');
      await writeFile(switchPorts, inventory.map(portLines).join('\n'));
      return {
        ...source,
        paths: paths.length > 0 ? paths : [await writeEmpty(join(folder, 'switch.log'))],
        switchPorts,
      };
    }),
  );
}

function contentOf({ of, ask }: SpokenAnswer): 'switch' | 'dhcp' | 'system' {
  if (/dnsmasq|dhcp/i.test(ask)) return 'dhcp';
  if (isOfSwitch(ask) || /switch|leaf|spine|%\w/i.test(`${of} ${ask}`)) return 'switch';
  return 'system';
}

/** A log that couldn't be read is a file that doesn't exist. */
async function writeLog(answer: SpokenAnswer, path: string): Promise<string> {
  if ((answer.rc ?? 0) === 0) await writeFile(path, textOf(answer));
  return path;
}

async function writeEmpty(path: string): Promise<string> {
  await writeFile(path, '');
  return path;
}

/** `leaf-a Ethernet1/41 cmp-41`, also from a list of objects. */
function portLines(answer: SpokenAnswer): string {
  if (!Array.isArray(answer.json)) return textOf(answer);
  const rows = answer.json as readonly Readonly<Record<string, string>>[];
  return rows
    .map((row) => [row['switch'], row['port'], row['host'] ?? row['description']].join(' '))
    .join('\n');
}

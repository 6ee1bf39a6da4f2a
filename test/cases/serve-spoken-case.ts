import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnswerCommand, DOWN, serveHosts } from '../world/hosts/serve-hosts.ts';
import { startOpenStack } from '../world/openstack/cloud.ts';
import { answerCloud } from './answer-cloud.ts';
import { answerHost } from './answer-host.ts';
import type { CaseFile, SpokenAnswer } from './case-file.ts';
import { textOf } from './host-formats.ts';

/** Sources that have the answers of hosts and services in a case file. */
export interface ServedCase {
  readonly sources: readonly object[];
  readonly close: () => Promise<void>;
}

/** What is no host, by the first word of its name. */
const SERVICES = new Set(
  'neutron nova keystone glance cinder placement heat syslog inventory rabbitmq mariadb mysql postgres postgresql database memcached'.split(
    ' ',
  ),
);
const CLOUD = new Set(['neutron', 'nova', 'keystone']);

/** The names of the hosts in a case file. */
export function hostsOf({ spoken = [] }: CaseFile): readonly string[] {
  return [...new Set(spoken.filter((one) => !isOfService(one)).map(({ of }) => of))];
}

/**
 * Serves a case file as real servers on loopback: the hosts with sshd, the cloud over HTTP, and logs as files. What is not in the file isn't served, and a
 * source without any answers isn't configured.
 */
export async function serveSpokenCase(file: CaseFile, folder: string): Promise<ServedCase> {
  const { spoken = [] } = file;
  const served: { readonly source: object; readonly close: () => Promise<void> }[] = [];
  const hosts = hostsOf(file);
  if (hosts.length > 0) served.push(await serveAll(hosts, spoken, new Date(file.now)));
  const cloud = spoken.filter(({ of }) => CLOUD.has(serviceOf(of)));
  if (cloud.length > 0) served.push(await serveCloud(cloud));
  return {
    sources: [...served.map(({ source }) => source), ...(await writeLogs(spoken, folder))],
    close: async () => {
      await Promise.all(served.map(({ close }) => close()));
    },
  };
}

function serviceOf(name: string): string {
  return name.toLowerCase().split(/[ -]/)[0] ?? '';
}

/** A switch has no questions for hosts: what it shows are log lines. */
function isOfService({ of, ask, status }: SpokenAnswer): boolean {
  return (
    SERVICES.has(serviceOf(of)) || typeof status === 'number' || /^[A-Z]+ \//.test(ask) || isOfSwitch(ask)
  );
}

function isOfSwitch(ask: string): boolean {
  return /^show |\bswitch(es)? (messages|logs?|syslog)\b/i.test(ask);
}

/** `ssh: connect to host cmp-12 port 22: Connection timed out` */
function isUnreachable(answer: SpokenAnswer): boolean {
  return answer.rc === 255 && /^ssh: |Connection (timed out|refused)|No route to host/.test(textOf(answer));
}

async function serveAll(hosts: readonly string[], spoken: readonly SpokenAnswer[], now: Date) {
  const answers = hosts.map((host): [string, AnswerCommand] => {
    const own = spoken.filter((one) => one.of === host);
    return [host, own.some(isUnreachable) ? DOWN : (command) => answerHost(host, own, now, command)];
  });
  const { source, close } = await serveHosts(new Map(answers));
  const sudo = ['neighbors', 'network-settings', 'checksum-rules', 'kernel-log', 'file-sizes'];
  return { source: { ...source('hosts'), sudo }, close };
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

/** One source for the logs of switches, one for those of DHCP servers, and one for others. */
async function writeLogs(spoken: readonly SpokenAnswer[], folder: string): Promise<readonly object[]> {
  const inventory = spoken.filter(({ of }) => serviceOf(of) === 'inventory');
  const logs = spoken.filter((one) => serviceOf(one.of) === 'syslog' || isOfSwitch(one.ask));
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

import type { HostOutput } from '../world/hosts/serve-hosts.ts';
import { answerNovaHost, isOfNova } from './answer-nova-host.ts';
import type { SpokenAnswer } from './case-file.ts';
import {
  bondLines,
  checksumRules,
  clockLine,
  iptablesNamespaces,
  journalLines,
  kernelLines,
  linkFileLines,
  neighborLines,
  packageLine,
  pingReply,
  settingLines,
  textOf,
} from './host-formats.ts';
import { secondsLater } from './spoken-kind.ts';

/** What a question is about, whether it is written as a command or in words. */
type Topic = (typeof TOPICS)[number][0];

/** The first that matches decides. */
const TOPICS = [
  ['package', /^(dpkg|rpm|apt)\b|--version\b|\bversion of\b/],
  ['processes', /^ps\b|\bpgrep\b/],
  [
    'settings',
    /\/etc\/\S*(neutron|nova|kolla)\S*|\b(nova\.conf|neutron\.conf|\w+_agent\.ini|ml2_conf\.ini)\b/,
  ],
  ['checksums', /\biptables|\bnft\b|checksum rule/i],
  ['namespaces', /\bip netns( list| show)?$|\/run\/netns/],
  // Wrench has no such question.
  ['other', /\/var\/lib\/|\bip netns\b|^(ls|ethtool|tcpdump|virsh|brctl|bridge|ovs-\w+|systemctl|sysctl)\b/],
  ['neighbors', /\blldp/i],
  ['bonds', /\/proc\/net\/bonding|bonding_masters/],
  ['vlan-table', /\/proc\/net\/vlan/],
  ['link-files', /\/sys\/class\/net/],
  ['addresses', /\bip( -\S+)* (a|ad|add|addr|address)\b/],
  ['routes', /\bip( -\S+)* (r|ro|route)\b/],
  ['links', /\bip( -\S+)* (l|li|link)\b/],
  ['ping', /\bping\b/],
  ['kernel', /\bdmesg\b|journalctl.* (-k|--dmesg|_TRANSPORT=kernel)|kern\.log|\bkernel (log|messages)\b/],
  ['dhcp', /dnsmasq|dhcp/i],
  ['system-logs', /^tail -v .*\/var\/log\/syslog/],
  ['clock', /^(date|timedatectl)\b|\bclock\b/],
  ['mounts', /\b(findmnt|df|mount)\b/],
  ['files', /^find\b/],
] as const;

function topicOf(question: string): Topic | undefined {
  return TOPICS.find(([, pattern]) => pattern.test(question))?.[0];
}

/** Answers the commands that reach a host, one after the other: the second measurement of files has the answer to "the same, 60 s later". */
export function hostOfCase(
  host: string,
  answers: readonly SpokenAnswer[],
  now: Date,
): (command: string) => HostOutput {
  const laterSeconds = Math.max(0, ...answers.map(({ ask }) => secondsLater(ask) ?? 0));
  let timesMeasured = 0;
  return (command) => {
    // The second measurement was taken at the time of the case.
    const isBefore = timesMeasured < 2 && laterSeconds > 0;
    const at = isBefore ? new Date(now.getTime() - laterSeconds * 1000) : now;
    const output = answerHost(host, answers, at, command, timesMeasured);
    if (/console\.log\* -type f -printf/.test(plain(command))) timesMeasured += 1;
    return output;
  };
}

/**
 * Answers one of Wrench's commands from what a case file says about the host, in the form in which the command prints it. Without an answer, the program of
 * the command is not installed.
 */
export function answerHost(
  host: string,
  answers: readonly SpokenAnswer[],
  now: Date,
  command: string,
  timesMeasured = 0,
): HostOutput {
  const line = plain(command);
  const ofNova = answerNovaHost({ host, answers, now, timesMeasured }, line);
  if (ofNova !== 'not-nova') return ofNova ?? notInstalled(line);
  const topic = line.includes('/var/log/syslog') ? 'system-logs' : topicOf(line);
  const about = (wanted: Topic | undefined): readonly SpokenAnswer[] =>
    answers.filter((one) => !isOfNova(one) && topicOf(one.ask) === wanted);
  const given = about(topic);
  const good = given.filter(isGood);
  const [bad] = given.filter((one) => !isGood(one));
  const absent: HostOutput = bad ? failure(bad) : notInstalled(line);
  const whole = (text: string | undefined): HostOutput =>
    text === undefined ? absent : { exitCode: 0, stdout: text };
  switch (topic) {
    case 'clock':
      return whole(clockLine(given[0] && textOf(given[0]), now));
    case 'links':
      return answerIp(line, good, absent, about('addresses').filter(isGood));
    case 'addresses':
    case 'routes':
      return answerIp(line, good, absent);
    case 'bonds':
      return whole(bondLines(good));
    case 'vlan-table':
      return whole(good[0] && prefixed('/proc/net/vlan/config', textOf(good[0])));
    case 'link-files':
      return whole(linkFileLines(good));
    case 'neighbors':
      return whole(neighborLines(good, line.includes('json')));
    case 'settings':
      // grep: some of the files don't exist.
      return given.length === 0
        ? absent
        : { exitCode: 2, stdout: settingLines(good), stderr: 'grep: No such file or directory\n' };
    case 'dhcp':
      return whole(
        journalLines(
          host,
          good.filter((one) => !isFile(one) || good.every(isFile)),
          now,
          secondsIn(line),
        ),
      );
    case 'system-logs': {
      const files = about('dhcp').filter((one) => isGood(one) && isFile(one));
      return files.length === 0
        ? notInstalled(line)
        : { exitCode: 1, stdout: files.map((one) => `==> /var/log/syslog <==\n${textOf(one)}`).join('\n') };
    }
    case 'kernel':
      return whole(kernelLines(host, good, now, line));
    case 'namespaces':
      return whole(good[0] ? textOf(good[0]) : iptablesNamespaces(about('checksums')));
    case 'checksums':
      return whole(checksumRules(good, line));
    case 'package':
      return whole(packageLine(good, line));
    case 'ping':
      return pingReply(given, line) ?? absent;
    case 'mounts':
    case 'files':
    case 'processes':
      return whole(good.find(({ ask }) => ask.split(' ')[0] === line.split(' ')[0])?.text ?? undefined);
    default:
      return absent;
  }
}

/** Without the environment, `sudo` and quotes. */
function plain(command: string): string {
  return command
    .replace(/^env (?:\w+=\S+ )*/, '')
    .replace(/^sudo -n /, '')
    .replaceAll("'", '');
}

function isGood({ rc }: SpokenAnswer): boolean {
  return (rc ?? 0) === 0;
}

/** Read from a file, not from the journal. */
function isFile({ ask }: SpokenAnswer): boolean {
  return /\/var\/log\//.test(ask);
}

/** Programs print errors to their standard error, unless they print JSON. */
function failure(answer: SpokenAnswer): HostOutput {
  const exitCode = answer.rc ?? 1;
  return answer.json === undefined
    ? { exitCode, stderr: textOf(answer) }
    : { exitCode, stdout: textOf(answer) };
}

/** https://www.gnu.org/software/coreutils/manual/html_node/env-invocation.html#index-exit-status-of-env */
function notInstalled(line: string): HostOutput {
  return { exitCode: 127, stderr: `env: '${line.split(' ')[0]}': No such file or directory\n` };
}

/** JSON if the command has `-j`. An answer in the other form means a program that doesn't know the option. */
function answerIp(
  line: string,
  good: readonly SpokenAnswer[],
  absent: HostOutput,
  further: readonly SpokenAnswer[] = [],
): HostOutput {
  const isJson = (answer: SpokenAnswer): boolean =>
    answer.json !== undefined || /^\s*[[{]/.test(textOf(answer));
  const wantsJson = /\bip -j/.test(line);
  const usable = good.length > 0 ? good : further;
  const matching = usable.filter((one) => isJson(one) === wantsJson);
  if (matching.length > 0)
    return { exitCode: 0, stdout: wantsJson ? mergeJson(matching) : matching.map(textOf).join('\n') };
  if (usable.length === 0) return absent;
  return wantsJson
    ? { exitCode: 255, stderr: 'Option "-j" is unknown, try "ip -help".\n' }
    : { exitCode: 1, stderr: 'ip: no text was recorded\n' };
}

/** The answers to several questions about links as one list: `ip -j -d link show bond0` and that of another link. */
function mergeJson(answers: readonly SpokenAnswer[]): string {
  if (answers.length === 1) return textOf(answers[0]!);
  const lists = answers.map((one): unknown => one.json ?? JSON.parse(textOf(one)));
  if (!lists.every((list) => Array.isArray(list))) return JSON.stringify(lists[0]);
  const byName = new Map<unknown, object>();
  for (const link of lists.flat() as readonly { readonly ifname?: string }[])
    byName.set(link.ifname ?? link, { ...byName.get(link.ifname), ...link });
  return JSON.stringify([...byName.values()]);
}

function prefixed(path: string, text: string): string {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `${path}:${line}\n`)
    .join('');
}

function secondsIn(line: string): number {
  return Number(/--since=-(\d+)s/.exec(line)?.[1] ?? Infinity);
}

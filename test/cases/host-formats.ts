import { SETTING_KEYS } from '../../src/wire/host-commands.ts';
import type { HostOutput } from '../world/hosts/serve-hosts.ts';
import type { SpokenAnswer } from './case-file.ts';

/** Answers of case files in the form in which Wrench's commands print them. Absent answers are undefined. */

export function textOf({ text, json }: SpokenAnswer): string {
  return text ?? (json === undefined ? '' : JSON.stringify(json));
}

const ZONES: Readonly<Record<string, string>> = { CET: '+0100', CEST: '+0200', EST: '-0500', EDT: '-0400' };

/** As `date +%s.%N,%z`. Without an answer, the clock of the host is right. */
export function clockLine(text: string | undefined, now: Date): string {
  const written = (text ?? now.toISOString())
    .trim()
    .replace(/\b(CET|CEST|EST|EDT)\b/, (zone) => ZONES[zone]!);
  const [, epoch, fraction = '.0'] = /^(\d{9,11})(\.\d+)?\b/.exec(written) ?? [];
  const seconds = epoch === undefined ? Date.parse(written) / 1000 : Number(epoch + fraction);
  const [, sign = '+', hours = '00', minutes = '00'] = /([+-])(\d\d):?(\d\d)$/.exec(written) ?? [];
  return `${seconds.toFixed(9)},${sign}${hours}${minutes}\n`;
}

/** As `grep -Har . /proc/net/bonding`. */
export function bondLines(answers: readonly SpokenAnswer[]): string | undefined {
  const lines = answers.flatMap((one) => filesIn(one, '/proc/net/bonding/'));
  return lines.length === 0 ? undefined : withPaths(lines);
}

/** As `grep -Ha . /sys/class/net/…`. */
export function linkFileLines(answers: readonly SpokenAnswer[]): string | undefined {
  const lines = answers.flatMap((one) => filesIn(one, '/sys/class/net/'));
  return lines.length === 0 ? undefined : withPaths(lines);
}

type FileLine = readonly [path: string, line: string];

/** The lines of the files that were printed: by `cat` of one file, with their names in front, or after `==> name <==`. */
function filesIn({ ask, ...answer }: SpokenAnswer, folder: string): readonly FileLine[] {
  const paths = ask.match(new RegExp(String.raw`${folder}[\w./-]*[\w-]`, 'g')) ?? [];
  let path = paths[0] ?? `${folder}bond0`;
  let bonds = 0;
  return textOf({ ask, ...answer })
    .split('\n')
    .flatMap((line): readonly FileLine[] => {
      const heading = /^==> (\S+) <==$/.exec(line);
      if (heading) {
        path = heading[1]!;
        return [];
      }
      // `cat` of several bonds: each begins with the version of the driver.
      if (line.startsWith('Ethernet Channel Bonding Driver'))
        path = paths[bonds] ?? path.replace(/\d*$/, String(bonds));
      if (line.startsWith('Ethernet Channel Bonding Driver')) bonds += 1;
      const named = new RegExp(String.raw`^(${folder}[^:]+):(.*)$`).exec(line);
      return [named ? [named[1]!, named[2]!] : [path, line]];
    })
    .filter(([, line]) => line !== '');
}

function withPaths(lines: readonly FileLine[]): string {
  return lines.map(([path, line]) => `${path}:${line}\n`).join('');
}

/** As `grep -Han` with the keys that Wrench reads. */
export function settingLines(
  answers: readonly SpokenAnswer[],
  keys: readonly string[] = SETTING_KEYS,
): string {
  const key = new RegExp(String.raw`^\s*(?:${keys.join('|')})\s*[=:]`);
  return answers
    .flatMap((answer) => {
      const [path = '/etc/neutron/plugins/ml2/linuxbridge_agent.ini'] =
        /\/etc\/[\w./-]*\w/.exec(answer.ask) ?? [];
      return textOf(answer)
        .split('\n')
        .map((line, at): readonly [path: string, number: number, line: string] => {
          // `grep -H` and `grep -n` put a name or a number in front.
          const [, file = path, number = String(at + 1), rest = ''] =
            /^(?:(\/etc\/[^:]+):)?(?:(\d+)[:-])?(.*)$/.exec(line) ?? [];
          return [file, Number(number), rest];
        })
        .filter(
          ([, , line]) => /^\s*\[/.test(line) || key.test(line) || /^\s+[\w.-]*:[\w.-]*,*\s*$/.test(line),
        );
    })
    .map(([path, number, line]) => `${path}:${number}:${line}\n`)
    .join('');
}

/** `Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: …`, with or without a host. */
const OLD_LINE = /^(\w{3} [ \d]?\d \d\d:\d\d:\d\d) (?:(\S+) )??(\S+?(?:\[\d+\])?: .*)$/;
/** `2026-11-26T11:40:03+0000 net-1 …` */
const ISO_LINE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)? (.*)$/;

/** As `journalctl --utc -o short-iso -r --since=-3600s`: newest first. */
export function journalLines(
  host: string,
  answers: readonly SpokenAnswer[],
  now: Date,
  withinSeconds: number,
): string | undefined {
  if (answers.length === 0) return undefined;
  const since = now.getTime() - withinSeconds * 1000;
  return answers
    .flatMap((one) => textOf(one).split('\n'))
    .filter((line) => line.trim() !== '')
    .map((line, at) => ({ at, ...timed(line, host, now) }))
    .filter(({ time }) => time === undefined || time >= since)
    .toSorted((one, other) => (one.time ?? 0) - (other.time ?? 0) || one.at - other.at)
    .toReversed()
    .map(({ text }) => `${text}\n`)
    .join('');
}

function timed(line: string, host: string, now: Date): { readonly text: string; readonly time?: number } {
  const old = OLD_LINE.exec(line);
  if (old) {
    const time = timeOfOld(old[1]!, now);
    return { time, text: `${iso(time)} ${old[2] ?? host} ${old[3]}` };
  }
  const [, written, zone = 'Z', rest] = ISO_LINE.exec(line) ?? [];
  if (written === undefined) return { text: line };
  const time = Date.parse(`${written}${zone.replace(/^(...)(\d\d)$/, '$1:$2')}`);
  return { time, text: `${iso(time)} ${rest}` };
}

/** The year that is nearest to now. */
export function timeOfOld(written: string, now: Date): number {
  const time = Date.parse(`${written} ${now.getUTCFullYear()} UTC`);
  const isAhead = time > now.getTime() + 24 * 3_600_000;
  return isAhead ? Date.parse(`${written} ${now.getUTCFullYear() - 1} UTC`) : time;
}

export function iso(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, '+0000');
}

/** As `journalctl`, `dmesg --time-format iso` or `dmesg`; undefined if the answers are in another form. */
export function kernelLines(
  host: string,
  answers: readonly SpokenAnswer[],
  now: Date,
  command: string,
): string | undefined {
  const lines = answers.flatMap((one) => textOf(one).split('\n')).filter((line) => line !== '');
  if (lines.length === 0) return answers.length > 0 ? '' : undefined;
  const isSinceBoot = lines.every((line) => /^\[ *\d+\.\d+\]/.test(line));
  if (command.startsWith('dmesg') && !command.includes('iso'))
    return isSinceBoot ? `${lines.join('\n')}\n` : undefined;
  if (isSinceBoot) return undefined;
  // `dmesg -T`: `[Thu Nov 26 10:31:07 2026] bond0: …`
  const written = lines.map((line) =>
    line.replace(
      /^\[(\w{3} \w{3} [ \d]?\d [\d:]{8} \d{4})\] /,
      (_, time: string) => `${iso(Date.parse(`${time} UTC`))} ${host} kernel: `,
    ),
  );
  if (command.startsWith('journalctl'))
    return journalLines(
      host,
      [{ of: host, ask: '', json: undefined, text: written.join('\n') }],
      now,
      Infinity,
    );
  return undefined;
}

/** As `lldpctl -f json` or `lldpctl -f keyvalue`. */
export function neighborLines(answers: readonly SpokenAnswer[], wantsJson: boolean): string | undefined {
  const [json] = answers.filter((one) => /^\s*[{[]/.test(textOf(one)));
  if (wantsJson) return json && textOf(json);
  const [text] = answers.filter((one) => one !== json);
  if (!text) return undefined;
  if (/^lldp\.\S+=/m.test(textOf(text))) return textOf(text);
  let link = '';
  const FIELDS: readonly (readonly [RegExp, string])[] = [
    [/^\s*SysName:\s*(.+)$/, 'chassis.name'],
    [/^\s*PortID:\s*ifname (.+)$/, 'port.ifname'],
    [/^\s*PortID:\s*local (.+)$/, 'port.local'],
    [/^\s*PortDescr:\s*(.+)$/, 'port.descr'],
  ];
  return textOf(text)
    .split('\n')
    .flatMap((line) => {
      link = /^Interface:\s*([^,\s]+)/.exec(line)?.[1] ?? link;
      return FIELDS.flatMap(([pattern, key]) => {
        const value = pattern.exec(line)?.[1];
        return value === undefined ? [] : [`lldp.${link}.${key}=${value}\n`];
      });
    })
    .join('');
}

/** Of a file that says only that a rule is in a namespace. */
const SOME_NAMESPACE = 'qdhcp-00000000-0000-4000-8000-000000000001';
const NAMESPACE = /qdhcp-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** As `ip netns list`, by the questions about rules in them. */
export function iptablesNamespaces(answers: readonly SpokenAnswer[]): string | undefined {
  const names = answers.flatMap(({ ask }) =>
    /qdhcp|namespace|netns/.test(ask) ? [NAMESPACE.exec(ask)?.[0] ?? SOME_NAMESPACE] : [],
  );
  return names.length === 0 ? undefined : [...new Set(names)].map((name) => `${name}\n`).join('');
}

/** As `iptables -t mangle -S` in the namespace that the command names. */
export function checksumRules(answers: readonly SpokenAnswer[], command: string): string | undefined {
  const name = NAMESPACE.exec(command)?.[0];
  const wantsNft = /\bnft\b/.test(command);
  const matching = answers.filter(({ ask }) => {
    const isInside = /qdhcp|namespace|netns/.test(ask);
    return (
      /\bnft\b/.test(ask) === wantsNft &&
      isInside === (name !== undefined) &&
      (NAMESPACE.exec(ask)?.[0] ?? name) === name
    );
  });
  if (matching.length === 0) return undefined;
  const text = matching.map(textOf).join('\n');
  // `iptables -L`
  return /^CHECKSUM\b.*fill/m.test(text) && !wantsNft
    ? '-P POSTROUTING ACCEPT\n-A POSTROUTING -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill\n'
    : text;
}

/** As `dpkg-query`, whatever package manager the answer is of. */
export function packageLine(answers: readonly SpokenAnswer[], command: string): string | undefined {
  if (!command.startsWith('dpkg-query')) return undefined;
  const names = command.split(' ').slice(4);
  for (const name of names) {
    const [about] = answers.filter(({ ask }) => ask.includes(name.replace(/-base$/, '')));
    const version = about && /\d+[.:]\d[\w.+~:-]*/.exec(textOf(about))?.[0];
    if (version !== undefined) return `installed,${name},${version}\n`;
  }
  return undefined;
}

/** By the sizes that were asked: what is no larger than an answered one is answered too. */
export function pingReply(answers: readonly SpokenAnswer[], command: string): HostOutput | undefined {
  const sizeOf = (text: string): number => Number(/-s\s*(\d+)/.exec(text)?.[1] ?? 56);
  if (answers.length === 0) return undefined;
  const answered = answers.filter(({ rc }) => (rc ?? 0) === 0).map(({ ask }) => sizeOf(ask));
  const received = sizeOf(command) <= Math.max(...answered) ? 2 : 0;
  return {
    exitCode: received > 0 ? 0 : 1,
    stdout: `2 packets transmitted, ${received} received, ${100 - received * 50}% packet loss, time 201ms\n`,
  };
}

import { readFile } from 'node:fs/promises';
import { syslogLines } from '../../commands/net/dhcp/builders.ts';
import { cloudSource, hostSource, logSource, type StoredHost } from '../../commands/shared/fixture-hosts.ts';
import { type Finding, type Offer, type Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Readers } from '../../src/ports/readers.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';

export const NOW = new Date('2026-11-26T12:00:00Z');

/** What `/net dhcp` can read, in memory. */
export interface DhcpWorld {
  /** Syslog text by host, or more about the host. */
  readonly hosts?: Readonly<Record<string, string | Omit<StoredHost, 'name'>>>;
  /** Syslog text of collected logs. */
  readonly collected?: string;
  readonly cloud?: Omit<Parameters<typeof cloudSource>[0], 'name'>;
  readonly args?: Readonly<Record<string, string>>;
}

export interface DhcpVerdict {
  readonly status: Report['status'];
  /** Severity and target of each finding, sorted. */
  readonly faults: readonly string[];
  readonly text: string;
  readonly report: Report;
}

/** Runs the check on a world without a network. */
export async function askDhcp({ hosts, collected, cloud, args = {} }: DhcpWorld): Promise<DhcpVerdict> {
  const { checks } = await loadCatalogue();
  const check = checks.get('net/dhcp');
  if (!check) throw new Error('no check is called net/dhcp');
  const read: Partial<Readers> = {
    ...(hosts && {
      hosts: [
        hostSource({
          name: 'ssh',
          now: NOW,
          hosts: Object.entries(hosts).map(([name, known]) =>
            typeof known === 'string'
              ? { name, logs: { dhcp: syslogLines(known, name) } }
              : { name, ...known },
          ),
        }),
      ],
    }),
    ...(collected !== undefined && {
      logs: [logSource({ name: 'collected', contains: ['dhcp'], lines: syslogLines(collected) })],
    }),
    ...(cloud && { cloud: [cloudSource({ name: 'openstack', ...cloud })] }),
  };
  const report = await runCheck(check, {
    check: 'net/dhcp',
    environment: 'cases',
    args,
    now: NOW,
    read,
    signal: new AbortController().signal,
    deadlineMs: 60_000,
  });
  return {
    status: report.status,
    faults: report.findings.map(({ severity, target }) => `${severity} ${target}`).toSorted(),
    text: [
      report.verdict,
      ...report.findings.map(textOf),
      ...(report.notes ?? []),
      ...report.gaps.map(({ what, because }) => `${what}: ${because}`),
    ].join('\n'),
    report,
  };
}

function textOf({ summary, evidence = [] }: Finding<Offer>): string {
  return [summary, ...evidence.map((one) => JSON.stringify(one))].join('\n');
}

/** What a host of a case answers about its DHCP log, as syslog's lines. */
export async function linesIn(name: string, host: string): Promise<string> {
  const { pathname } = new URL(`${name}.json`, import.meta.url);
  const { answers } = JSON.parse(await readFile(pathname, 'utf8')) as {
    readonly answers: readonly { readonly of: string; readonly ask: string; readonly text?: string }[];
  };
  const [found] = answers.filter(({ of, ask }) => of === host && /dnsmasq/.test(ask));
  return `\n${found?.text?.trim() ?? ''}\n`;
}

/** Lines of one client in syslog's form: `11:40:03 REQUEST 10.61.0.14`, one a line. */
export function syslog(
  {
    host = 'net-1',
    pid = 2210,
    link = 'tap7c0e4a10-aa',
    mac,
  }: { host?: string; pid?: number; link?: string; mac: string },
  lines: string,
): string {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [time = '', type = '', ...rest] = line.trim().split(/\s+/);
      const [address = '', ...more] = /^\d+\./.test(rest[0] ?? '') ? rest : ['', ...rest];
      const said = [`DHCP${type}(${link})`, address, mac, ...more].filter(Boolean).join(' ');
      return `Nov 26 ${time} ${host} dnsmasq-dhcp[${pid}]: ${said}`;
    })
    .join('\n');
}

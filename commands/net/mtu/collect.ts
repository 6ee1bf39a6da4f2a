import { type ports, SourceError, wording } from '../../kit.ts';
import { type SurveyedHost, surveyHosts } from '../../shared/host-survey.ts';
import { splitNames } from '../../shared/sources.ts';
import { isNetworkBridge } from './bridges.ts';
import { chainOf } from './chain.ts';
import type { Facts, HostLinksFacts, MtuContext } from './facts.ts';
import { isUp, linkTableOf } from './link-table.ts';
import { isTunnel } from './overhead.ts';
import { probePaths } from './probe.ts';
import { type LinkSurvey, surveyOf, type Unjudged } from './survey.ts';

interface Asked {
  readonly hosts?: string | undefined;
  readonly source?: string | undefined;
  readonly probe?: string | undefined;
}

interface ReadHost {
  readonly surveyed: SurveyedHost;
  readonly facts: HostLinksFacts;
}

/** Reads the links of all hosts, and more only if a host has a problem that it explains. */
export async function collect(context: MtuContext, asked: Asked): Promise<Facts> {
  const { results, rejectedKeys } = await surveyHosts(context, asked, (surveyed, ask) =>
    readLinks(context, surveyed, ask),
  );
  const read = results.toSorted((a, b) => (a.facts.name < b.facts.name ? -1 : 1));
  const networks = await readNetworks(context, read);
  const facts = read.map((one) => one.facts);
  const { earlier } = context;
  const first = surveyOf({ hosts: facts, networks, earlier });
  const hosts = await Promise.all(read.map((one) => readDetails(context, one, first)));
  reportUnjudged(context, surveyOf({ hosts, networks, earlier }));
  const probes = asked.probe === undefined ? [] : await probePaths(context, splitNames(asked.probe), read);
  return { hosts, networks, probes, rejectedKeys, earlier };
}

async function readLinks(
  { gap, note }: MtuContext,
  surveyed: SurveyedHost,
  ask: <T>(question: string, read: (query: ports.HostQuery) => Promise<T>) => Promise<T | undefined>,
): Promise<ReadHost | undefined> {
  const { source, host, name } = surveyed;
  const answer = await ask('links', (query) => source.links(query));
  if (!answer) return undefined;
  const { links, from } = answer;
  if (links.length === 0) {
    gap(`${name}: links`, new SourceError(source.name, 'malformed', `${name} lists no links`));
    return undefined;
  }
  if (from === 'proc') {
    note(`${name} has no \`ip\`, so its links are read from files in /proc and /sys`);
    const unknown = unidentifiedIn(links);
    if (unknown.length > 0)
      gap(
        `${name}: links`,
        new SourceError(
          source.name,
          'missing',
          `without \`ip\`, ${name} doesn't say whether ${wording.list(unknown, 3)} ${unknown.length === 1 ? 'is a tunnel' : 'are tunnels'}`,
        ),
      );
  }
  const table = linkTableOf({ name, source: source.name, host: host.name, links });
  const needsAddresses = links.some(
    (link) =>
      isTunnel(link.kind) &&
      isUp(link) &&
      link.parent === undefined &&
      link.tunnel?.local !== undefined &&
      chainOf(table, link)?.unknown !== undefined,
  );
  const addresses = needsAddresses ? await ask('addresses', (query) => source.addresses(query)) : undefined;
  const facts = { name, source: source.name, host: host.name, links, ...(addresses && { addresses }) };
  return { surveyed, facts };
}

/** Links in use that may be NICs, bridges or tunnels, and are nothing that a VLAN or bond is on. */
function unidentifiedIn(links: readonly ports.Link[]): readonly string[] {
  const below = new Set(links.map(({ parent }) => parent));
  return links
    .filter((link) => link.kind === undefined && isUp(link) && link.name !== 'lo')
    .filter(({ name, master }) => master === undefined && !below.has(name))
    .filter(({ name }) => !links.some(({ master }) => master === name))
    .map(({ name }) => name);
}

/** Only if a host has a bridge of a Neutron network. */
async function readNetworks(
  { read, attempt, signal }: MtuContext,
  hosts: readonly ReadHost[],
): Promise<readonly ports.CloudNetwork[]> {
  const clouds = read.cloud ?? [];
  if (!hosts.some(({ facts }) => facts.links.some(isNetworkBridge))) return [];
  const networks: ports.CloudNetwork[] = [];
  await Promise.all(
    clouds.map((cloud) =>
      attempt(`${cloud.name}: networks`, undefined, async () => {
        for await (const page of cloud.networks({ signal })) networks.push(...page);
      }),
    ),
  );
  return networks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Addresses, settings and kernel messages of a host with a problem. They explain it, so an answer that is missing is only a note. */
async function readDetails(
  context: MtuContext,
  { surveyed: { source, name }, facts }: ReadHost,
  survey: LinkSurvey,
): Promise<HostLinksFacts> {
  const { signal, note } = context;
  const query = { host: facts.host, signal };
  const short = survey.shortages.filter(({ chain }) => chain.table.host === facts);
  const isUsageOpen = short.some(({ usage }) => usage !== 'used');
  const isStacked = short.some(({ reason }) => reason === 'vlan-on-vlan');
  const isOdd = survey.legs.some(({ odd }) => odd.some(({ table }) => table.host === facts));
  const enrich = async <T>(question: string, ask: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      if (!(cause instanceof SourceError)) throw error;
      note(`${source.name}: couldn't read ${question} on ${name}: ${cause.message}`);
      return undefined;
    }
  };
  const [addresses, settings, kernelLines] = await Promise.all([
    facts.addresses ?? (isUsageOpen ? enrich('the addresses', () => source.addresses(query)) : undefined),
    isStacked ? enrich('the settings of its network agents', () => source.networkSettings(query)) : undefined,
    isOdd ? enrich('the kernel messages', () => kernelLinesOf(source, query)) : undefined,
  ]);
  return {
    ...facts,
    ...(addresses && { addresses }),
    ...(settings && { settings }),
    ...(kernelLines && { kernelLines }),
  };
}

const KERNEL_LOG_MS = 90 * 86_400_000;
const MAX_KERNEL_LINES = 3;
const MAX_LINE_LENGTH = 200;

async function kernelLinesOf(source: ports.Hosts, query: ports.HostQuery): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const lines of source.logLines({ ...query, log: 'kernel', withinMs: KERNEL_LOG_MS })) {
    found.push(
      ...lines.map(({ text }) => text.slice(0, MAX_LINE_LENGTH)).filter((line) => /\bmtu\b/i.test(line)),
    );
    if (found.length >= MAX_KERNEL_LINES) break;
  }
  return found.slice(0, MAX_KERNEL_LINES);
}

/** Links of this many hosts with one reason are one gap. */
const MANY_HOSTS = 3;

function reportUnjudged({ gap, note }: MtuContext, { unjudged, differentNetworks }: LinkSurvey): void {
  const reasons = Map.groupBy(unjudged, ({ link, because }) => because.replaceAll(link, '…'));
  for (const group of reasons.values()) {
    const targets = group.map(({ host, link }) => `${host.name}:${link}`);
    const [{ host, because }] = group as [Unjudged, ...Unjudged[]];
    if (group.length <= MANY_HOSTS)
      for (const one of group)
        gap(`${one.host.name}:${one.link}`, new SourceError(one.host.source, 'missing', one.because));
    else
      gap(
        wording.list(targets, MANY_HOSTS),
        new SourceError(host.source, 'missing', because, {
          places: targets.length,
          placeNames: targets,
        }),
      );
  }
  for (const text of differentNetworks) note(text);
}

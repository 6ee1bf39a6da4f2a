import { type ports, SourceError, wording } from '../../kit.ts';
import { surveyHosts } from '../../shared/host-survey.ts';
import { splitNames } from '../../shared/sources.ts';
import { type Client, examineClients, isUndecidedWithoutAllServers } from './clients.ts';
import type { Context, Facts } from './facts.ts';
import { Gatherer } from './gather.ts';
import { withoutDeleted } from './memory.ts';
import { readMore, readOptional } from './read-more.ts';
import type { RefusedClientSample } from './samples.ts';
import { isSameHost } from '../../shared/host-names.ts';
import { unlessMissing } from '../../shared/unless-missing.ts';
import { hostOf } from './servers.ts';

export interface CollectArgs {
  readonly withinMs: number;
  readonly client?: string | undefined;
  readonly hosts?: string | undefined;
  readonly source?: string | undefined;
}

/** Clocks that differ less can't change the order of questions and answers by much. */
const CLOCK_TOLERANCE_MS = 30_000;
const MAX_NAMED = 5;

/** Reads what DHCP servers logged, in the journals of hosts and in collected logs; then asks the cloud about clients that seem to have a fault. */
export async function collect(context: Context, args: CollectArgs): Promise<Facts> {
  const { gap, now, read } = context;
  const chosen = chooseByName(context, args.source);
  if (!read.hosts && !read.logs)
    gap('DHCP logs', new SourceError('dhcp', 'missing', 'no source of hosts or logs is configured'));
  const gatherer = new Gatherer();
  const reading = { failed: 0, hosts: new Set<string>() };
  const aheads = new Map<string, number>();
  const [agents, rejectedKeys] = await Promise.all([
    readAgents(context),
    readHosts(context, args, chosen.hosts, { gatherer, reading, aheads }),
    readLogs(context, args, chosen.logs, { gatherer, reading, aheads }),
  ]);
  const gathered = gatherer.result(
    aheads.size === 0 ? undefined : (at, host) => new Date(at.getTime() - (aheads.get(host) ?? 0)),
  );
  reportLimits(context, gathered);
  if (args.hosts === undefined && args.source === undefined)
    reportUnreadAgents(context, agents, gathered, reading);
  noteQuietAgents(context, agents, gathered, reading);
  if (gathered.servers.length === 0 && (read.hosts || read.logs)) reportSilence(context, args, agents);
  const isPartOfAll = args.hosts !== undefined || args.source !== undefined;
  const areAllRead =
    agents.list.length > 0
      ? agents.list.every(({ host }) => isRead(host, gathered, reading))
      : reading.failed === 0;
  const facts: Facts = {
    withinMs: args.withinMs,
    conversations: select(context, gathered.conversations, args.client),
    events: gathered.events,
    servers: gathered.servers,
    areAllServersRead: areAllRead && !isPartOfAll && gathered.lossy.length === 0,
    agents: agents.list,
    ports: [],
    instances: [],
    checksums: [],
    rejectedKeys,
    earlier: context.earlier.filter(
      ({ refused }) =>
        !refused || (isAskedFor(refused, args.client) && isRead(refused.host, gathered, reading)),
    ),
  };
  const faulty = examineClients(facts, now).clients.filter(({ state }) => state.is !== 'fine');
  if (!facts.areAllServersRead) reportUndecided(context, faulty);
  const { asked, ...more } = await readMore(context, faulty);
  return { ...facts, ...more, earlier: withoutDeleted(facts.earlier, { ...more, asked }) };
}

interface Reading {
  readonly gatherer: Gatherer;
  /** What was read: `failed` counts logs that were not, or not completely. */
  readonly reading: { failed: number; readonly hosts: Set<string> };
  /** How far the clock of each host is ahead, if by more than {@link CLOCK_TOLERANCE_MS}. */
  readonly aheads: Map<string, number>;
}

/** `--source` may name sources of hosts and of logs. */
function chooseByName({ read, gap }: Context, source: string | undefined) {
  const named = source === undefined ? undefined : splitNames(source);
  const known = [...(read.hosts ?? []), ...(read.logs ?? [])].map(({ name }) => name);
  for (const name of (named ?? []).filter((one) => !known.includes(one)))
    gap(
      `--source ${name}`,
      new SourceError(
        name,
        'missing',
        `no source of hosts or logs has this name; available: ${known.join(', ')}`,
      ),
    );
  const isChosen = ({ name }: { readonly name: string }) => named === undefined || named.includes(name);
  return { hosts: (read.hosts ?? []).filter(isChosen), logs: (read.logs ?? []).filter(isChosen) };
}

async function readHosts(
  context: Context,
  { withinMs, hosts: names }: CollectArgs,
  sources: readonly ports.Hosts[],
  { gatherer, reading, aheads }: Reading,
) {
  if (sources.length === 0) return [];
  const asked = { ...context, read: { hosts: context.read.hosts ?? [] } };
  const source = sources.map(({ name }) => name).join(',');
  const { rejectedKeys } = await surveyHosts(asked, { source, hosts: names }, async (one, ask) => {
    const { name, source: from } = one;
    const add = gatherer.stream(() => name);
    const [clock, isComplete] = await Promise.all([
      ask('clock', (query) =>
        unlessMissing(context, `${from.name}: clock of ${name}`, undefined, () => from.clock(query)),
      ),
      ask('DHCP log', async (query) => {
        for await (const lines of from.logLines({ ...query, log: 'dhcp', withinMs })) add(lines);
        return true;
      }),
    ]);
    noteClock(context, name, clock, aheads);
    if (isComplete) reading.hosts.add(name);
    else reading.failed += 1;
    return undefined;
  });
  return rejectedKeys;
}

function noteClock(
  { note, now }: Context,
  host: string,
  clock: ports.HostClock | undefined,
  aheads: Map<string, number>,
): void {
  const aheadMs = clock ? clock.time.getTime() - now.getTime() : 0;
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS) return;
  aheads.set(host, aheadMs);
  const seconds = Math.round(aheadMs / 1_000);
  note(
    `${host}: its clock is ${wording.period(Math.abs(seconds) * 1_000)} ${seconds > 0 ? 'ahead' : 'behind'}; the times of its lines are corrected by that`,
  );
}

async function readLogs(
  { attempt, now, saw, signal, read }: Context,
  { withinMs, hosts: names }: CollectArgs,
  sources: readonly ports.Logs[],
  { gatherer, reading }: Reading,
): Promise<void> {
  const configured = (read.hosts ?? []).flatMap(({ hosts }) => hosts.map(({ name }) => name));
  const wanted = names === undefined ? undefined : splitNames(names);
  await Promise.all(
    sources
      .filter(({ contains }) => contains.includes('dhcp'))
      .map(async (source) => {
        const seen = new Set<string>();
        const hostOf = (named: string | undefined) => {
          const same = configured.filter((host) => named !== undefined && isSameHost(host, named));
          const host = same.length === 1 ? (same[0] ?? source.name) : (named ?? source.name);
          seen.add(host);
          return host;
        };
        const add = gatherer.stream(hostOf);
        const isComplete = await attempt(`${source.name}: DHCP log`, false, async () => {
          const since = new Date(now.getTime() - withinMs);
          for await (const lines of source.lines({ content: 'dhcp', since, signal }))
            add(wanted ? lines.filter(({ host }) => wanted.includes(hostOf(host))) : lines);
          return true;
        });
        for (const host of seen) reading.hosts.add(host);
        if (seen.size > 0) saw(source.name);
        if (!isComplete) reading.failed += 1;
      }),
  );
}

interface Agents {
  readonly list: readonly ports.DhcpAgent[];
  /** Clouds that say that they have no agents. */
  readonly cloudsWithout: readonly string[];
}

async function readAgents(context: Context): Promise<Agents> {
  const clouds = await Promise.all(
    (context.read.cloud ?? []).map(async (cloud) => ({
      name: cloud.name,
      agents: await readOptional(context, `${cloud.name}: DHCP agents`, undefined, () =>
        cloud.dhcpAgents({ signal: context.signal }),
      ),
    })),
  );
  return {
    list: clouds.flatMap(({ agents = [] }) => agents),
    cloudsWithout: clouds.filter(({ agents }) => agents?.length === 0).map(({ name }) => name),
  };
}

type Gathered = ReturnType<Gatherer['result']>;

function isRead(host: string, { servers }: Gathered, { hosts }: Reading['reading']): boolean {
  return [...hosts, ...servers.map((one) => (one.includes(' ') ? hostOf(one) : one))].some((one) =>
    isSameHost(one, host),
  );
}

/** The agents of one network answer its clients together: what one of them logged may explain the lines of another. */
function reportUnreadAgents(
  { gap }: Context,
  { list }: Agents,
  gathered: Gathered,
  reading: Reading['reading'],
): void {
  const unread = list
    .filter(({ host, isEnabled = true }) => isEnabled && !isRead(host, gathered, reading))
    .map(({ host }) => host)
    .toSorted();
  if (unread.length > 0 && reading.failed === 0)
    gap(
      `DHCP log of ${wording.list(unread, MAX_NAMED)}`,
      new SourceError('dhcp', 'missing', 'the cloud has a DHCP agent there, but no source reads its log', {
        places: unread.length,
        placeNames: unread,
      }),
    );
}

/** Normal with long leases, but a server that answers no one looks the same. */
function noteQuietAgents(
  { note }: Context,
  { list }: Agents,
  { servers }: Gathered,
  { hosts }: Reading['reading'],
): void {
  const quiet = list
    .map(({ host }) => host)
    .filter(
      (host) =>
        [...hosts].some((one) => isSameHost(one, host)) &&
        !servers.some((one) => isSameHost(one.includes(' ') ? hostOf(one) : one, host)),
    );
  if (quiet.length > 0 && servers.length > 0)
    note(
      `${wording.list(quiet.toSorted(), MAX_NAMED)}: a DHCP agent runs there, but its servers logged nothing`,
    );
}

function reportSilence({ gap }: Context, { withinMs }: CollectArgs, { list, cloudsWithout }: Agents): void {
  const when = `in the last ${wording.period(withinMs)}`;
  const why =
    cloudsWithout.length > 0 && list.length === 0
      ? `${wording.list(cloudsWithout)} has no DHCP agents: with OVN, its controllers answer clients, and their logs are not read`
      : 'a server with `quiet-dhcp` logs nothing either';
  gap('DHCP servers', new SourceError('dhcp', 'missing', `no DHCP server logged anything ${when}; ${why}`));
}

function reportLimits(
  { gap, note }: Context,
  { unreadable, dropped, lossy, otherServers, v6 }: Gathered,
): void {
  const { count, examples } = unreadable;
  if (count > 0)
    gap(
      wording.count(count, 'DHCP line'),
      new SourceError('dhcp', 'malformed', `of an unknown form, such as ${examples[0] ?? ''}`, {
        places: count,
      }),
    );
  for (const [name, lines] of otherServers)
    gap(
      `${wording.count(lines, 'line')} of ${name}`,
      new SourceError('dhcp', 'malformed', 'only the lines of dnsmasq and ISC dhcpd are read', {
        places: lines,
      }),
    );
  for (const host of lossy)
    gap(
      `${host}: DHCP log`,
      new SourceError(
        'dhcp',
        'malformed',
        'lines are missing: the log dropped some because there were too many',
      ),
    );
  if (dropped > 0)
    gap(
      wording.count(dropped, 'older DHCP line'),
      new SourceError('dhcp', 'malformed', 'too many lines; shorten --within, or use --client'),
    );
  if (v6 > 0)
    note(`${wording.count(v6, 'line')} of DHCPv6 ${v6 === 1 ? 'is' : 'are'} not judged; only DHCPv4 is`);
}

/** By MAC or IP address. */
function isAskedFor({ mac, address }: RefusedClientSample, client: string | undefined): boolean {
  return client === undefined || [mac, address].includes(client.toLowerCase());
}

function select(
  { gap }: Context,
  all: Facts['conversations'],
  client: string | undefined,
): Facts['conversations'] {
  if (client === undefined) return all;
  const wanted = client.toLowerCase();
  const found = all.filter(
    ({ mac, messages }) => mac === wanted || messages.some(({ address }) => address === wanted),
  );
  if (found.length === 0)
    gap(
      `--client ${client}`,
      new SourceError('dhcp', 'missing', 'no server logged a message of this client'),
    );
  return found;
}

/** A client that takes an offer asks only the server that made it. */
function reportUndecided({ gap }: Context, faulty: readonly Client[]): void {
  const undecided = faulty.filter(isUndecidedWithoutAllServers).map(({ name }) => name);
  if (undecided.length > 0)
    gap(
      wording.list(undecided, MAX_NAMED),
      new SourceError(
        'dhcp',
        'missing',
        'it may use a server whose log was not read: no answer that was read explains what it does',
        { places: undecided.length, placeNames: undecided },
      ),
    );
}

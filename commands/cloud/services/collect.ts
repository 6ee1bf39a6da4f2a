import { type ports, SourceError, wording } from '../../kit.ts';
import { byHost } from '../../shared/host-names.ts';
import { chooseSources } from '../../shared/sources.ts';
import { timeOfNova } from './clocks.ts';
import type { BrokerAlarms, CloudFacts, Facts, HostFacts, ServicesContext } from './facts.ts';
import { isCompute, knownServices } from './known-service.ts';
import { surveyServices } from './survey.ts';

/** How many hosts are asked, of those with a service that is down. */
const MAX_HOSTS = 10;
/** Of these, how many logs are read. */
const MAX_LOGS = 3;
const MAX_LINES = 3;
const MAX_LINE_CHARS = 300;
const MAX_NAMED = 3;
const LOG_MS = 2 * 3_600_000;
/** Services that are up report every 10 s. */
const STALE_MS = 10 * 60_000;

/** Reads the services of each cloud, and only if some are down, what explains it. */
export async function collect(
  context: ServicesContext,
  { source }: { readonly source?: string | undefined },
): Promise<Facts> {
  const { now } = context;
  const startedMs = performance.now();
  const currentMs = (): number => now.getTime() + performance.now() - startedMs;
  const chosen = chooseSources(context, 'cloud', source);
  const clouds = (await Promise.all(chosen.map((cloud) => readCloud(context, cloud)))).filter(
    (one) => one !== undefined,
  );
  const surveys = clouds.map((cloud) => surveyServices(cloud, [], now));
  const hasOutage = surveys.some(({ outage, group }) => outage.length + group.length > 0);
  const down = [
    ...new Set(
      surveys.flatMap(({ otherDown, clocks, together, group, down: own, outage }) =>
        [
          ...otherDown,
          ...clocks.flatMap(({ conductor }) => conductor ?? []),
          ...together.flatMap(({ services }) => services),
          ...own,
          ...group,
          ...outage,
        ].map(({ host }) => host),
      ),
    ),
  ];
  const [alarms, hosts] = await Promise.all([
    hasOutage ? readAlarms(context) : [],
    readHosts(context, down, currentMs),
  ]);
  return { clouds, hasSeveralClouds: context.read.cloud.length > 1, alarms, hosts };
}

async function readCloud(context: ServicesContext, cloud: ports.Cloud): Promise<CloudFacts | undefined> {
  const { signal, attempt, saw, note } = context;
  const { name } = cloud;
  const services = await attempt(`${name}: services of Nova`, undefined, () => cloud.services({ signal }));
  if (!services) return undefined;
  const known = knownServices(services);
  saw(name, known.length);
  reportUnknown(context, name, services);
  const lateMs = context.now.getTime() - timeOfNova(known, context.now);
  const amount = known.filter(({ isUp }) => isUp).length;
  if (lateMs > STALE_MS)
    context.gap(
      `${name}: state of ${wording.count(amount, 'service')}`,
      new SourceError(
        name,
        'malformed',
        `Nova calls them up, but most last reported ${wording.span(lateMs)} ago: the response is old, or the clock of Wrench is ahead`,
      ),
    );
  if (lateMs < -STALE_MS)
    note(`The clock of Wrench is ${wording.span(lateMs)} behind the clock of Nova in ${name}`);
  return { name, services, changes: cloud.serviceChanges };
}

function reportUnknown(
  { gap }: ServicesContext,
  name: string,
  services: readonly ports.CloudService[],
): void {
  if (!services.some(isCompute))
    gap(`${name}: computes`, new SourceError(name, 'missing', 'Nova lists no nova-compute'));
  const unknown = services.filter(({ isEnabled, isUp }) => isEnabled === undefined || isUp === undefined);
  const inDownCell = unknown.filter(({ isEnabled, isUp }) => isEnabled === undefined && isUp === undefined);
  const report = (
    of: readonly ports.CloudService[],
    kind: 'unreachable' | 'malformed',
    why: string,
  ): void => {
    if (of.length === 0) return;
    const names = of.map(({ binary, host }) => `${binary} on ${host}`);
    gap(
      `${name}: ${wording.list(names, MAX_NAMED)}`,
      new SourceError(name, kind, why, { places: names.length, placeNames: names }),
    );
  };
  report(inDownCell, 'unreachable', 'their cell of Nova is down, so their state is unknown');
  report(
    unknown.filter((one) => !inDownCell.includes(one)),
    'malformed',
    'Nova did not return their state',
  );
}

async function readAlarms({ read, signal, attempt }: ServicesContext): Promise<readonly BrokerAlarms[]> {
  const brokers = read.brokers ?? [];
  const answers = await Promise.all(
    brokers.flatMap((broker) =>
      broker.endpoints.map(async ({ url }) => {
        const alarms = await attempt(`${broker.name}: alarms at ${new URL(url).host}`, undefined, () =>
          broker.alarms({ endpoint: url, signal }),
        );
        return alarms ? [{ broker: broker.name, alarms }] : [];
      }),
    ),
  );
  return answers.flat();
}

interface KnownHost {
  readonly source: ports.Hosts;
  readonly sshName: string;
  readonly host: string;
}

async function readHosts(
  { read, signal, attempt, note }: ServicesContext,
  down: readonly string[],
  currentMs: () => number,
): Promise<readonly HostFacts[]> {
  const all = (read.hosts ?? []).flatMap((source) => source.hosts.map(({ name }) => ({ source, name })));
  const exactly = new Map(all.map((one) => [one.name, one]));
  const similarTo = byHost(all, ({ name }) => name);
  const found = down
    .flatMap((host): KnownHost[] => {
      const same = exactly.get(host) ?? similarTo(host);
      return same ? [{ host, source: same.source, sshName: same.name }] : [];
    })
    .slice(0, MAX_HOSTS);
  return Promise.all(
    found.map(async ({ host, source, sshName }, at) => {
      const query = { host: sshName, signal };
      let unreachable: string | undefined;
      const clock = await attempt(`${source.name}: clock of ${sshName}`, undefined, async () => {
        try {
          const { time } = await source.clock(query);
          return { aheadMs: Math.round(time.getTime() - currentMs()) };
        } catch (error) {
          if (
            !(error instanceof SourceError) ||
            error.kind !== 'unreachable' ||
            error.hostKey ||
            signal.aborted
          )
            throw error;
          unreachable = `${source.name}: ${error.message}`;
          return undefined;
        }
      });
      const reports: string[] = [];
      if (clock && at < MAX_LOGS)
        await attempt(`${source.name}: log of nova-compute on ${sshName}`, undefined, async () => {
          try {
            for await (const lines of source.logLines({
              ...query,
              log: 'service-reports',
              withinMs: LOG_MS,
            })) {
              reports.push(...lines.map(({ text }) => text.slice(0, MAX_LINE_CHARS)));
              if (reports.length >= MAX_LINES) break;
            }
          } catch (error) {
            // It only illustrates the finding.
            if (!(error instanceof SourceError) || error.kind !== 'missing' || signal.aborted) throw error;
            note(`${source.name}: ${sshName} has no log of nova-compute`);
          }
        });
      return {
        host,
        sshName,
        ...(unreachable !== undefined && { unreachable }),
        ...(clock && { clockAheadMs: clock.aheadMs }),
        reports: reports.slice(0, MAX_LINES),
      };
    }),
  );
}

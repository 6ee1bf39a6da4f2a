import { type ports, wording } from '../../kit.ts';
import { surveyHosts, type SurveyedHost } from '../../shared/host-survey.ts';
import { settle } from '../../shared/settle.ts';
import { cleaningOf, isCacheShared } from './cleaning.ts';
import type { Facts, HostFacts, ImagesContext } from './facts.ts';
import { reportGaps } from './gaps.ts';
import { instanceIn, leftover, lostBases } from './lost.ts';
import { listInstances, readImages, readInstances, readServices } from './read-cloud.ts';
import { type ReadHost, readHost, takeTurns } from './read-host.ts';
import { readCopies, readLost } from './read-lost.ts';
import { candidates } from './risks.ts';
import { instanceOf, sharedDevice, storagesOf } from './storages.ts';

interface ImagesArguments {
  readonly source?: string | undefined;
  readonly hosts?: string | undefined;
  readonly within: number;
}

const HOUR_MS = 3_600_000;
const MAX_WITNESSES = 5;

/** Reads the disks of all instances and their base images; more only of those that are missing, or may be removed. */
export async function collect(context: ImagesContext, args: ImagesArguments): Promise<Facts> {
  const { now } = context;
  const asked = new Map<string, SurveyedHost>();
  const turns = takeTurns(context);
  const { results, rejectedKeys } = await surveyHosts(context, args, async (one, ask) => {
    asked.set(one.name, one);
    return readHost(context, one, ask, turns);
  });
  const read = results.toSorted((a, b) => (a.facts.name < b.facts.name ? -1 : 1));
  const [hosts, listed] = await Promise.all([
    askWitnesses(context, read, asked),
    listInstances(
      context,
      read.map(({ facts }) => facts),
    ),
  ]);
  const known: Facts = {
    hosts,
    rejectedKeys,
    instances: listed.instances,
    listedHosts: listed.hosts,
    removals: [],
    openFiles: [],
    guestErrors: [],
    images: new Map(),
    copies: [],
  };
  const services = needsServices(known, now) ? await readServices(context) : undefined;
  const instances = await readInstances(
    context,
    unknownInstances({ ...known, ...(services && { services }) }, now),
  );
  const identified: Facts = {
    ...known,
    ...(services && { services }),
    instances: [...known.instances, ...instances],
  };
  const facts = await explain(context, identified, asked, args.within);
  reportGaps(context, facts, new Map(read.map((one) => [one.facts.name, one.missing])));
  noteLeftovers(context, facts);
  return facts;
}

/** A host may have an old view of shared storage: a base image is only missing if the others don't see it either. */
async function askWitnesses(
  context: ImagesContext,
  read: readonly ReadHost[],
  asked: ReadonlyMap<string, SurveyedHost>,
): Promise<readonly HostFacts[]> {
  const hosts = read.map(({ facts }) => facts);
  const witnessed = storagesOf(hosts, context.now).map((storage) => {
    const paths = storage.bases.filter(({ state }) => state !== 'present').map(({ path }) => path);
    const others = storage.hosts.filter(
      ({ mounts, states }) => !states && sharedDevice(mounts) !== undefined,
    );
    return paths.length === 0 ? [] : others.slice(0, MAX_WITNESSES).map((host) => ({ host, paths }));
  });
  const answers = new Map<HostFacts, readonly ports.FileState[]>();
  await Promise.all(
    witnessed.flat().map(async ({ host, paths }) => {
      const source = asked.get(host.name)?.source;
      if (!source) return;
      const { value, error } = await settle(context, source.name, (signal) =>
        source.fileStates({ host: host.host, paths, signal }),
      );
      if (value) answers.set(host, value);
      if (error && error.kind !== 'missing') context.note(`${host.name}: base images: ${error.message}`);
    }),
  );
  return hosts.map((host) => {
    const states = answers.get(host);
    return states ? { ...host, states } : host;
  });
}

/** Nova's own view of its computes matters if base images are missing on shared storage, or a host hasn't reported for a while. */
function needsServices(facts: Facts, now: Date): boolean {
  return storagesOf(facts.hosts, now).some((storage) => {
    if (storage.isShared !== true) return false;
    const cleaning = cleaningOf(storage, facts, now);
    const { stamps } = storage;
    const isOverdue =
      typeof stamps !== 'object' || stamps.some(({ at }) => cleaning.nowMs - at.getTime() > HOUR_MS);
    const isAtStake = isCacheShared(storage, cleaning) && cleaning.cleaners.length > 0;
    return storage.bases.some(({ state }) => state === 'missing') || (isAtStake && isOverdue);
  });
}

function unknownInstances(facts: Facts, now: Date): readonly string[] {
  const disks = storagesOf(facts.hosts, now).flatMap((storage) => {
    const missing = storage.bases.filter(({ state }) => state === 'missing');
    const removable = candidates(storage, cleaningOf(storage, facts, now));
    return [...missing, ...removable].flatMap((base) => base.disks);
  });
  const unknown = disks.filter((disk) => !instanceIn(facts.instances, disk));
  return [...new Set(unknown.map(instanceOf))].toSorted();
}

async function explain(
  context: ImagesContext,
  facts: Facts,
  asked: ReadonlyMap<string, SurveyedHost>,
  withinMs: number,
): Promise<Facts> {
  const lostIn = (known: Facts) => lostBases(known, storagesOf(known.hosts, context.now));
  const lost = lostIn(facts);
  if (lost.length === 0) return facts;
  const images = new Set(lost.flatMap(({ disks }) => disks.flatMap(({ server }) => server?.image ?? [])));
  const [more, sources] = await Promise.all([
    readLost(context, lost, asked, withinMs),
    readImages(context, [...images].toSorted()),
  ]);
  const explained = { ...facts, ...more, images: sources };
  return { ...explained, copies: await readCopies(context, lostIn(explained), asked) };
}

function noteLeftovers({ note, now }: ImagesContext, facts: Facts): void {
  const storages = storagesOf(facts.hosts, now);
  for (const storage of storages) {
    const left = storage.bases
      .filter(({ state }) => state === 'missing')
      .flatMap(({ disks }) => disks)
      .flatMap((disk) => {
        const why = leftover(facts, storage, disk, storages);
        return why ? [`${instanceOf(disk)} (${why === 'elsewhere' ? 'not on this host' : why})`] : [];
      });
    if (left.length > 0)
      note(
        `${storage.name}: folders of instances that don't need their missing base image: ${wording.list(left)}`,
      );
  }
}

import { setTimeout } from 'node:timers/promises';
import { type ports, SourceError, wording } from '../../kit.ts';
import { ownerOf } from '../../shared/pod-owner.ts';
import { chooseSources, splitNames } from '../../shared/sources.ts';
import { askEngines } from './ask-engines.ts';
import { readDetails } from './details.ts';
import type { ClusterFacts, Context, Facts } from './facts.ts';
import { isGoingOn } from './loops.ts';
import { NewPods } from './new-pods.ts';
import { NodeCollector } from './nodes.ts';
import { workloadNames } from './owner.ts';
import { PodEventCollector, podKey } from './pod-events.ts';
import { type KeptContainer, RestartCollector } from './pods.ts';
import { targetOf } from './restarting.ts';
import { samplesByContainer } from './samples.ts';

export interface CollectArgs {
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly source?: string | undefined;
}

/**
 * How long pods wait for events: with the events, the few containers are known whose probe never works, of pods that are otherwise not kept.
 */
const EVENTS_FIRST_MS = 15_000;
const EVENTS_FIRST_SHARE = 0.25;
/** An API server that has returned nothing in this share of the time counts as one that does not respond: engines need the rest. */
const SILENT_SHARE = 0.5;
const MAX_SILENT_MS = 600_000;

/** Reads all clusters concurrently, page by page, and keeps only the few containers that may be restarting. */
export async function collect(context: Context, args: CollectArgs): Promise<Facts> {
  const selection = selectionOf(args);
  const earlierOf = samplesByContainer(context.earlier);
  const chosen = chooseSources(context, 'clusters', args.source);
  const reading = chosen.map((cluster) => {
    const { signal, onPage, heard, stop } = untilSilent(context, cluster.name);
    const wanted = { selection, earlierOf, onPage, isOnlyCluster: chosen.length === 1, ...args };
    const done = readCluster({ ...context, signal }, cluster, wanted).finally(stop);
    done.catch(() => undefined);
    return { name: cluster.name, done, first: Promise.race([heard, done]) };
  });
  // Engines don't wait for clusters that respond.
  const first = await Promise.all(reading.map((one) => one.first));
  const silent = reading.filter((_, index) => first[index] === SILENT).map(({ name }) => name);
  const [read, engines] = await Promise.all([
    Promise.all(reading.map(({ done }) => done)),
    silent.length > 0 ? askEngines(context, silent) : [],
  ]);
  const answered = read.flatMap((one) => (one === SILENT ? [] : [one]));
  const listed = answered.reduce((sum, one) => sum + one.listed, 0);
  if (listed > 0) selection.reportUnknown(context);
  const { namespace } = args;
  if (namespace !== undefined && answered.length > 0 && answered.every((one) => one.isEmpty))
    context.gap(namespace, new SourceError(namespace, 'missing', 'there are no pods in this namespace'));
  const clusters = answered.map(({ facts }) => facts);
  return { clusters, ...(silent.length > 0 && { silent }), engines, earlier: context.earlier };
}

/** The API server does not respond at all. */
const SILENT = Symbol('the API server does not respond');

interface Wanted extends Pick<CollectArgs, 'namespace'> {
  readonly selection: Selection;
  readonly earlierOf: ReturnType<typeof samplesByContainer>;
  /** Called for each page that the cluster has returned. */
  readonly onPage: () => void;
  readonly isOnlyCluster: boolean;
}

interface ReadState {
  readonly facts: ClusterFacts;
  /** How many pods were listed, selected or not. */
  readonly listed: number;
  /** Whether all pods were listed, and there are none. */
  readonly isEmpty: boolean;
}

async function readCluster(
  context: Context,
  cluster: ports.Cluster,
  { namespace, selection, earlierOf, onPage, isOnlyCluster }: Wanted,
): Promise<ReadState | typeof SILENT> {
  const { signal, gap, note, saw, now, leftMs } = context;
  const { name } = cluster;
  const events = new PodEventCollector();
  const nodes = new NodeCollector();
  const collector = new RestartCollector({
    cluster: name,
    now,
    events,
    earlierOf,
  });
  const newPods = new NewPods({ cluster: name, isOnlyCluster, earlier: context.earlier, now });
  let listed = 0;
  let containers = 0;
  const readingNodes = failureOf(signal, async () => {
    for await (const page of cluster.nodes({ signal })) {
      onPage();
      nodes.add(page);
    }
  });
  const readingEvents = failureOf(signal, async () => {
    for await (const page of cluster.events({ signal, about: 'Pod' })) {
      onPage();
      for (const event of page) if (isIn(namespace, event)) events.add(event);
    }
  });
  // Another failure may end this function before they are awaited.
  for (const reading of [readingNodes, readingEvents]) reading.catch(() => undefined);
  const readPods = async () => {
    const isEarly = await isWithin(
      Math.min(EVENTS_FIRST_MS, leftMs() * EVENTS_FIRST_SHARE),
      signal,
      readingEvents,
    );
    if (!isEarly)
      note(
        `The events of ${name} took long to read, so probes that can't run are only reported for containers that restart`,
      );
    for await (const page of cluster.pods({ signal, ...(namespace !== undefined && { namespace }) })) {
      onPage();
      listed += page.length;
      for (const pod of page) {
        if (!selection.includes(pod)) continue;
        newPods.add(pod);
        const examined = collector.add(pod);
        containers += examined;
        if (examined > 0) saw(name, examined);
      }
    }
    if (listed === 0 && namespace === undefined) throw new SourceError(name, 'missing', 'it has no pods');
  };
  const ofPods = await failureOf(signal, readPods);
  const { kept, unkept, unreadable } = collector.result();
  const [details, ofNodes, ofEvents] = await Promise.all([
    readDetails(
      context,
      cluster,
      kept,
      readingNodes.then(() => nodes),
    ),
    readingNodes,
    readingEvents,
  ]);
  const isSilent = listed === 0 && nodes.count === 0 && isOneFailure([ofPods, ofNodes, ofEvents]);
  if (isSilent && ofPods) {
    gap(name, ofPods);
    return ofPods.kind === 'unreachable' ? SILENT : unread(name);
  }
  const ofKept = events.isFull && !ofEvents ? await readAgain(context, cluster, kept) : { events };
  if (ofPods) gap(listed > 0 ? `${name}: pods after the first ${listed}` : podsOf(name, ofPods), ofPods);
  if (ofEvents ?? ofKept.error) gap(`${name}: events`, (ofEvents ?? ofKept.error)!);
  if (ofNodes) gap(`${name}: nodes`, ofNodes);
  if (unreadable) gap(`${name}: restart counts`, unreadable);
  const goingOn = new Set(
    kept.flatMap(({ container, loop }) =>
      isGoingOn(loop) ? [targetOf(container, { isOne: isOnlyCluster })] : [],
    ),
  );
  for (const target of newPods.unproven().filter((one) => !goingOn.has(one)))
    gap(
      target,
      new SourceError(name, 'missing', 'its new pods have not run for longer than those that restarted'),
    );
  if (unkept > 0)
    gap(
      `${name}: causes of some containers that restart`,
      new SourceError(
        name,
        'malformed',
        `too many: ${unkept} that restarted less than others are not judged`,
        {
          places: unkept,
        },
      ),
    );
  const facts: ClusterFacts = {
    name,
    containers,
    ...(unkept > 0 && { unkept }),
    areEventsComplete: !ofEvents && !ofKept.error,
    restarted: kept.map(({ container, pod, nodeName }) => ({
      ...container,
      events: ofKept.events.of(pod, container.container),
      ...(nodeName !== undefined && { node: details.nodeOf(nodeName) }),
      ...details.of(container),
    })),
  };
  return { facts, listed, isEmpty: listed === 0 && !ofPods };
}

/** A signal that also aborts if no page arrives for too long, so that there is time left for others. */
function untilSilent({ signal, leftMs }: Context, name: string) {
  const silence = new AbortController();
  const stop = new AbortController();
  const heard = Promise.withResolvers<void>();
  const afterMs = Math.min(leftMs() * SILENT_SHARE, MAX_SILENT_MS);
  const giveUp = async (): Promise<void> => {
    const isOver = setTimeout(afterMs, true, { signal: AbortSignal.any([signal, stop.signal]) });
    if (!(await isOver.catch(() => false))) return;
    const within = wording.period(Math.ceil(afterMs / 1_000) * 1_000);
    silence.abort(new SourceError(name, 'unreachable', `the API server did not respond within ${within}`));
  };
  void giveUp();
  return {
    signal: AbortSignal.any([signal, silence.signal]),
    heard: heard.promise,
    onPage: () => {
      stop.abort();
      heard.resolve();
    },
    stop: () => stop.abort(),
  };
}

/** A cluster without pods is named as a whole. */
function podsOf(name: string, { kind }: SourceError): string {
  return kind === 'missing' ? name : `${name}: pods`;
}

function unread(name: string): ReadState {
  return {
    facts: { name, containers: 0, restarted: [], areEventsComplete: false },
    listed: 0,
    isEmpty: false,
  };
}

function isIn(namespace: string | undefined, { about }: ports.ClusterEvent): boolean {
  return namespace === undefined || about.namespace === undefined || about.namespace === namespace;
}

/** There are more containers with events than were kept: reads those of the kept containers. */
async function readAgain(
  { signal }: Context,
  cluster: ports.Cluster,
  kept: readonly KeptContainer[],
): Promise<{ readonly events: PodEventCollector; readonly error?: SourceError }> {
  const pods = new Set(kept.map(({ pod }) => podKey(pod.namespace, pod.name)));
  const events = new PodEventCollector(({ about }) => pods.has(podKey(about.namespace ?? '', about.name)));
  const error = await failureOf(signal, async () => {
    for await (const page of cluster.events({ signal, about: 'Pod' }))
      for (const event of page) events.add(event);
  });
  return { events, ...(error && { error }) };
}

async function failureOf(
  signal: AbortSignal,
  read: () => Promise<unknown>,
): Promise<SourceError | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    const cause: unknown = signal.aborted ? signal.reason : error;
    if (cause instanceof SourceError) return cause;
    throw error;
  }
}

function isOneFailure(errors: readonly (SourceError | undefined)[]): boolean {
  const [first] = errors;
  return (
    first !== undefined &&
    errors.every(
      (error) =>
        error?.kind === first.kind && (first.kind === 'unreachable' || error.message === first.message),
    )
  );
}

async function isWithin(ms: number, signal: AbortSignal, work: Promise<unknown>): Promise<boolean> {
  const done = new AbortController();
  const late = setTimeout(ms, false, { signal: AbortSignal.any([signal, done.signal]) }).catch(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    done.abort();
  }
}

interface Selection {
  readonly includes: (pod: ports.Pod) => boolean;
  readonly reportUnknown: (context: Pick<Context, 'gap'>) => void;
}

/** `--pod`: pods by name, or what creates them by name, each also with its namespace. */
function selectionOf({ pod: requested }: CollectArgs): Selection {
  if (requested === undefined) return { includes: () => true, reportUnknown: () => {} };
  const names = splitNames(requested);
  const seen = new Set<string>();
  return {
    includes: (pod) => {
      const own = [pod.name, pod.controller?.name ?? pod.name];
      const known = [
        ...own.flatMap((name) => [name, `${pod.namespace}/${name}`]),
        ...workloadNames(pod.namespace, ownerOf(pod)),
      ];
      const found = names.filter((name) => known.includes(name));
      for (const name of found) seen.add(name);
      return found.length > 0;
    },
    reportUnknown: ({ gap }) => {
      for (const name of names.filter((one) => !seen.has(one)))
        gap(`--pod ${name}`, new SourceError(name, 'missing', 'no pod or workload has this name'));
    },
  };
}

import type { ports } from '../../kit.ts';
import type { ContainerEvents, EventCount } from './facts.ts';

/** How many containers are kept, and how many different texts of each. */
const MOST_CONTAINERS = 5_000;
const MOST_TEXTS = 5;
const MOST_CHARACTERS = 500;

type Probe = 'liveness' | 'startup';
type Text = EventCount & { readonly message: string };

/** What is kept of the events of one container, or of those of a pod that name none. */
interface Kept {
  kills?: EventCount & { readonly probe: Probe };
  backOff?: EventCount;
  sandboxChanges?: EventCount;
  readonly failures: Map<string, Text & { readonly probe: Probe }>;
  readonly errors: Map<string, Text & { readonly probe: Probe }>;
  readonly startFailures: Map<string, Text>;
}

type Said =
  | { readonly kind: 'failures' | 'errors'; readonly probe: Probe; readonly message: string }
  | { readonly kind: 'kills'; readonly probe: Probe; readonly container?: string }
  | { readonly kind: 'backOff' }
  | { readonly kind: 'sandboxChanges' }
  | { readonly kind: 'startFailures'; readonly message: string };

export interface PodOfEvents extends Pick<ports.Pod, 'namespace' | 'name' | 'uid' | 'isMirror'> {
  /** The name of its main container, if it has only one: events that name none are about it. */
  readonly onlyContainer?: string;
  /** The name of its container with a liveness or startup probe, if only one has any: events about probes that name no container are about it. */
  readonly onlyProbed?: string;
}

const NOTHING: ContainerEvents = { failures: [], errors: [], startFailures: [] };

/** Keeps, of many events about pods, the little that says why containers restart. */
export class PodEventCollector {
  readonly #byPod = new Map<string, Map<string, Kept>>();
  readonly #wanted: ((event: ports.ClusterEvent) => boolean) | undefined;
  #containers = 0;
  /** Whether there were more containers than are kept. */
  isFull = false;

  /** With `wanted`, keeps all of these events and no others. */
  constructor(wanted?: (event: ports.ClusterEvent) => boolean) {
    this.#wanted = wanted;
  }

  add(event: ports.ClusterEvent): void {
    const { about } = event;
    const said = saidBy(event);
    if (!said || this.#wanted?.(event) === false) return;
    const kept = this.#keptOf(
      podKey(about.namespace ?? '', about.name),
      `${about.uid ?? ''}\n${about.container ?? (said.kind === 'kills' ? said.container : undefined) ?? ''}`,
    );
    if (!kept) return;
    if (said.kind === 'kills') kept.kills = { ...sum(kept.kills, event), probe: said.probe };
    else if (said.kind === 'backOff' || said.kind === 'sandboxChanges')
      kept[said.kind] = sum(kept[said.kind], event);
    else if (said.kind === 'startFailures') addText(kept.startFailures, { message: said.message }, event);
    else addText(kept[said.kind], { probe: said.probe, message: said.message }, event);
  }

  /** The events of one container of a pod. Those of an earlier pod of that name are not. */
  of(pod: PodOfEvents, container: string): ContainerEvents {
    const ofPod = this.#byPod.get(podKey(pod.namespace, pod.name));
    if (!ofPod) return NOTHING;
    const all = [...ofPod].flatMap(([key, kept]) => {
      const [uid = '', name = ''] = key.split('\n');
      // The kubelet's events about a static pod have the hash of its manifest as uid, not the uid of the mirror.
      if (uid !== '' && uid !== pod.uid && !pod.isMirror) return [];
      if (name === container || (name === '' && pod.onlyContainer === container)) return [kept];
      return name === '' ? [partOf(kept, pod.onlyProbed === container)] : [];
    });
    return all.length === 0 ? NOTHING : merged(all);
  }

  #keptOf(pod: string, key: string): Kept | undefined {
    const known = this.#byPod.get(pod)?.get(key);
    if (known) return known;
    if (!this.#wanted && this.#containers >= MOST_CONTAINERS) {
      this.isFull = true;
      return undefined;
    }
    this.#containers += 1;
    const kept: Kept = { failures: new Map(), errors: new Map(), startFailures: new Map() };
    this.#byPod.set(pod, (this.#byPod.get(pod) ?? new Map<string, Kept>()).set(key, kept));
    return kept;
  }
}

/** What events that name no container say about one of several. */
function partOf({ sandboxChanges, kills, failures, errors }: Kept, isProbed: boolean): Kept {
  return {
    ...(sandboxChanges && { sandboxChanges }),
    ...(isProbed && kills && { kills }),
    failures: isProbed ? failures : new Map(),
    errors: isProbed ? errors : new Map(),
    startFailures: new Map(),
  };
}

export function podKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** https://github.com/kubernetes/kubernetes/blob/v1.33.5/pkg/kubelet/prober/prober.go */
const PROBED = /^(Liveness|Startup) probe (failed|errored)(?: and resulted in unknown state)?:\s*(.*)$/s;
/** Also that of kubelets before 1.14, `Killing container with id docker://etcd:Container failed liveness probe.. Container will be killed and recreated.` */
const KILLED = /(?:with id [\w-]+:\/\/([^:\s]+):)?\s*Container(?: (\S+))? failed (liveness|startup) probe/;
/** That of kubelets before 1.12, which have no other probe that kills. */
const KILLED_AS_UNHEALTHY = /\bcontainer "([^"]+)" is unhealthy, it will be killed and re-created/;
/** Failures to get an image, which is another problem. */
const OF_IMAGE =
  /^Error: (?:ErrImage|ImagePullBackOff|InvalidImageName|ImageInspectError|RegistryUnavailable|SignatureValidationFailed)/;

function saidBy({ reason, message: written }: ports.ClusterEvent): Said | undefined {
  const message = written.replace(/^\(combined from similar events\):\s*/, '').slice(0, MOST_CHARACTERS);
  if (reason === 'Unhealthy') {
    const [, probe, how, text = ''] = PROBED.exec(message) ?? [];
    if (probe === undefined) return undefined;
    return {
      kind: how === 'failed' ? 'failures' : 'errors',
      probe: probe === 'Startup' ? 'startup' : 'liveness',
      message: text.trim(),
    };
  }
  if (reason === 'Killing') {
    const [, oldName, name = oldName, probe] = KILLED.exec(message) ?? [];
    const unhealthy = KILLED_AS_UNHEALTHY.exec(message)?.[1];
    if (unhealthy !== undefined) return { kind: 'kills', probe: 'liveness', container: unhealthy };
    if (probe === undefined) return undefined;
    return {
      kind: 'kills',
      probe: probe === 'startup' ? 'startup' : 'liveness',
      ...(name !== undefined && { container: name }),
    };
  }
  if (reason === 'SandboxChanged') return { kind: 'sandboxChanges' };
  if (reason === 'BackOff') return /restarting failed/i.test(message) ? { kind: 'backOff' } : undefined;
  const isStartFailure = reason === 'Failed' && message.startsWith('Error: ') && !OF_IMAGE.test(message);
  return isStartFailure ? { kind: 'startFailures', message: message.slice('Error: '.length) } : undefined;
}

function addText<T extends Text>(
  texts: Map<string, T>,
  said: Omit<T, keyof EventCount>,
  event: ports.ClusterEvent,
): void {
  const key = `${'probe' in said ? String(said.probe) : ''} ${said.message}`;
  const known = texts.get(key);
  texts.delete(key);
  texts.set(key, { ...said, ...sum(known, event) } as T);
  const [oldest] = texts.keys();
  if (texts.size > MOST_TEXTS && oldest !== undefined) texts.delete(oldest);
}

function sum(
  known: EventCount | undefined,
  { count, firstAt, lastAt }: Pick<ports.ClusterEvent, 'count' | 'firstAt' | 'lastAt'>,
): EventCount {
  const [first] = sorted(known?.firstAt, firstAt);
  const last = sorted(known?.lastAt, lastAt).at(-1);
  return {
    count: (known?.count ?? 0) + count,
    ...(first && { firstAt: first }),
    ...(last && { lastAt: last }),
  };
}

function sorted(...dates: readonly (Date | undefined)[]): readonly Date[] {
  return dates.filter((date) => date !== undefined).toSorted((a, b) => a.getTime() - b.getTime());
}

function merged(all: readonly Kept[]): ContainerEvents {
  const counts = (values: readonly (EventCount | undefined)[]) =>
    values.reduce((total, one) => (one ? sum(total, one) : total), undefined);
  const kills = all.flatMap((one) => one.kills ?? []).toSorted((a, b) => lastMs(b) - lastMs(a));
  const killCount = counts(kills);
  const backOff = counts(all.map((one) => one.backOff));
  const sandboxChanges = counts(all.map((one) => one.sandboxChanges));
  const texts = <T extends Text>(mapOf: (kept: Kept) => Map<string, T>): readonly T[] =>
    all.flatMap((one) => [...mapOf(one).values()]).toSorted((a, b) => lastMs(b) - lastMs(a));
  return {
    ...(killCount && kills[0] && { kills: { ...killCount, probe: kills[0].probe } }),
    failures: texts(({ failures }) => failures),
    errors: texts(({ errors }) => errors),
    ...(backOff && { backOff }),
    ...(sandboxChanges && { sandboxChanges }),
    startFailures: texts(({ startFailures }) => startFailures),
  };
}

function lastMs({ lastAt }: EventCount): number {
  return lastAt?.getTime() ?? 0;
}

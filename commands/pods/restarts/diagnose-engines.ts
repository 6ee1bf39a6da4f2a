import type { Evidence, Finding } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import { withoutDomain } from '../../shared/match-engine.ts';
import { compareSeverity, worstSeverity } from '../../shared/severity.ts';
import type { Cause } from './causes.ts';
import { type EngineLoop, type EngineLooping, engineLoopOf } from './engine-loops.ts';
import {
  adviceOnEngines,
  engineHeadline,
  exitOf,
  hostOf,
  instancesTable,
  stateInWords,
} from './engine-words.ts';
import { mayBeStopped } from './exits.ts';
import type { EngineFacts, EngineInstances, Owner } from './facts.ts';
import { kubeadmGuess } from './kubeadm-probes.ts';
import { manifestAdvice } from './static-manifest.ts';

/** A container that does not keep running while the API server does not respond, and how a verdict says it. */
export interface EngineProblem {
  readonly finding: Finding<never>;
  readonly headline: string;
}

type Looping = readonly [EngineLooping, ...EngineLooping[]];

/** The API, and what cannot do without it, the causes first. */
const SERVES_API: readonly string[] = ['etcd', 'kube-apiserver'];
const CONTROL_PLANE: readonly string[] = [...SERVES_API, 'kube-controller-manager', 'kube-scheduler'];
/** Fewer restarts of another container are nothing during such an outage. */
const MANY_ATTEMPTS = 3;

/**
 * What kubelets cannot keep running in clusters whose API servers do not respond, the most severe first. The same container on several nodes of a control
 * plane is one finding, and so is what only restarts because it needs that container. `isOnlyCluster`: no other was read, so targets need not name it.
 */
export function diagnoseEngines(
  engines: readonly EngineFacts[],
  now: Date,
  { isOnlyCluster = true }: { readonly isOnlyCluster?: boolean } = {},
): readonly EngineProblem[] {
  const groups = Map.groupBy(
    engines.toSorted(byTarget).flatMap((engine) => loopsOn(engine, now.getTime() - engine.clockBehindMs)),
    (one) => [reasonOf(one), targetOf(one, isOnlyCluster)].join(' '),
  );
  return [...groups.values()]
    .toSorted(([a], [b]) => causeRank(a) - causeRank(b))
    .map((those) => problemOf(those as unknown as Looping, isOnlyCluster))
    .toSorted((a, b) => compareSeverity(a.finding, b.finding));
}

function byTarget(a: EngineFacts, b: EngineFacts): number {
  return a.target < b.target ? -1 : a.target > b.target ? 1 : 0;
}

function causeRank(one: EngineLooping | undefined): number {
  return one?.isControlPlane === true ? CONTROL_PLANE.indexOf(one.container.container) : CONTROL_PLANE.length;
}

function loopsOn(engine: EngineFacts, nowMs: number): readonly EngineLooping[] {
  const found = currentPods(engine.containers).map((container) => {
    const isControlPlane =
      container.namespace === 'kube-system' && CONTROL_PLANE.includes(container.container);
    const loop = engineLoopOf(container, { mustRun: isControlPlane, nowMs });
    return { engine, container, isControlPlane, nowMs, ...(loop && { loop }) };
  });
  const controlPlane = CONTROL_PLANE.flatMap((name) =>
    found.filter(({ isControlPlane, container }) => isControlPlane && container.container === name),
  );
  const isServerStable = controlPlane.some(
    ({ container, loop }) => container.container === 'kube-apiserver' && loop === undefined,
  );
  const root = controlPlane.find(({ loop }) => loop !== undefined)?.container.container;
  return found.flatMap(({ loop, ...one }): readonly EngineLooping[] => {
    const { container, isControlPlane } = one;
    if (!loop) return [];
    if (!isControlPlane) {
      const severity = severityOfOther(container, loop);
      return severity ? [{ ...one, loop, severity, dependents: [] }] : [];
    }
    const isRoot = container.container === root;
    if (!isRoot && SERVES_API.includes(root ?? '')) return [];
    const rows = controlPlane
      .filter((other) => other.container.container !== container.container)
      .map((other) => [other.container.container, stateInWords(other.loop)]);
    const dependents: Evidence[] =
      rows.length > 0 ? [{ kind: 'table', columns: ['On the same node', 'State'], rows }] : [];
    return [
      {
        ...one,
        loop,
        severity: severityOf(container, loop, isServerStable),
        dependents: isRoot ? dependents : [],
      },
    ];
  });
}

/** A change of a manifest replaces the pod of the same name: only the newest counts. */
function currentPods(containers: readonly EngineInstances[]): readonly EngineInstances[] {
  const startedMs = ({ instances: [newest] }: EngineInstances): number =>
    newest?.startedAt?.getTime() ?? (newest?.state === 'running' ? Infinity : 0);
  const byName = Map.groupBy(containers, ({ namespace, pod, container }) =>
    [namespace, pod, container].join('/'),
  );
  return [...byName.values()].flatMap((those) =>
    those.toSorted((a, b) => startedMs(b) - startedMs(a)).slice(0, 1),
  );
}

/** What the engine shows to be down or restarting stops the API there. One short run is no outage if its API server keeps running. */
function severityOf(
  { container }: EngineInstances,
  { pace }: EngineLoop,
  isServerStable: boolean,
): Finding['severity'] {
  if (!SERVES_API.includes(container) || pace === 'slow') return 'warning';
  return pace === 'short' && isServerStable ? 'warning' : 'critical';
}

function severityOfOther(
  { instances: [newest] }: EngineInstances,
  { pace }: EngineLoop,
): Finding['severity'] | undefined {
  if (pace === 'fast') return 'warning';
  return (newest?.attempt ?? 0) >= MANY_ATTEMPTS ? 'info' : undefined;
}

function problemOf(those: Looping, isOnlyCluster: boolean): EngineProblem {
  const [first] = those;
  const { container, isControlPlane, loop, dependents } = first;
  const headline = engineHeadline(those);
  const owner = ownerOf(first);
  const nodes = those.map(({ engine }) => ({ name: hostOf(engine) }));
  const servesApi = isControlPlane && SERVES_API.includes(container.container);
  const guess = isControlPlane && container.container === 'etcd' ? guessOf(loop) : undefined;
  return {
    headline,
    finding: {
      reason: reasonOf(first),
      severity: worstSeverity(those.map(({ severity }) => severity)) ?? 'info',
      target: targetOf(first, isOnlyCluster),
      targets: those.map((one) => `${one.container.namespace}/${one.container.pod}`).toSorted(),
      summary: `${headline}. ${adviceOnEngines(those)}`,
      evidence: [
        instancesTable(those),
        ...optionalField("If its probe is kubeadm's", guess),
        ...dependents,
        ...(owner.kind === 'Static'
          ? manifestAdvice({ owner, container: container.container, nodes }, [])
          : []),
      ],
      ...(servesApi && { next: [{ check: 'etcd/health', args: {} }] }),
    },
  };
}

function guessOf({ last }: EngineLoop): string | undefined {
  if (last?.lifeMs === undefined || !mayBeStopped(exitOf(last))) return undefined;
  return kubeadmGuess({ seconds: last.lifeMs / 1_000, ...exitOf(last) });
}

function reasonOf({ container, isControlPlane, loop: { last, pace } }: EngineLooping): Cause['kind'] {
  const { exitCode } = last ?? {};
  if (pace === 'down' && container.instances[0]?.state === 'created') return 'cannot-start';
  if (exitCode === undefined) return 'restart-loop';
  if (exitCode === 143 || (exitCode === 0 && isControlPlane)) return 'stopped-from-outside';
  // 137: for memory, or because it did not stop in time. 0: it finished, or it was stopped.
  return exitCode === 137 || exitCode === 0 ? 'restart-loop' : 'crash-loop';
}

/** As while the API server responds. With several clusters that do not respond, it is unknown whose it is. */
function targetOf(one: EngineLooping, isOnlyCluster: boolean): string {
  const [cluster, ...others] = one.engine.clusters;
  const prefix = isOnlyCluster || others.length > 0 ? '' : `${cluster}:`;
  return `${prefix}${one.container.namespace}/${ownerOf(one).name} (${one.container.container})`;
}

/** The uid of a static pod is a hash without dashes. Its name ends with that of its node, which the engine may know under another name. */
function ownerOf({ engine, container: { pod, uid, container } }: EngineLooping): Owner {
  if (!/^[0-9a-f]{32}$/.test(uid)) return { kind: 'Pod', name: pod };
  const suffix = [hostOf(engine), engine.engine]
    .flatMap((host) => [`-${host}`, `-${withoutDomain(host)}`])
    .find((end) => pod.endsWith(end) && pod !== end);
  if (suffix !== undefined) return { kind: 'Static', name: pod.slice(0, -suffix.length) };
  return { kind: 'Static', name: pod.startsWith(`${container}-`) ? container : pod };
}

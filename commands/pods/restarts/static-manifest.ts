import { type Evidence, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import type { Cause } from './causes.ts';
import type { NodeFacts, Owner, RestartedContainer } from './facts.ts';
import { type KillWindow, killWindows } from './kill-windows.ts';

/**
 * How to change a static pod. The API server rejects changes to its mirror: only the file on its host counts, which the kubelet reads again within 20 s:
 * https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
 */

/** A container of a static pod, and the nodes where it is to be changed. */
export interface StaticContainer {
  readonly owner: Owner;
  readonly container: string;
  readonly nodes: readonly Pick<NodeFacts, 'name' | 'staticPodPath'>[];
}

/** One field of one probe. */
export interface ManifestChange {
  readonly probe: 'liveness' | 'startup';
  readonly field: 'failureThreshold' | 'timeoutSeconds';
  readonly from: number;
  readonly to: number;
  /** Set if it fixes nothing: the probe fails at once, so the container is still killed, but this long after each start. */
  readonly postponesTo?: KillWindow;
}

/** https://github.com/kubernetes/kubernetes/blob/v1.33.5/cmd/kubeadm/app/constants/constants.go */
const KUBEADM_DIRECTORY = '/etc/kubernetes/manifests';
/** Without these, the API server does not respond, or has no state. */
const SERVES_API = new Set(['etcd', 'kube-apiserver']);
/** Enough that a probe that fails for a while does not kill; not so much that a container that hangs is never killed. */
const TIMES_FAILURES = 3;
const TIMES_TIMEOUT = 2;
/** Hosts that are listed with their file. */
const MAX_HOSTS = 6;

/** What would keep the probe from killing it, or at least so soon, the best first. Empty if the runtime cannot run the probe: then that is fixed instead. */
export function manifestChanges(
  { liveness, startup }: Pick<RestartedContainer, 'liveness' | 'startup'>,
  cause: Cause,
): readonly ManifestChange[] {
  if (cause.kind !== 'killed-by-probe' || cause.isExecBroken) return [];
  const probe = cause.probe === 'liveness' ? liveness : startup;
  if (!probe) return [];
  const raise = (name: ManifestChange['field'], times: number): ManifestChange => ({
    probe: cause.probe,
    field: name,
    from: probe[name],
    to: probe[name] * times,
  });
  const failures = raise('failureThreshold', TIMES_FAILURES);
  if (cause.how === 'fails') {
    const { fails } = killWindows({ ...probe, failureThreshold: failures.to });
    return [{ ...failures, postponesTo: fails }];
  }
  return cause.how === 'times-out' ? [raise('timeoutSeconds', TIMES_TIMEOUT), failures] : [failures];
}

/** The file on each host, the exact change, and how to apply it so that the kubelet never sees half of it. */
export function manifestAdvice(
  { owner, container, nodes }: StaticContainer,
  changes: readonly ManifestChange[],
): readonly Evidence[] {
  const name = owner.name.slice(owner.name.lastIndexOf('/') + 1);
  const byDirectory = Map.groupBy(nodes, ({ staticPodPath }) => staticPodPath);
  const places = [...byDirectory].map(([directory, those]) => {
    const hosts = wording.list(
      those.map((node) => node.name),
      MAX_HOSTS,
    );
    return `${join(directory ?? KUBEADM_DIRECTORY, `${name}.yaml`)} on ${hosts}, ${whyThere(directory)}`;
  });
  const manifest = field('Manifest', places.join('; '));
  if (changes.length === 0) return [manifest];
  const [directory = KUBEADM_DIRECTORY] = byDirectory.keys();
  return [
    manifest,
    field('Change', changes.map((change) => inWords(change, container)).join('; or ')),
    ...(isPlain(directory) && isPlain(name)
      ? [{ kind: 'log' as const, lines: commands(directory, name) }]
      : []),
    field(
      'How',
      `Edit a copy outside ${directory} but on the same file system, then move it into place: the kubelet also runs a copy in that directory, such as \`*.bak\`. \`kubectl edit\` and \`kubectl apply\` can't change a static pod`,
    ),
    field('Afterwards', afterwards(container, nodes.length)),
  ];
}

/** `livenessProbe.failureThreshold: 8 → 24 (container etcd)` */
function inWords({ probe, field: name, from, to, postponesTo }: ManifestChange, container: string): string {
  const change = `${probe}Probe.${name}: ${from} → ${to} (container ${container})`;
  if (!postponesTo) return change;
  return `${change}. It only gains time: the probe still fails, and kills it ${postponesTo.fromSeconds} to ${postponesTo.toSeconds} s after each start`;
}

function whyThere(directory: string | undefined): string {
  return directory === undefined
    ? "if kubeadm wrote it: the kubelet's `staticPodPath` is unknown"
    : "in the kubelet's `staticPodPath`, if it has the name that kubeadm gives it";
}

function commands(directory: string, name: string): readonly string[] {
  const file = join(directory, `${name}.yaml`);
  const parent = directory.replace(/\/+$/, '').replace(/\/[^/]*$/, '');
  const [copy, backup] = ['new', 'backup'].map((ending) => `${parent}/${name}.yaml.${ending}`);
  return [`cp -p ${file} ${backup}`, `cp -p ${file} ${copy}`, `vi ${copy}`, `mv ${copy} ${file}`];
}

function afterwards(container: string, hosts: number): string {
  const each = hosts > 1 ? 'Change one host after the other. ' : '';
  const restart = `The kubelet reads the file within 20 seconds and restarts the pod. `;
  const outage = SERVES_API.has(container)
    ? `If it is the only ${container}, the API server does not respond for some seconds, and Wrench can't verify the change until it does. `
    : '';
  return `${each}${restart}${outage}\`kubeadm upgrade\` overwrites the file`;
}

function join(directory: string, file: string): string {
  return `${directory.replace(/\/+$/, '')}/${file}`;
}

/** Whether a shell reads it as it is. The path is from the kubelet's configuration. */
function isPlain(path: string): boolean {
  return /^[\w./-]+$/.test(path) && !path.startsWith('-');
}

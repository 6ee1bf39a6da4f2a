import type { Rollout, RolloutCondition } from '../../ports/clusters.ts';
import { cleanLine } from '../../text/clean-text.ts';
import { asObject, type JsonObject, listIn, numberIn, textIn } from '../../wire/json-object.ts';
import { optionalDate, optionalText, textsIn, wholeNumberIn } from './json-values.ts';
import { managedBy } from './managed-by.ts';
import { toOwner } from './owner.ts';
import { withoutPrivateText } from './private-text.ts';
import { RESTARTED_AT } from './restart-workload.ts';
import { updateStrategyIn } from './update-strategy.ts';

/** Argo Rollouts has its own, also in the ReplicaSets that it creates: https://argo-rollouts.readthedocs.io/en/stable/features/specification/ */
export const REVISIONS = ['deployment.kubernetes.io/revision', 'rollout.argoproj.io/revision'] as const;
/** Repeats the whole object, with everything that may be secret in it. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** No build is longer. */
const MAX_ANNOTATION_LENGTH = 1_000;
const MAX_MESSAGE_LENGTH = 1_000;

/** Maps an object that creates pods, and that has a name. */
export function toRollout(kind: Rollout['kind'], item: JsonObject): Rollout {
  const [metadata, spec, status] = [
    asObject(item['metadata']),
    asObject(item['spec']),
    asObject(item['status']),
  ];
  const controller = listIn(metadata, 'ownerReferences').find((owner) => owner['controller'] === true);
  const tool = managedBy(metadata);
  const annotations = annotationsIn(metadata);
  const revision = REVISIONS.map((name) => annotations[name]).find((one) => one !== undefined);
  const deadline = wholeNumberIn(spec, 'progressDeadlineSeconds');
  const selector = asObject(spec['selector']);
  const strategy = updateStrategyIn(kind, spec);
  return {
    kind,
    namespace: textIn(metadata, 'namespace') ?? '',
    name: textIn(metadata, 'name') ?? '',
    uid: textIn(metadata, 'uid') ?? '',
    ...optionalDate('createdAt', metadata, 'creationTimestamp'),
    ...optionalDate('deletingSince', metadata, 'deletionTimestamp'),
    labels: textsIn(metadata, 'labels'),
    annotations,
    ...(controller && { controller: toOwner(controller) }),
    matchLabels: textsIn(selector, 'matchLabels'),
    ...(listIn(selector, 'matchExpressions').length > 0 && { hasMatchExpressions: true as const }),
    // The default, which the API server doesn't fill in for custom resources.
    ...(kind !== 'DaemonSet' && { replicas: wholeNumberIn(spec, 'replicas') ?? 1 }),
    ...strategy,
    isPaused: strategy.isPaused || (kind === 'Rollout' && listIn(status, 'pauseConditions').length > 0),
    ...(tool !== undefined && { managedBy: tool }),
    ...(revision !== undefined && { revision }),
    isObserved: isObserved(metadata, status),
    status: kind === 'DaemonSet' ? daemonSetStatus(status) : statusOf(kind, status),
    conditions: listIn(status, 'conditions').map(toCondition),
    ...(deadline !== undefined && { progressDeadlineSeconds: deadline }),
    template: templateIn(spec),
  };
}

function annotationsIn(metadata: JsonObject): Readonly<Record<string, string>> {
  const all = Object.entries(textsIn(metadata, 'annotations'));
  return Object.fromEntries(
    all.filter(([name, value]) => name !== LAST_APPLIED && value.length <= MAX_ANNOTATION_LENGTH),
  );
}

/** Argo writes the generation as text; before 1.0 it wrote a hash, which can't be compared. */
function isObserved(metadata: JsonObject, status: JsonObject): boolean {
  const generation = numberIn(metadata, 'generation');
  if (generation === undefined) return true;
  const observed = status['observedGeneration'];
  if (typeof observed === 'string' && !/^\d+$/.test(observed)) return observed !== '';
  return observed !== undefined && observed !== null && Number(observed) >= generation;
}

function statusOf(kind: Rollout['kind'], status: JsonObject): Rollout['status'] {
  const counted = counterOf(status);
  const [current, update] =
    kind === 'Rollout' ? ['stableRS', 'currentPodHash'] : ['currentRevision', 'updateRevision'];
  return {
    total: counted('replicas'),
    // A ReplicaSet never replaces its pods, and doesn't count those of its present template.
    updated: counted(kind === 'ReplicaSet' ? 'replicas' : 'updatedReplicas'),
    ready: counted('readyReplicas'),
    available: counted('availableReplicas'),
    ...optionalText('currentRevision', status, current),
    ...optionalText('updateRevision', status, update),
  };
}

function daemonSetStatus(status: JsonObject): Rollout['status'] {
  const counted = counterOf(status);
  return {
    desired: counted('desiredNumberScheduled'),
    total: counted('currentNumberScheduled'),
    updated: counted('updatedNumberScheduled'),
    ready: counted('numberReady'),
    available: counted('numberAvailable'),
  };
}

function counterOf(status: JsonObject): (name: string) => number {
  return (name) => wholeNumberIn(status, name) ?? 0;
}

function toCondition(condition: JsonObject): RolloutCondition {
  const { status } = condition;
  return {
    type: textIn(condition, 'type') ?? '',
    status: status === 'True' || status === 'False' ? status : 'Unknown',
    ...line('reason', condition),
    ...line('message', condition),
    ...optionalDate('since', condition, 'lastTransitionTime'),
    ...optionalDate('updatedAt', condition, 'lastUpdateTime'),
  };
}

function line<Name extends 'reason' | 'message'>(
  name: Name,
  condition: JsonObject,
): { readonly [Key in Name]?: string } {
  const text = (textIn(condition, name) ?? '').slice(0, MAX_MESSAGE_LENGTH);
  const clean = cleanLine(withoutPrivateText(text)).trim();
  return clean === '' ? {} : ({ [name]: clean } as { readonly [Key in Name]: string });
}

/** Argo can restart pods without a change of the template: https://argo-rollouts.readthedocs.io/en/stable/features/restart/ */
function templateIn(spec: JsonObject): Rollout['template'] {
  const template = asObject(spec['template']);
  const metadata = asObject(template['metadata']);
  const pod = asObject(template['spec']);
  return {
    labels: textsIn(metadata, 'labels'),
    ...optionalDate('restartedAt', spec, 'restartAt'),
    ...optionalDate('restartedAt', asObject(metadata['annotations']), RESTARTED_AT),
    containers: [...containersIn(pod, 'initContainers', 'init'), ...containersIn(pod, 'containers', 'main')],
  };
}

type TemplateContainer = Rollout['template']['containers'][number];

function containersIn(pod: JsonObject, key: string, kind: TemplateContainer['kind']): TemplateContainer[] {
  return listIn(pod, key).map((container) => ({
    name: textIn(container, 'name') ?? '',
    kind,
    image: textIn(container, 'image') ?? '',
    ...optionalText('pullPolicy', container, 'imagePullPolicy'),
  }));
}

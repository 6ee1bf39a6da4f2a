import type { ClusterWriter, ProbeChange, WorkloadName } from '../../ports/clusters.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { ADJUSTED_AT, ADJUSTED_BY, ADJUSTED_CONTAINER, adjustmentIn } from './adjustment.ts';
import { makeChange } from './bound-change.ts';
import type { ClusterAnswer, ClusterConnection } from './connection.ts';
import { FIELD_MANAGER } from './cordon-mark.ts';
import { errorOfAnswer, objectIn, statusObject } from './explain-answer.ts';
import { textsIn } from './json-values.ts';
import type { AccessRule } from './permissions.ts';
import { probeIn } from './to-probe.ts';

/** In the template during a dry run, which stores nothing. */
const DRY_RUN_ID = 'dry-run';

type ChangeableKind = Exclude<WorkloadName['kind'], 'ReplicaSet'>;

const PLURALS = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
} as const satisfies Record<ChangeableKind, string>;

interface Changing {
  readonly source: string;
  readonly connection: ClusterConnection;
  readonly change: ProbeChange;
  readonly kind: ChangeableKind;
  readonly signal: AbortSignal;
}

export interface ProbeWriter extends Pick<ClusterWriter, 'changeProbe'> {
  /** Sends the same patch as a dry run. @throws {SourceError} as `changeProbe` */
  readonly tryChange: (change: ProbeChange, options: Pick<ReadOptions, 'signal'>) => Promise<void>;
}

/** Changes probes in the templates of workloads with the credential of this connection. */
export function openProbeWriter(source: string, connection: ClusterConnection): ProbeWriter {
  return {
    changeProbe: async (change, { idempotencyKey: id, signal }) => {
      const changing = { source, connection, change, kind: kindOf(source, change), signal };
      const shown = shownName(change);
      const words = { request: `patch of the ${shown}`, outcome: `the ${shown} was changed` };
      await makeChange(source, words, async () => {
        const current = await readWorkload(changing);
        if (adjustedBy(current) === id) return undefined;
        requireChangeable(changing, current);
        const isDone = (after: JsonObject) =>
          adjustedBy(after) === id && valueIn(after, change) === change.to;
        return {
          send: () => sendPatch(changing, current, id),
          isDone: ({ context, answer }) => isDone(objectIn(context, answer)),
          isConflict: (answer) => answer.status === 409 || isOtherUid(answer),
          isSeenDone: async () => isDone(await readWorkload(changing)),
        };
      });
    },
    tryChange: async (change, { signal }) => {
      const changing = { source, connection, change, kind: kindOf(source, change), signal };
      const current = await readWorkload(changing);
      requireChangeable(changing, current);
      const { answer, context } = await sendPatch(changing, current, DRY_RUN_ID, 'All');
      if (answer.status !== 200) throw errorOfAnswer(context, answer);
      const after = valueIn(objectIn(context, answer), change);
      if (after !== change.to)
        throw new SourceError(
          source,
          'refused',
          `after a dry run, ${fieldName(change)} of ${printable(change.container)} is ${after ?? 'not set'}, not ${change.to}: an admission webhook may reset it`,
        );
    },
  };
}

function kindOf(source: string, change: ProbeChange): ChangeableKind {
  const { kind } = change.workload;
  if (kind !== 'ReplicaSet') return kind;
  throw new SourceError(
    source,
    'refused',
    `the ${shownName(change)} does not replace its pods after a change`,
  );
}

/** @throws {SourceError} `missing` if what would be changed is not as planned; `refused` if the change would have no effect now. */
function requireChangeable({ source, change }: Changing, current: JsonObject): void {
  const error = (kind: 'missing' | 'refused', message: string) => new SourceError(source, kind, message);
  const shown = shownName(change);
  if (textIn(asObject(current['metadata']), 'deletionTimestamp') !== undefined)
    throw error('missing', `the ${shown} is being deleted`);
  const container = printable(change.container);
  const found = containerIn(current, change);
  if (!found) throw error('missing', `the ${shown} no longer has the container ${container}`);
  const value = valueIn(current, change);
  if (value === undefined)
    throw error('missing', `the container ${container} of the ${shown} no longer has a ${probeKey(change)}`);
  if (value !== change.from)
    throw error(
      'missing',
      `${fieldName(change)} of ${container} in the ${shown} is now ${value}, not ${change.from}`,
    );
  if (asObject(current['spec'])['paused'] === true)
    throw error(
      'refused',
      `the rollout of the ${shown} is paused, so its pods would not be replaced: resume it first`,
    );
}

function sendPatch(
  { connection, change, kind, signal }: Changing,
  current: JsonObject,
  id: string,
  dryRun?: 'All',
): Promise<ClusterAnswer> {
  const { namespace, name } = change.workload;
  const body = patchOf(change, current, id);
  const rest = [body, undefined, dryRun, FIELD_MANAGER] as const;
  return connection.send({
    make: ({ apps }) => {
      if (kind === 'Deployment') return apps.patchNamespacedDeployment(name, namespace, ...rest);
      if (kind === 'StatefulSet') return apps.patchNamespacedStatefulSet(name, namespace, ...rest);
      return apps.patchNamespacedDaemonSet(name, namespace, ...rest);
    },
    contentType: 'application/strategic-merge-patch+json',
    rule: ruleOf('patch', kind),
    what: `${dryRun ? 'a dry run of ' : ''}a patch of the ${shownName(change)}`,
    signal,
  });
}

/** A strategic merge patch, which merges containers by name. The API server rejects it if `uid` or `resourceVersion` have changed. */
function patchOf(change: ProbeChange, current: JsonObject, id: string): object {
  const { container, field, to, workload } = change;
  const resourceVersion = textIn(asObject(current['metadata']), 'resourceVersion');
  const list = containerIn(current, change)?.list ?? 'containers';
  return {
    metadata: { uid: workload.uid, ...(resourceVersion !== undefined && { resourceVersion }) },
    spec: {
      template: {
        metadata: {
          annotations: {
            [ADJUSTED_BY]: id,
            [ADJUSTED_AT]: new Date().toISOString(),
            [ADJUSTED_CONTAINER]: container,
          },
        },
        spec: { [list]: [{ name: container, [probeKey(change)]: { [field]: to } }] },
      },
    },
  };
}

/** In `kubectl`'s words: `livenessProbe.failureThreshold`. */
function fieldName(change: ProbeChange): string {
  return `${probeKey(change)}.${change.field}`;
}

function probeKey({ probe }: ProbeChange): 'livenessProbe' | 'startupProbe' {
  return `${probe}Probe`;
}

function templateOf(workload: JsonObject): JsonObject {
  return asObject(asObject(workload['spec'])['template']);
}

function adjustedBy(workload: JsonObject): string | undefined {
  return adjustmentIn(textsIn(asObject(templateOf(workload)['metadata']), 'annotations')).adjusted?.by;
}

function containerIn(workload: JsonObject, { container }: ProbeChange) {
  const spec = asObject(templateOf(workload)['spec']);
  for (const list of ['containers', 'initContainers'] as const) {
    const found = listIn(spec, list).find(({ name }) => name === container);
    if (found) return { list, container: found };
  }
  return undefined;
}

/** The present value of the field; undefined if the probe does not exist. */
function valueIn(workload: JsonObject, change: ProbeChange): number | undefined {
  const found = containerIn(workload, change);
  return found && probeIn(found.container, probeKey(change))?.[change.field];
}

/** Whether the patch was rejected because another object has the name now. */
function isOtherUid(answer: HttpAnswer): boolean {
  if (answer.status !== 422) return false;
  const { causes } = asObject(asObject(statusObject(answer))['details']);
  return Array.isArray(causes) && causes.some((cause) => asObject(cause)['field'] === 'metadata.uid');
}

/** @throws {SourceError} `missing` if no workload has this name and uid. */
async function readWorkload({ source, connection, change, kind, signal }: Changing): Promise<JsonObject> {
  const { namespace, name, uid } = change.workload;
  const shown = shownName(change);
  const { answer, context } = await connection.send({
    make: ({ apps }) => {
      if (kind === 'Deployment') return apps.readNamespacedDeployment(name, namespace);
      if (kind === 'StatefulSet') return apps.readNamespacedStatefulSet(name, namespace);
      return apps.readNamespacedDaemonSet(name, namespace);
    },
    rule: ruleOf('get', kind),
    what: `the ${shown}`,
    signal,
  });
  if (answer.status === 404 && statusObject(answer))
    throw new SourceError(source, 'missing', `the ${shown} no longer exists`);
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  const workload = objectIn(context, answer);
  const actual = textIn(asObject(workload['metadata']), 'uid');
  if (actual === undefined)
    throw new SourceError(source, 'malformed', `${context.host} did not return the ${shown}`);
  if (actual !== uid)
    throw new SourceError(source, 'missing', `the ${shown} was replaced by another one with the same name`);
  return workload;
}

function ruleOf(verb: 'get' | 'patch', kind: ChangeableKind): AccessRule {
  return { verb, group: 'apps', resource: PLURALS[kind] };
}

/** `Deployment airflow/scheduler` */
function shownName({ workload: { kind, namespace, name } }: ProbeChange): string {
  return printable(`${kind} ${namespace}/${name}`);
}

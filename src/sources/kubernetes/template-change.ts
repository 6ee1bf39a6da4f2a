import type { Workload, WorkloadName } from '../../ports/clusters.ts';
import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { makeChange } from './bound-change.ts';
import type { ClusterAnswer, ClusterConnection } from './connection.ts';
import { FIELD_MANAGER } from './cordon-mark.ts';
import { errorOfAnswer, objectIn, statusObject } from './explain-answer.ts';
import { textsIn } from './json-values.ts';
import type { AccessRule } from './permissions.ts';

type ChangeableKind = Exclude<WorkloadName['kind'], 'ReplicaSet'>;
type NamedWorkload = WorkloadName & Pick<Workload, 'uid'>;

const PLURALS = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
} as const satisfies Record<ChangeableKind, string>;

/** A change of the template of one workload, whose controller then replaces its pods. */
export interface TemplateChange {
  readonly source: string;
  readonly connection: ClusterConnection;
  readonly workload: NamedWorkload;
  readonly kind: ChangeableKind;
  readonly signal: AbortSignal;
}

/** @throws {SourceError} `refused` for a workload that doesn't replace its pods. */
export function changeableKind(source: string, workload: NamedWorkload): ChangeableKind {
  const { kind } = workload;
  if (kind !== 'ReplicaSet') return kind;
  throw new SourceError(
    source,
    'refused',
    `the ${workloadInWords(workload)} does not replace its pods after a change`,
  );
}

/** @throws {SourceError} `missing` if no workload has this name and uid. */
async function readChangeable(change: TemplateChange): Promise<JsonObject> {
  const { source, connection, workload, kind, signal } = change;
  const { namespace, name, uid } = workload;
  const shown = workloadInWords(workload);
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
  const read = objectIn(context, answer);
  const actual = textIn(asObject(read['metadata']), 'uid');
  if (actual === undefined)
    throw new SourceError(source, 'malformed', `${context.host} did not return the ${shown}`);
  if (actual !== uid)
    throw new SourceError(source, 'missing', `the ${shown} was replaced by another one with the same name`);
  return read;
}

/** @throws {SourceError} `missing` if it is being deleted; `refused` if its rollout is paused. */
export function requireRollout({ source, workload }: TemplateChange, current: JsonObject): void {
  const shown = workloadInWords(workload);
  if (textIn(asObject(current['metadata']), 'deletionTimestamp') !== undefined)
    throw new SourceError(source, 'missing', `the ${shown} is being deleted`);
  if (asObject(current['spec'])['paused'] === true)
    throw new SourceError(
      source,
      'refused',
      `the rollout of the ${shown} is paused, so its pods would not be replaced: resume it first`,
    );
}

/** Sends a strategic merge patch of the template, which the API server rejects if the workload has changed since it was read. */
function patchTemplate(
  { connection, workload, kind, signal }: TemplateChange,
  {
    current,
    template,
    dryRun,
  }: { readonly current: JsonObject; readonly template: object; readonly dryRun?: 'All' },
): Promise<ClusterAnswer> {
  const { namespace, name, uid } = workload;
  const resourceVersion = textIn(asObject(current['metadata']), 'resourceVersion');
  const body = {
    metadata: { uid, ...(resourceVersion !== undefined && { resourceVersion }) },
    spec: { template },
  };
  const rest = [body, undefined, dryRun, FIELD_MANAGER] as const;
  return connection.send({
    make: ({ apps }) => {
      if (kind === 'Deployment') return apps.patchNamespacedDeployment(name, namespace, ...rest);
      if (kind === 'StatefulSet') return apps.patchNamespacedStatefulSet(name, namespace, ...rest);
      return apps.patchNamespacedDaemonSet(name, namespace, ...rest);
    },
    contentType: 'application/strategic-merge-patch+json',
    rule: ruleOf('patch', kind),
    what: `${dryRun ? 'a dry run of ' : ''}a patch of the ${workloadInWords(workload)}`,
    signal,
  });
}

/** What is changed in a template, and how its result is recognized. */
export interface TemplateEdit {
  /** `patch` or `restart`, for messages. */
  readonly request: string;
  /** `changed` or `restarted`. */
  readonly outcome: string;
  /** The id of the remediation that last made such a change. */
  readonly idIn: (workload: JsonObject) => string | undefined;
  /** @throws {SourceError} if the change may not be made now, or would have no effect. */
  readonly ensureChangeable: (current: JsonObject) => void;
  /** The part of the template to send, with the id. */
  readonly templateFor: (current: JsonObject, id: string) => object;
  /** Whether the values are as requested, whoever set them. Absent: the id says all. */
  readonly isApplied?: (workload: JsonObject) => boolean;
}

/** Changes a template once for each remediation: does nothing if this one has already done so. @throws {SourceError} as {@link makeChange} */
export async function changeTemplate(change: TemplateChange, edit: TemplateEdit, id: string): Promise<void> {
  const shown = workloadInWords(change.workload);
  const words = { request: `${edit.request} of the ${shown}`, outcome: `the ${shown} was ${edit.outcome}` };
  const isDone = (after: JsonObject) => edit.idIn(after) === id && (edit.isApplied?.(after) ?? true);
  await makeChange(change.source, words, async () => {
    const current = await readChangeable(change);
    if (edit.idIn(current) === id) return undefined;
    edit.ensureChangeable(current);
    return {
      send: () => patchTemplate(change, { current, template: edit.templateFor(current, id) }),
      isDone: ({ context, answer }) => isDone(objectIn(context, answer)),
      isConflict: isTemplateConflict,
      isSeenDone: async () => isDone(await readChangeable(change)),
    };
  });
}

/** Sends the same patch as a dry run. @returns the workload as it would be. @throws {SourceError} */
export async function tryTemplateChange(change: TemplateChange, edit: TemplateEdit): Promise<JsonObject> {
  const current = await readChangeable(change);
  edit.ensureChangeable(current);
  const template = edit.templateFor(current, DRY_RUN_ID);
  const { answer, context } = await patchTemplate(change, { current, template, dryRun: 'All' });
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  return objectIn(context, answer);
}

/** Whether the patch was rejected because the workload has changed, or another one has its name now. */
function isTemplateConflict(answer: HttpAnswer): boolean {
  if (answer.status === 409) return true;
  if (answer.status !== 422) return false;
  const { causes } = asObject(asObject(statusObject(answer))['details']);
  return Array.isArray(causes) && causes.some((cause) => asObject(cause)['field'] === 'metadata.uid');
}

/** In the template during a dry run, which stores nothing. */
const DRY_RUN_ID = 'dry-run';

function templateOf(workload: JsonObject): JsonObject {
  return asObject(asObject(workload['spec'])['template']);
}

export function containerInTemplate(workload: JsonObject, container: string) {
  const spec = asObject(templateOf(workload)['spec']);
  for (const list of ['containers', 'initContainers'] as const) {
    const found = listIn(spec, list).find(({ name }) => name === container);
    if (found) return { list, container: found };
  }
  return undefined;
}

export function templateAnnotations(workload: JsonObject): Readonly<Record<string, string>> {
  return textsIn(asObject(templateOf(workload)['metadata']), 'annotations');
}

/** `Deployment airflow/scheduler` */
export function workloadInWords({ kind, namespace, name }: WorkloadName): string {
  return printable(`${kind} ${namespace}/${name}`);
}

function ruleOf(verb: 'get' | 'patch', kind: ChangeableKind): AccessRule {
  return { verb, group: 'apps', resource: PLURALS[kind] };
}

import type { ApplyContext } from '../../ports/apply-context.ts';
import type { ClusterWriter, Pod, PodIdentity } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { makeChange } from './bound-change.ts';
import type { ClusterConnection } from './connection.ts';
import { errorOfAnswer, objectIn, statusObject } from './explain-answer.ts';
import type { AccessRule } from './permissions.ts';
import { toPod } from './to-pod.ts';

const GET_PODS: AccessRule = { verb: 'get', group: '', resource: 'pods' };
const DELETE_PODS: AccessRule = { verb: 'delete', group: '', resource: 'pods' };

interface Deleting {
  readonly source: string;
  readonly connection: ClusterConnection;
  readonly pod: PodIdentity;
  readonly applyContext: ApplyContext;
}

/**
 * Deletes pods with the credential of this connection. A deletion is bound to the version of the pod that was read, so a pod that was created or changed
 * since is never deleted.
 */
export function openPodWriter(
  source: string,
  connection: ClusterConnection,
): Pick<ClusterWriter, 'deletePod' | 'deleteRunningPod'> {
  const deletePod = async (
    { obstacleIn, graceSeconds }: Deletion,
    pod: PodIdentity,
    applyContext: ApplyContext,
  ): Promise<void> => {
    const deleting = { source, connection, pod, applyContext };
    const shown = shownName(pod);
    const words = { request: `deletion of the pod ${shown}`, outcome: `${shown} was deleted` };
    await makeChange(source, words, async () => {
      const current = await readPod(deleting);
      if (!current) return undefined;
      if (uidOf(current) !== pod.uid)
        throw new SourceError(
          source,
          'missing',
          `the pod ${shown} was replaced by another one with the same name`,
        );
      const found = toPod(current);
      // With a grace period, it is still there after its deletion.
      if (graceSeconds === undefined && found.deletingSince) return undefined;
      const obstacle = obstacleIn(found);
      if (obstacle !== undefined)
        throw new SourceError(source, 'refused', `the pod ${shown} ${obstacle}, so it is not deleted`);
      return {
        send: () => sendDelete(deleting, current, graceSeconds),
        isDone: ({ context, answer }) => isDeleted(objectIn(context, answer), pod),
        isConflict: ({ status }) => status === 409 || status === 404,
        isSeenDone: async () => {
          const after = await readPod(deleting);
          return !after || uidOf(after) !== pod.uid || toPod(after).deletingSince !== undefined;
        },
      };
    });
  };
  return {
    deletePod: (pod, applyContext) => deletePod(OF_EVICTED, pod, applyContext),
    deleteRunningPod: (pod, applyContext) => deletePod(OF_RUNNING, pod, applyContext),
  };
}

interface Deletion {
  /** Why this pod must stay; undefined if its controller can replace it. */
  readonly obstacleIn: (pod: Pod) => string | undefined;
  /** Absent: that of the pod. */
  readonly graceSeconds?: number;
}

const NO_CONTROLLER = 'has no controller that replaces it';
const IS_MIRROR = 'is the mirror of a static pod';

const OF_EVICTED: Deletion = {
  obstacleIn: ({ isMirror, phase, reason, controller }) => {
    if (isMirror) return IS_MIRROR;
    if (phase !== 'Failed') return 'has not failed';
    if (reason !== 'Evicted') return 'was not evicted';
    return controller ? undefined : NO_CONTROLLER;
  },
  graceSeconds: 0,
};

const OF_RUNNING: Deletion = {
  obstacleIn: ({ isMirror, phase, controller }) => {
    if (isMirror) return IS_MIRROR;
    if (phase === 'Failed' || phase === 'Succeeded') return 'has already ended';
    return controller ? undefined : NO_CONTROLLER;
  },
};

function sendDelete(
  { connection, pod: { namespace, name, uid }, applyContext: { signal } }: Deleting,
  current: JsonObject,
  graceSeconds: number | undefined,
) {
  const resourceVersion = textIn(asObject(current['metadata']), 'resourceVersion');
  const preconditions = { uid, ...(resourceVersion !== undefined && { resourceVersion }) };
  return connection.send({
    make: ({ core }) =>
      core.deleteNamespacedPod(
        name,
        namespace,
        undefined,
        undefined,
        graceSeconds,
        undefined,
        undefined,
        undefined,
        { preconditions },
      ),
    contentType: 'application/json',
    rule: DELETE_PODS,
    what: `the deletion of the pod ${shownName({ namespace, name })}`,
    signal,
  });
}

/** The response is the deleted pod, or a `Status` if it was deleted at once: which one depends on the version of the API server. */
function isDeleted(body: JsonObject, { name, uid }: PodIdentity): boolean {
  if (body['kind'] === 'Status') return body['status'] === 'Success';
  const metadata = asObject(body['metadata']);
  return textIn(metadata, 'uid') === uid && textIn(metadata, 'name') === name;
}

/** Undefined if there is no pod with this name. */
async function readPod({
  source,
  connection,
  pod: { namespace, name },
  applyContext: { signal },
}: Deleting): Promise<JsonObject | undefined> {
  const shown = shownName({ namespace, name });
  const { answer, context } = await connection.send({
    make: ({ core }) => core.readNamespacedPod(name, namespace),
    rule: GET_PODS,
    what: `the pod ${shown}`,
    signal,
  });
  if (answer.status === 404 && statusObject(answer)) return undefined;
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  const pod = objectIn(context, answer);
  if (uidOf(pod) === undefined || pod['kind'] === 'Status')
    throw new SourceError(source, 'malformed', `${context.host} did not return the pod ${shown}`);
  return pod;
}

function uidOf(pod: JsonObject): string | undefined {
  return textIn(asObject(pod['metadata']), 'uid');
}

function shownName({ namespace, name }: Pick<PodIdentity, 'namespace' | 'name'>): string {
  return printable(`${namespace}/${name}`);
}

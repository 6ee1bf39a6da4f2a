import type { ApplyContext } from '../../ports/apply-context.ts';
import type { ClusterWriter, NodeIdentity } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { makeChange } from './bound-change.ts';
import type { ClusterAnswer, ClusterConnection } from './connection.ts';
import { CORDON_ANNOTATION, cordonedBy, FIELD_MANAGER } from './cordon-mark.ts';
import { errorOfAnswer, objectIn, statusObject } from './explain-answer.ts';
import type { AccessRule } from './permissions.ts';

const GET_NODES: AccessRule = { verb: 'get', group: '', resource: 'nodes' };
const PATCH_NODES: AccessRule = { verb: 'patch', group: '', resource: 'nodes' };

/** Cordons and uncordons nodes with the credential of this connection. */
export function openCordonWriter(
  source: string,
  connection: ClusterConnection,
): Pick<ClusterWriter, 'cordon' | 'uncordon'> {
  return {
    cordon: (node, applyContext) =>
      change({ source, connection, node, applyContext }, (current) => {
        const { idempotencyKey: id } = applyContext;
        const mark = cordonedBy(current);
        if (mark === id) return undefined;
        if (!isCordoned(current))
          return {
            patch: patchOf(true, id),
            isDone: (after) => isCordoned(after) && cordonedBy(after) === id,
          };
        const because =
          mark === undefined
            ? 'cordoned, but not by Wrench'
            : `cordoned by the remediation ${printable(mark)}`;
        throw new SourceError(source, 'refused', `${node.name} is already ${because}`);
      }),
    uncordon: (node, applyContext) =>
      change({ source, connection, node, applyContext }, (current) => {
        if (cordonedBy(current) !== undefined)
          return { patch: patchOf(null, null), isDone: (after) => !isCordoned(after) };
        if (!isCordoned(current)) return undefined;
        throw new SourceError(source, 'refused', `${node.name} was not cordoned by Wrench`);
      }),
  };
}

function isCordoned(node: JsonObject): boolean {
  return asObject(node['spec'])['unschedulable'] === true;
}

interface Patch {
  readonly metadata: object;
  readonly spec: object;
}

/** A JSON merge patch (RFC 7386): `null` removes a member. */
function patchOf(unschedulable: true | null, id: string | null): Patch {
  return { metadata: { annotations: { [CORDON_ANNOTATION]: id } }, spec: { unschedulable } };
}

interface Changing {
  readonly source: string;
  readonly connection: ClusterConnection;
  readonly node: NodeIdentity;
  readonly applyContext: ApplyContext;
}

interface Change {
  readonly patch: Patch;
  /** Whether the node is already in the desired state. */
  readonly isDone: (node: JsonObject) => boolean;
}

/**
 * Reads the node and patches that version of it: the API server rejects the patch if `uid` or `resourceVersion` have changed.
 * @param decide returns the change; undefined if nothing has to change.
 * @throws {SourceError}
 */
async function change(
  changing: Changing,
  decide: (current: JsonObject) => Change | undefined,
): Promise<void> {
  const { source, node } = changing;
  const name = printable(node.name);
  const words = { request: `patch of the node ${name}`, outcome: `${name} was changed` };
  await makeChange(source, words, async () => {
    const current = await readNode(changing);
    const wanted = decide(current);
    return (
      wanted && {
        send: () => sendPatch(changing, current, wanted.patch),
        isDone: ({ context, answer }) => wanted.isDone(objectIn(context, answer)),
        isConflict: ({ status }) => status === 409 || status === 422,
        isSeenDone: async () => wanted.isDone(await readNode(changing)),
      }
    );
  });
}

function sendPatch(
  { connection, node: { name, uid }, applyContext: { signal } }: Changing,
  current: JsonObject,
  patch: Patch,
): Promise<ClusterAnswer> {
  const resourceVersion = textIn(asObject(current['metadata']), 'resourceVersion');
  const bound = {
    ...patch,
    metadata: { ...patch.metadata, uid, ...(resourceVersion && { resourceVersion }) },
  };
  return connection.send({
    make: ({ core }) => core.patchNode(name, bound, undefined, undefined, FIELD_MANAGER),
    contentType: 'application/merge-patch+json',
    rule: PATCH_NODES,
    what: `a patch of the node ${printable(name)}`,
    signal,
  });
}

async function readNode({
  source,
  connection,
  node: { name, uid },
  applyContext: { signal },
}: Changing): Promise<JsonObject> {
  const shown = printable(name);
  const { answer, context } = await connection.send({
    make: ({ core }) => core.readNode(name),
    rule: GET_NODES,
    what: `the node ${shown}`,
    signal,
  });
  if (answer.status === 404 && statusObject(answer))
    throw new SourceError(source, 'missing', `the node ${shown} no longer exists`);
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  const node = objectIn(context, answer);
  const actual = textIn(asObject(node['metadata']), 'uid');
  if (actual === undefined)
    throw new SourceError(source, 'malformed', `${context.host} did not return the node ${shown}`);
  if (actual !== uid)
    throw new SourceError(
      source,
      'missing',
      `the node ${shown} was replaced by another one with the same name`,
    );
  return node;
}

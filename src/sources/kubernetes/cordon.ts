import type { ApplyContext } from '../../ports/apply-context.ts';
import type { ClusterWriter, CordonPermission, NodeIdentity } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { isAllowed } from './access-review.ts';
import type { ClusterAnswer, ClusterConnection } from './connection.ts';
import { CORDON_ANNOTATION, cordonedBy, FIELD_MANAGER } from './cordon-mark.ts';
import { errorOfAnswer, objectIn, statusObject } from './explain-answer.ts';
import { type AccessRule, accessRules, ruleInWords } from './permissions.ts';

const GET_NODES: AccessRule = { verb: 'get', group: '', resource: 'nodes' };
const PATCH_NODES: AccessRule = { verb: 'patch', group: '', resource: 'nodes' };

/** How often to read and patch again: the kubelet may update its node in between. */
const MAX_CONFLICTS = 5;

/** Cordons and uncordons nodes with the credential of this connection. */
export function openCordonWriter(source: string, connection: ClusterConnection): ClusterWriter {
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

/**
 * Whether nodes may be cordoned with this connection.
 * @throws {SourceError}
 */
export async function readCordonPermission(
  source: string,
  connection: ClusterConnection | undefined,
  signal: AbortSignal,
): Promise<CordonPermission> {
  if (!connection)
    return { allowed: false, because: `\`allow.cordon\` is not configured for the source ${source}` };
  for (const rule of accessRules('cordon', 'none'))
    if (!(await isAllowed(connection, rule, signal)))
      return { allowed: false, because: `the credential for cordoning lacks \`${ruleInWords(rule)}\`` };
  return { allowed: true };
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
 * If no response to the patch arrives, the node is read again; if it does not show the change, the error says that the outcome is unknown.
 * @param decide returns the change; undefined if nothing has to change.
 * @throws {SourceError}
 */
async function change(
  changing: Changing,
  decide: (current: JsonObject) => Change | undefined,
): Promise<void> {
  const { source, node } = changing;
  for (let conflicts = 0; ; conflicts++) {
    const current = await readNode(changing);
    const wanted = decide(current);
    if (!wanted) return;
    const answered = await sendPatch(changing, current, wanted.patch).catch((error: unknown) => {
      if (error instanceof SourceError && error.kind === 'unreachable') return error;
      throw error;
    });
    if (answered instanceof SourceError || answered.answer.status >= 500) {
      if (await isSeenDone(changing, wanted)) return;
      const error = answered instanceof SourceError ? answered : errorOf(answered);
      const message = `${error.message}; it is unknown whether ${printable(node.name)} was changed`;
      throw new SourceError(
        source,
        'unreachable',
        message,
        error.code === undefined ? {} : { code: error.code },
      );
    }
    const { answer, context } = answered;
    if (answer.status === 200) {
      if (wanted.isDone(objectIn(context, answer))) return;
      throw new SourceError(
        source,
        'malformed',
        `${context.host} accepted the patch of the node ${printable(node.name)} but did not apply it`,
      );
    }
    const isConflict = answer.status === 409 || answer.status === 422;
    if (!isConflict || conflicts >= MAX_CONFLICTS) throw errorOf(answered);
  }
}

function errorOf({ context, answer }: ClusterAnswer): SourceError {
  return errorOfAnswer(context, answer);
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

async function isSeenDone(changing: Changing, { isDone }: Change): Promise<boolean> {
  try {
    return isDone(await readNode(changing));
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
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

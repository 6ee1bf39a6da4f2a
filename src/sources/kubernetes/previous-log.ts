import type { ContainerName } from '../../ports/clusters.ts';
import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { cleanLine } from '../../text/clean-text.ts';
import { textIn } from '../../wire/json-object.ts';
import type { ClusterAnswer, ClusterConnection } from './connection.ts';
import { errorOfAnswer, statusObject } from './explain-answer.ts';
import { requireName } from './object-name.ts';
import type { AccessRule } from './permissions.ts';
import { hideSecretsIn } from './private-text.ts';

const RULE: AccessRule = { verb: 'get', group: '', resource: 'pods', subresource: 'log' };

const LIMIT_BYTES = 64 * 1_024;
/** More than the limit: characters that are not UTF-8 arrive as they are. */
const MAX_BYTES = 1_000_000;
const MAX_LINES = 500;
const MAX_LINE_LENGTH = 1_000;

/** What a kubelet sends instead of a log, with status 200, if the runtime has deleted it. */
const DELETED_LOG =
  /^(?:unable to retrieve container logs for |failed to (?:try resolving symlinks in path|open log file) )[^\n]*\n?$/;

export interface PreviousLogRequest {
  readonly source: string;
  readonly connection: ClusterConnection;
  readonly container: ContainerName;
  readonly lines: number;
  readonly signal: AbortSignal;
}

/**
 * The last lines of the previous instance of a container, without recognized secrets.
 * @throws {SourceError} `missing` if the kubelet no longer has any.
 */
export async function readPreviousLog(request: PreviousLogRequest): Promise<readonly string[]> {
  const { source, container } = request;
  requireName(source, 'namespace', container.namespace);
  requireName(source, 'name of a pod', container.pod);
  requireName(source, 'name of a container', container.container);
  let lines = Math.min(Math.max(1, Math.trunc(request.lines)), MAX_LINES);
  for (;;) {
    const { answer, context } = await send(request, lines);
    if (answer.status !== 200) {
      if (isGone(answer)) throw missing(source, container);
      throw errorOfAnswer(context, answer);
    }
    const { text } = answer;
    if (DELETED_LOG.test(text)) throw missing(source, container);
    // The kubelet starts at the first of these lines and stops at the limit, so a text of that size lacks the last lines.
    if (lines === 1 || Buffer.byteLength(text) < LIMIT_BYTES) return linesIn(text, lines);
    lines = Math.ceil(lines / 4);
  }
}

function send(
  { connection, container: { namespace, pod, container }, signal }: PreviousLogRequest,
  lines: number,
): Promise<ClusterAnswer> {
  return connection.send({
    make: ({ core }) =>
      core.readNamespacedPodLog(
        pod,
        namespace,
        container,
        undefined,
        undefined,
        LIMIT_BYTES,
        undefined,
        true,
        undefined,
        undefined,
        lines,
      ),
    rule: RULE,
    what: `the previous log of ${container} in ${namespace}/${pod}`,
    maxBytes: MAX_BYTES,
    signal,
  });
}

/** Whether the pod is gone, or the container was never restarted, or its previous instance was deleted. */
function isGone(answer: HttpAnswer): boolean {
  const status = statusObject(answer);
  if (!status || (answer.status !== 400 && answer.status !== 404)) return false;
  return (
    answer.status === 404 ||
    /previous terminated container .* not found/.test(textIn(status, 'message') ?? '')
  );
}

function missing(source: string, { namespace, pod, container }: ContainerName): SourceError {
  return new SourceError(
    source,
    'missing',
    `there is no log of a previous instance of ${container} in ${namespace}/${pod}`,
  );
}

/** Secrets are replaced in the text as a whole, because a private key has several lines. */
function linesIn(text: string, lines: number): readonly string[] {
  const all = text.split('\n');
  if (all.at(-1) === '') all.pop();
  // Invisible characters are removed before a line is cut.
  const clean = all.slice(-lines).map((line) => cleanLine(line.slice(0, 10 * MAX_LINE_LENGTH)));
  return clean.length === 0 ? [] : hideSecretsIn(clean.join('\n')).split('\n').map(cut);
}

function cut(line: string): string {
  return line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH - 1)}…`.toWellFormed() : line;
}

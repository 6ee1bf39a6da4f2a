import type { ApplyContext } from '../../ports/apply-context.ts';
import type { EngineWriter } from '../../ports/engines.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { EngineConnection } from './connection.ts';
import { inspectContainer } from './containers.ts';
import { AnswerError, isGone } from './explain-answer.ts';
import { finishedAtIn, isContainerId, stateIn } from './to-container.ts';

type Removal<Name extends keyof EngineWriter> = Parameters<EngineWriter[Name]>[0];

const RUNNING: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);
const IMAGE_ID = /^sha256:[\da-f]{64}$/;

/**
 * Removes a container by its id if it is unchanged since the plan, without force and without its volumes. Does nothing if it no longer
 * exists. If it is started between the last inspection and the removal, the engine refuses.
 * @throws {SourceError}
 */
export async function removeContainer(
  connection: EngineConnection,
  { id, state, finishedAtText }: Removal<'removeContainer'>,
  { signal }: ApplyContext,
): Promise<void> {
  const fail = failing(connection);
  // A name or a short id could match another container.
  if (!isContainerId(id)) throw fail('refused', `${printable(id)} is not a full container id`);
  const what = `container ${id.slice(0, 12)}`;
  const inspect = () => unlessGone(inspectContainer(connection, id, signal));
  const inspected = await inspect();
  if (!inspected) return;
  const [stateNow, finishedNow] = [stateIn(inspected), finishedAtIn(inspected)];
  if (stateNow === undefined || finishedNow === undefined || inspected['Id'] !== id)
    throw fail('malformed', `${connection.name} did not return the state of ${what}`);
  if (printable(stateNow) !== state)
    throw fail('missing', `${what} is no longer ${state}: it is ${printable(stateNow)}`);
  if (printable(finishedNow) !== finishedAtText)
    throw fail(
      'missing',
      `${what} has run again: it finished at ${printable(finishedNow)}, not at ${finishedAtText}`,
    );
  try {
    await connection.ask({ what: `the removal of ${what}`, signal, isSlow: true }, (docker) =>
      docker.getContainer(id).remove({ v: false, force: false }),
    );
  } catch (error) {
    if (isGone(error)) return;
    if (error instanceof AnswerError && (await wasStarted(inspect, { state, finishedAtText })))
      throw fail('missing', `${what} was started in the meantime`);
    if (wasAnswered(error) || signal.aborted || !(await isNowGone(inspect))) throw error;
  }
}

/**
 * Whether the engine refused to remove a container because it was started after the last inspection. Its message doesn't help, because it
 * differs between products and versions.
 */
async function wasStarted(
  inspect: () => Promise<JsonObject | undefined>,
  planned: Pick<Removal<'removeContainer'>, 'state' | 'finishedAtText'>,
): Promise<boolean> {
  try {
    const inspected = await inspect();
    if (!inspected) return false;
    const [state, finishedAtText] = [stateIn(inspected), finishedAtIn(inspected)];
    // `removing` is set by the engine, possibly because of our request.
    if (state === undefined || state === 'removing' || finishedAtText === undefined) return false;
    return (
      RUNNING.has(state) ||
      printable(state) !== planned.state ||
      printable(finishedAtText) !== planned.finishedAtText
    );
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}

/**
 * Removes an image by its id if it has no tag, without force and without its parents. Does nothing if it no longer exists.
 * @throws {SourceError}
 */
export async function removeImage(
  connection: EngineConnection,
  { id }: Removal<'removeImage'>,
  { signal }: ApplyContext,
): Promise<void> {
  const fail = failing(connection);
  // By name, only the tag would be removed.
  if (!IMAGE_ID.test(id)) throw fail('refused', `${printable(id)} is not a full image id`);
  const what = `image ${id.slice('sha256:'.length).slice(0, 12)}`;
  const inspect = () =>
    unlessGone(connection.ask({ what: `the ${what}`, signal }, (docker) => docker.getImage(id).inspect()));
  const inspected = await inspect();
  if (!inspected) return;
  const tags = inspected['RepoTags'] ?? [];
  if (inspected['Id'] !== id || !Array.isArray(tags))
    throw fail('malformed', `${connection.name} did not return the tags of ${what}`);
  const tag = (tags as unknown[]).find((one) => one !== '<none>:<none>');
  if (tag !== undefined)
    throw fail(
      'missing',
      `${what} has a tag: ${typeof tag === 'string' ? printable(tag) : 'in an unknown format'}`,
    );
  try {
    await connection.ask({ what: `the removal of ${what}`, signal, isSlow: true }, (docker) =>
      docker.getImage(id).remove({ force: false, noprune: true }),
    );
  } catch (error) {
    if (isGone(error)) return;
    if (wasAnswered(error) || signal.aborted || !(await isNowGone(inspect))) throw error;
  }
}

/** Without a response, it is unknown whether anything was removed. */
function wasAnswered(error: unknown): boolean {
  return !(error instanceof SourceError) || error.code === undefined;
}

async function unlessGone(inspecting: Promise<unknown>): Promise<JsonObject | undefined> {
  try {
    return asObject(await inspecting);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Called after a removal without a response. False if this request gets no response either. */
async function isNowGone(inspect: () => Promise<JsonObject | undefined>): Promise<boolean> {
  try {
    return (await inspect()) === undefined;
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}

function failing({ source }: EngineConnection): (kind: SourceErrorKind, message: string) => SourceError {
  return (kind, message) => new SourceError(source, kind, message);
}

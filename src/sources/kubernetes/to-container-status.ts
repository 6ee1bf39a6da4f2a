import type { ContainerState, ContainerStatus, Termination } from '../../ports/clusters.ts';
import { cleanLine } from '../../text/clean-text.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { wholeNumberIn, isObject, optionalDate } from './json-values.ts';

/** Whether the runtime wrote the message of a termination with this reason. The message of any other may be what the container wrote, such as a secret. */
export function isOfRuntime(reason: unknown): boolean {
  return typeof reason === 'string' && OF_RUNTIME.test(reason);
}

const OF_RUNTIME = /^(?:StartError|ContainerCannotRun|CreateContainerError|ContainerStatusUnknown)$/;
const MAX_MESSAGE_LENGTH = 1_000;

/** A container whose status exists but cannot be read: it may have restarted. */
const UNREADABLE: ContainerStatus = { isReady: false, state: { kind: 'unknown' } };

/** The status of a container by its name; undefined if the kubelet has not reported it. */
export type StatusFinder = (name: string) => ContainerStatus | undefined;

/** Finds statuses in a list of a pod's status. If there are several for one name, or one without a name, restarts and images are unknown. */
export function statusFinder(list: unknown): StatusFinder {
  if (list === undefined || list === null) return () => undefined;
  if (!Array.isArray(list)) return () => UNREADABLE;
  const statuses = list.map(asObject);
  const hasNames = statuses.every(({ name }) => typeof name === 'string');
  // Pods have few containers, and there are many pods: an index takes more memory than it saves time.
  const index = statuses.length > FEW ? Map.groupBy(statuses, ({ name }) => name) : undefined;
  return (name) => {
    const [found, other] = index?.get(name) ?? statuses.filter((one) => one['name'] === name);
    if (!found) return hasNames ? undefined : UNREADABLE;
    if (hasNames && !other) return toStatus(found);
    const { restarts: _uncertain, imageId: _ofWhich, ...status } = toStatus(found);
    return status;
  };
}

const FEW = 20;

function toStatus(status: JsonObject): ContainerStatus {
  const restarts = wholeNumberIn(status, 'restartCount');
  const { terminated } = asObject(status['lastState']);
  return {
    ...(restarts !== undefined && { restarts }),
    isReady: status['ready'] === true,
    ...imageIdIn(status),
    state: stateOf(asObject(status['state'])),
    ...(isObject(terminated) && { last: toTermination(terminated) }),
  };
}

/** A name with a digest has at most 255 + 1 + 71 characters. */
const MAX_IMAGE_ID_LENGTH = 500;

function imageIdIn(status: JsonObject): Pick<ContainerStatus, 'imageId'> {
  const imageId = textIn(status, 'imageID');
  return imageId === undefined ? {} : { imageId: printable(imageId.slice(0, MAX_IMAGE_ID_LENGTH)) };
}

function stateOf({ running, waiting, terminated }: JsonObject): ContainerState {
  if (isObject(running)) return { kind: 'running', ...optionalDate('startedAt', running) };
  if (isObject(terminated)) return { kind: 'terminated', ...toTermination(terminated) };
  if (!isObject(waiting)) return { kind: 'unknown' };
  return { kind: 'waiting', ...line('reason', waiting), ...line('message', waiting) };
}

function toTermination(terminated: JsonObject): Termination {
  // Those of Windows may be negative.
  const exitCode = numberIn(terminated, 'exitCode');
  const signal = wholeNumberIn(terminated, 'signal');
  const { reason } = line('reason', terminated);
  return {
    ...(Number.isSafeInteger(exitCode) && { exitCode: exitCode! }),
    ...(signal !== undefined && signal > 0 && { signal }),
    ...(reason !== undefined && { reason }),
    ...(isOfRuntime(reason) && line('message', terminated)),
    ...optionalDate('startedAt', terminated),
    ...optionalDate('finishedAt', terminated),
  };
}

/** A text in one line of visible characters, to be spread; `{}` if there is none. */
function line<Name extends 'reason' | 'message'>(
  name: Name,
  object: JsonObject,
): { readonly [Key in Name]?: string } {
  const text = textIn(object, name);
  const clean = text === undefined ? '' : cleanLine(text.slice(0, MAX_MESSAGE_LENGTH));
  return clean === '' ? {} : ({ [name]: clean } as { readonly [Key in Name]: string });
}

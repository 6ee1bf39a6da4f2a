import type { ports } from '../../kit.ts';

/** The texts of probe failures in events: what they say about how the probe fails. */

/** Of the kubelet and container runtimes. What a command wrote follows no format, and may speak of its own timeouts. */
const COMMAND_TIMED_OUT =
  /^command\b[\s\S]*\btimed out(?: after \S+)?\s*$|^(?:rpc error:|context )[\s\S]*(?:deadline ?exceeded|timed out|time limit exceeded|timeout (?:\S+ )?exceeded|timeout\s*$)/i;
const REQUEST_TIMED_OUT =
  /timed out|deadline ?exceeded|client\.timeout|(?:i\/o|handshake) timeout|^timeout:/i;
/** There was a response, or more time doesn't help: a gRPC client tries to connect until its timeout. */
const REFUSED = /^HTTP probe failed with statuscode|connection refused|no route to host|no such host/i;

/** Whether an attempt ended at once, or took its whole timeout. */
export function howItFailed(message: string, action: ports.Probe['action']): 'fails' | 'times-out' {
  const text = message.trim();
  if (action === 'exec')
    return COMMAND_TIMED_OUT.test(text) && !CANNOT_RUN.test(text) ? 'times-out' : 'fails';
  return REQUEST_TIMED_OUT.test(text) && !REFUSED.test(text) ? 'times-out' : 'fails';
}

const RUNTIME =
  /OCI runtime|exec failed|failed to (?:create|start) exec|failed to exec in container|cannot exec|read parent: connection reset|decoding init error|process_linux\.go|unable to start container process/i;
const CANNOT_RUN =
  /executable file not found|no such file or directory|permission denied|exec format error|is a directory/i;
const SHORTAGE =
  /no space left on device|resource temporarily unavailable|cannot allocate memory|too many open files/i;

/**
 * Why the container runtime could not run the command of a probe, if that is what failed. `command`: the image has no such command. `shortage`: the node
 * has run out of something. `runtime`: neither, so the runtime is broken.
 */
export type ExecFault = 'command' | 'shortage' | 'runtime';

export function execFaultOf(message: string): ExecFault | undefined {
  if (!RUNTIME.test(message)) return undefined;
  if (CANNOT_RUN.test(message)) return 'command';
  if (SHORTAGE.test(message)) return 'shortage';
  // containerd says that it `failed to exec in container` also if the command ran for too long.
  return COMMAND_TIMED_OUT.test(message.trim()) ? undefined : 'runtime';
}

const MAX_TEXT_LENGTH = 240;

/** A failure in one line, without what may be secret: the arguments of a command, and the query and user of a URL. */
export function failureInWords(message: string): string {
  const line = message
    .replace(/\bcommand "[\s\S]*" timed out/i, 'command timed out')
    .replaceAll(/(\bhttps?:\/\/)[^\s/@"]*@/gi, '$1')
    .replaceAll(/(\bhttps?:\/\/[^\s"?#]*)[?#][^\s"]*/gi, '$1')
    // A command line that was given as the name of a program.
    .replaceAll(/\bexec: "([^"\s]+)\s[^"]*"/g, 'exec: "$1 …"')
    .replaceAll(/\b((?:l?stat|fork\/exec) [^\s:]+) [^:]*:/g, '$1 …:')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length > MAX_TEXT_LENGTH ? `${line.slice(0, MAX_TEXT_LENGTH)}…` : line;
}

/** `connection refused`, `HTTP status 503`: what failed, in a few words; undefined if the text follows no known format. */
export function failureInShort(message: string): string | undefined {
  if (execFaultOf(message) !== undefined) return 'exec failed';
  const status = /statuscode: (\d{3})/i.exec(message)?.[1];
  if (status !== undefined) return `HTTP status ${status}`;
  return /connection refused|no route to host|connection reset by peer|no such host|certificate [a-z ]+|EOF/i
    .exec(message)?.[0]
    .trim();
}

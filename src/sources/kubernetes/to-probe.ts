import type { Probe } from '../../ports/clusters.ts';
import { type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { wholeNumberIn, isObject, textListIn } from './json-values.ts';

/** The defaults of the API server: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/ */
const DEFAULTS = { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 };

/** A probe of a container in a spec; undefined if it has none. */
export function probeIn(container: JsonObject, key: 'livenessProbe' | 'startupProbe'): Probe | undefined {
  const probe = container[key];
  if (probe === undefined || probe === null) return undefined;
  if (!isObject(probe)) return { ...UNREADABLE, ...DEFAULTS };
  let isReadable = true;
  const numberOf = (name: keyof typeof DEFAULTS): number => {
    const value = wholeNumberIn(probe, name);
    if (value === undefined && probe[name] !== undefined && probe[name] !== null) isReadable = false;
    // The API server replaces 0 by the default.
    return value || DEFAULTS[name];
  };
  const graceSeconds = wholeNumberIn(probe, 'terminationGracePeriodSeconds');
  const numbers = {
    initialDelaySeconds: numberOf('initialDelaySeconds'),
    periodSeconds: numberOf('periodSeconds'),
    timeoutSeconds: numberOf('timeoutSeconds'),
    failureThreshold: numberOf('failureThreshold'),
    ...(graceSeconds !== undefined && { graceSeconds }),
  };
  return { ...(isReadable ? actionIn(probe) : UNREADABLE), ...numbers };
}

/** The same probe, for a recording: it is mapped to the same, and has no arguments, headers or queries. */
export function probeWithoutArguments(probe: JsonObject): JsonObject {
  const { exec, httpGet, tcpSocket, grpc, ...numbers } = probe;
  return {
    ...numbers,
    ...(isObject(exec) && { exec: { command: [programIn(exec)] } }),
    ...(isObject(httpGet) && {
      httpGet: {
        scheme: httpGet['scheme'],
        host: HOST.test(textIn(httpGet, 'host') ?? '') ? httpGet['host'] : '?',
        port: httpGet['port'],
        path: pathIn(httpGet),
      },
    }),
    ...(isObject(tcpSocket) && { tcpSocket: { port: tcpSocket['port'] } }),
    ...(isObject(grpc) && { grpc: { port: grpc['port'] } }),
  };
}

type Action = Pick<Probe, 'action' | 'text'>;

/** So that nothing is calculated from numbers that are not in the spec. */
const UNREADABLE: Action = { action: 'unknown', text: 'a probe with unreadable settings' };

function actionIn({ exec, httpGet, tcpSocket, grpc }: JsonObject): Action {
  if (isObject(exec)) return { action: 'exec', text: `exec ${programIn(exec)}`.trim() };
  if (isObject(httpGet)) return { action: 'http', text: requestIn(httpGet) };
  if (isObject(tcpSocket)) return { action: 'tcp', text: `TCP port ${portIn(tcpSocket)}` };
  if (isObject(grpc)) return { action: 'grpc', text: `gRPC port ${portIn(grpc)}` };
  return { action: 'unknown', text: 'a probe of an unknown kind' };
}

function portIn({ port }: JsonObject): string {
  const text = typeof port === 'number' || typeof port === 'string' ? String(port) : '';
  return /^[-a-z\d]{1,15}$/i.test(text) ? text : 'unknown';
}

/** The name of a program: nothing in it can be an argument, a variable or part of a quoted text. */
const PROGRAM = /^[-\w./+@]{1,60}$/;
/** Words that stand before the program in a script. */
const NO_PROGRAM = new Set('if while until for case test exec eval set cd export source time'.split(' '));
/** Assignments at the beginning of a script: `PASSWORD='a b' HOST=c `. */
const ASSIGNMENTS = /^\s*(?:\w+=(?:"(?:[^"\\]|\\[^])*"|'[^']*'|\\[^]|[^\s"'\\])*\s+)*/;
const MAX_SCRIPT_LENGTH = 1_000;

/** The program without its arguments, which may be secret. Of a script, its first program. */
function programIn(exec: JsonObject): string {
  const [first = '', ...rest] = textListIn(exec, 'command');
  const program = nameIn(first) ?? '';
  const flag = /(?:^|\/)(?:ba|da|a|k|z)?sh$/.test(program)
    ? rest.findIndex((one) => /^-\w{0,9}c$/.test(one))
    : -1;
  const script = flag === -1 ? undefined : rest.slice(flag + 1).find((one) => !one.startsWith('-'));
  return (script === undefined ? undefined : nameIn(script)) ?? program;
}

/** Undefined if the text does not begin with the name of a program. */
function nameIn(text: string): string | undefined {
  const script = text.slice(0, MAX_SCRIPT_LENGTH);
  const [word = ''] = script.slice(ASSIGNMENTS.exec(script)?.[0].length ?? 0).split(/[\s;|&()<>]/, 1);
  return PROGRAM.test(word) && !NO_PROGRAM.has(word) ? word : undefined;
}

const HOST = /^[-\w.:]{0,253}$/;

/** As `kubectl describe` writes it, `GET https://127.0.0.1:10257/healthz`, but without a query, which may be secret. */
function requestIn(get: JsonObject): string {
  const scheme = textIn(get, 'scheme') === 'HTTPS' ? 'https' : 'http';
  const given = textIn(get, 'host') ?? '';
  const host = HOST.test(given) ? given : 'unknown';
  return printable(`GET ${scheme}://${host.includes(':') ? `[${host}]` : host}:${portIn(get)}${pathIn(get)}`);
}

function pathIn(get: JsonObject): string {
  const path = (textIn(get, 'path') ?? '/').slice(0, 200).split(/[?#]/, 1)[0]!;
  return path.startsWith('/') ? path : `/${path}`;
}

import type { Client } from 'ssh2';
import type { ReadOptions } from '../ports/read-options.ts';
import { SourceError } from '../ports/source-error.ts';
import { type ConnectionSlot, openConnectionSlots } from './connection-slots.ts';
import { explainRefusedCommand } from './explain-command.ts';
import type { HostCommand } from './host-command.ts';
import { closedError } from './ssh-connect.ts';
import { openSshJumps } from './ssh-jumps.ts';
import { openLoginFiles, type SshRoute } from './ssh-login.ts';
import { type CommandOutput, runInSession, SessionFailure } from './ssh-session.ts';

export type { CommandOutput };

/**
 * Runs one command on one host, by the host's name. A program that isn't installed ends with the exit code 127.
 * @throws {SourceError} `unreachable` if the host can't be connected to, doesn't respond in time, or was lost before the command had ended; `refused`
 * if it rejects the key or the command, or its own host key is rejected (`hostKey`).
 */
export type RunOnHost = (host: string, command: HostCommand, options: ReadOptions) => Promise<CommandOutput>;

export interface SshHosts {
  readonly run: RunOnHost;
  /** Ends all connections and commands. Safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface SshHostsOptions {
  /** The source that errors name. */
  readonly source: string;
  /** How a host is reached; undefined if it isn't configured. Asked for each command. */
  readonly routeOf: (host: string) => SshRoute | undefined;
  /** Default: 50. The most hosts that are connected to at once, without those that say nothing. */
  readonly concurrency?: number;
  /** For one command, from its start to its end. */
  readonly timeoutMs: number;
  /** For the connection, the handshake and the login. Default: `timeoutMs`, at most 10 s. */
  readonly connectTimeoutMs?: number;
  /** How long a host that couldn't be reached is not tried again. Default: 30 s. */
  readonly deadMs?: number;
}

interface Task {
  readonly command: HostCommand;
  readonly signal: AbortSignal;
  readonly resolve: (output: CommandOutput) => void;
  readonly reject: (error: Error) => void;
  /** How often it was started again, because it had not really started. */
  retries: number;
}

/** One host, its connection and what waits for it. */
interface HostState {
  readonly name: string;
  readonly route: SshRoute;
  readonly waiting: Task[];
  running: number;
  /** The most sessions at once. Lower once the server has refused one. */
  sessions: number;
  connecting?: AbortController;
  connected?: Connected;
  idle?: NodeJS.Timeout;
  dead?: { readonly error: SourceError; readonly until: number };
}

interface Connected {
  readonly client: Client;
  readonly slot: ConnectionSlot;
  /** Whether a command has ended on it. */
  hasResponded: boolean;
  /** It is replaced once nothing runs on it: a session may be stuck. */
  isStuck: boolean;
}

const CONCURRENCY = 50;
const MAX_CONNECT_MS = 10_000;
/** Below the 10 sessions that sshd allows in one connection (`MaxSessions`). */
const SESSIONS = 6;
const DEAD_MS = 30_000;
const SILENT_AFTER_MS = 1_000;
/** While others wait for a connection. */
const IDLE_AFTER_MS = 25;
const IDLE_MS = 30_000;
const MAX_RETRIES = 2;

/**
 * Runs commands on many hosts, over one connection to each, which is opened for the first command. A host that couldn't be reached fails immediately
 * for a while; hosts that don't respond don't delay the others.
 */
export function openSshHosts({
  source,
  routeOf,
  concurrency = CONCURRENCY,
  timeoutMs,
  connectTimeoutMs = Math.min(timeoutMs, MAX_CONNECT_MS),
  deadMs = DEAD_MS,
}: SshHostsOptions): SshHosts {
  const closing = new AbortController();
  const states = new Map<string, HostState>();
  const slots = openConnectionSlots({
    most: concurrency,
    mostSilent: 2 * concurrency,
    silentAfterMs: SILENT_AFTER_MS,
    idleAfterMs: IDLE_AFTER_MS,
  });
  const jumps = openSshJumps({
    source,
    readLogin: openLoginFiles(source),
    connectTimeoutMs,
    deadMs,
    closing: closing.signal,
  });

  /** A host whose address or login has changed in the configuration is another one. */
  const stateOf = (name: string, route: SshRoute): HostState => {
    const key = JSON.stringify([name, route]);
    const known = states.get(key);
    if (known) return known;
    const state: HostState = { name, route, waiting: [], running: 0, sessions: SESSIONS };
    states.set(key, state);
    return state;
  };

  const advance = (state: HostState): void => {
    const { connected, waiting } = state;
    clearTimeout(state.idle);
    if (connected?.isStuck && state.running === 0) {
      disconnect(state);
      advance(state);
    } else if (connected && !connected.isStuck) {
      while (waiting.length > 0 && state.running < state.sessions)
        void start(state, connected, waiting.shift()!);
      if (state.running === 0) rest(state, connected);
    } else if (waiting.length === 0) state.connecting?.abort(new Error('no command waits for it'));
    else if (!connected && !state.connecting) void connect(state);
  };

  const rest = (state: HostState, { slot }: Connected): void => {
    const end = (): void => disconnect(state);
    state.idle = setTimeout(end, IDLE_MS);
    state.idle.unref();
    slot.becameIdle(end);
  };

  const disconnect = (state: HostState): void => {
    const { connected } = state;
    delete state.connected;
    clearTimeout(state.idle);
    connected?.slot.release();
    // A host that hangs doesn't complete a polite end either.
    if (connected?.isStuck) connected.client.destroy();
    else connected?.client.end();
  };

  const connect = async (state: HostState): Promise<void> => {
    const attempt = new AbortController();
    const signal = AbortSignal.any([attempt.signal, closing.signal]);
    state.connecting = attempt;
    let slot: ConnectionSlot | undefined;
    let isClosed = false;
    try {
      slot = await slots.take(signal);
      const onClose = (): void => {
        isClosed = true;
        slot?.release();
        if (state.connected?.slot !== slot) return;
        delete state.connected;
        advance(state);
      };
      const client = await jumps.connect(state.route, { signal, onClose });
      slot.progressed();
      if (attempt.signal.aborted) client.end();
      else if (isClosed) {
        const message = `${state.name} closed the ssh connection after the login`;
        fail(state, new SourceError(source, 'unreachable', message, { code: 'ECONNRESET' }));
      } else state.connected = { client, slot, hasResponded: false, isStuck: false };
    } catch (error) {
      slot?.release();
      if (!attempt.signal.aborted) fail(state, error as Error);
    }
    delete state.connecting;
    advance(state);
  };

  /** The host is not tried again for a while. */
  const fail = (state: HostState, error: Error): void => {
    if (error instanceof SourceError) state.dead = { error, until: performance.now() + deadMs };
    for (const task of state.waiting.splice(0)) task.reject(error);
  };

  const start = async (state: HostState, connected: Connected, task: Task): Promise<void> => {
    const { client, slot } = connected;
    state.running += 1;
    slot.becameBusy();
    try {
      const output = await runInSession(client, task.command, {
        source,
        place: state.name,
        timeoutMs: task.command.timeoutMs ?? timeoutMs,
        signal: AbortSignal.any([task.signal, closing.signal]),
        onProgress: slot.progressed,
      });
      connected.hasResponded = true;
      const place = { source, host: state.name, user: state.route.user };
      const refusal = explainRefusedCommand(place, task.command, output);
      if (refusal) task.reject(refusal);
      else task.resolve(output);
    } catch (error) {
      explain(state, connected, task, error as Error);
    }
    state.running -= 1;
    advance(state);
  };

  const explain = (state: HostState, connected: Connected, task: Task, error: Error): void => {
    if (closing.signal.aborted) return task.reject(closedError({ source, login: state.route }));
    if (!(error instanceof SessionFailure)) return task.reject(error);
    const unreachable = (words: string, code: string): SourceError =>
      new SourceError(source, 'unreachable', `${state.name} ${words}`, { code });
    if (error.is === 'late') {
      const seconds = Math.round((task.command.timeoutMs ?? timeoutMs) / 100) / 10;
      const late = unreachable(
        `accepted the login, but didn't complete a command within ${seconds} s`,
        'TIMEOUT',
      );
      task.reject(late);
      connected.isStuck = true;
      // It hangs after the login: its other questions need not wait as long.
      if (!connected.hasResponded) fail(state, late);
      return undefined;
    }
    if (!error.hasStarted && task.retries < MAX_RETRIES) {
      const isOnlySession = state.running === 1;
      if (error.is === 'lost' || !isOnlySession || connected.hasResponded) {
        if (error.is === 'lost' || isOnlySession) task.retries += 1;
        state.waiting.unshift(task);
        if (error.is === 'refused') {
          if (isOnlySession) connected.isStuck = true;
          else state.sessions = Math.max(1, Math.min(state.sessions, state.running - 1));
        }
        return undefined;
      }
    }
    if (error.is === 'lost')
      return task.reject(unreachable('closed the ssh connection before a command had ended', 'ECONNRESET'));
    return task.reject(
      new SourceError(
        source,
        'refused',
        `${state.name} refused to start a command over ssh: check MaxSessions in its sshd_config`,
        { code: 'SSH' },
      ),
    );
  };

  return {
    run: (name, command, { signal }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        const route = routeOf(name);
        if (!route) return reject(new SourceError(source, 'missing', `the host ${name} is not configured`));
        if (closing.signal.aborted) return reject(closedError({ source, login: route }));
        const state = stateOf(name, route);
        if (state.dead && performance.now() < state.dead.until) return reject(state.dead.error);
        delete state.dead;
        const settle = (settled: () => void): void => {
          signal.removeEventListener('abort', onAbort);
          settled();
        };
        const task: Task = {
          command,
          signal,
          resolve: (output) => settle(() => resolve(output)),
          reject: (error) => settle(() => reject(error)),
          retries: 0,
        };
        // While it runs, the session rejects.
        const onAbort = (): void => {
          const at = state.waiting.indexOf(task);
          if (at < 0) return;
          state.waiting.splice(at, 1);
          reject(signal.reason as Error);
          advance(state);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        state.waiting.push(task);
        return advance(state);
      }),
    close: async () => {
      closing.abort();
      for (const state of states.values()) {
        for (const task of state.waiting.splice(0)) task.reject(closedError({ source, login: state.route }));
        disconnect(state);
      }
    },
  };
}

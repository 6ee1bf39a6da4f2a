import type { ports } from '../../kit.ts';

/** How the last instance that ended did so; undefined if the kubelet does not know. */
export function lastExitOf({ state, last }: ports.ContainerStatus): ports.Termination | undefined {
  return state.kind === 'terminated' ? state : last;
}

/** When a container last started or ended, as far as its status says. */
export function lastChangeOf(status: ports.ContainerStatus): Date | undefined {
  return status.state.kind === 'running' ? status.state.startedAt : lastExitOf(status)?.finishedAt;
}

/** How long an instance ran. */
export function lifeMsOf({ startedAt, finishedAt }: ports.Termination): number | undefined {
  if (!startedAt || !finishedAt) return undefined;
  const ms = finishedAt.getTime() - startedAt.getTime();
  return ms >= 0 ? ms : undefined;
}

/**
 * Whether the kernel killed it for memory. A cgroup OOM kill is a SIGKILL, so it ends with 137. With any other exit code, the reason only says that some
 * process in its cgroup was once killed: https://github.com/kubernetes/kubernetes/issues/140716
 */
export function isOutOfMemory({ reason, exitCode }: ports.Termination): boolean {
  return reason === 'OOMKilled' && exitCode === 137;
}

/** Whether the kubelet made the exit code up, because the runtime had lost the container: https://github.com/kubernetes/kubernetes/issues/122160 */
export function isUnknownExit({ reason, exitCode, startedAt }: ports.Termination): boolean {
  return exitCode === undefined || reason === 'ContainerStatusUnknown' || (exitCode === 137 && !startedAt);
}

/** STATUS_CONTROL_C_EXIT: how a process ends whose Windows container is stopped, https://github.com/microsoft/dotnet-framework-docker/issues/431 */
const STOPPED_ON_WINDOWS = 0xc0_00_01_3a;

/** Whether a process that was sent SIGTERM ends like this: cleanly, by the signal, or by the SIGKILL that follows it. */
export function mayBeStopped({ exitCode = 1 }: ports.Termination): boolean {
  return exitCode === 0 || exitCode === 143 || exitCode === 137 || exitCode >>> 0 === STOPPED_ON_WINDOWS;
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
  31: 'SIGSYS',
};

/** https://tldp.org/LDP/abs/html/exitcodes.html */
const SHELL_CODES: Readonly<Record<number, string>> = {
  126: 'the command cannot be executed',
  127: 'command not found',
};

/** `exit code 139 (SIGSEGV)`, `exit code 1`. */
export function exitInWords({ exitCode, signal }: ports.Termination): string {
  if (exitCode === undefined) return 'an unknown exit code';
  const meaning =
    SHELL_CODES[exitCode] ??
    SIGNALS[signal ?? 0] ??
    (exitCode > 128 ? SIGNALS[exitCode - 128] : undefined) ??
    // Windows reports NTSTATUS codes, which are known in hexadecimal. Some runtimes report them as signed numbers.
    (exitCode > 255 || exitCode < 0 ? `0x${(exitCode >>> 0).toString(16).toUpperCase()}` : undefined);
  return `exit code ${exitCode}${meaning === undefined ? '' : ` (${meaning})`}`;
}

import { SourceError } from '../ports/source-error.ts';
import type { HostCommand } from './host-command.ts';
import type { CommandOutput } from './ssh-session.ts';

interface CommandPlace {
  readonly source: string;
  /** As messages name it. */
  readonly host: string;
  readonly user: string;
}

/** Why the host didn't run a command that it received: it isn't allowed there, or not as root. undefined if it ran. */
export function explainRefusedCommand(
  { source, host, user }: CommandPlace,
  { line }: HostCommand,
  { exitCode, stderr }: Pick<CommandOutput, 'exitCode' | 'stderr'>,
): SourceError | undefined {
  const refused = (message: string, code: string): SourceError =>
    new SourceError(source, 'refused', message, { code });
  if (exitCode === 126 && stderr.startsWith('wrench-collect: not allowed'))
    return refused(
      `\`wrench-collect\` on ${host} doesn't allow a question: install the version that belongs to this Wrench`,
      'WRENCH_COLLECT',
    );
  if (exitCode === 126 && stderr.startsWith('wrench-change: not allowed'))
    return refused(
      `\`wrench-change\` on ${host} doesn't allow this: see what its first lines allow there, and install the version that belongs to this Wrench`,
      'WRENCH_CHANGE',
    );
  const [, asRoot] = / sudo -n (.*)$/.exec(line) ?? [];
  if (asRoot === undefined || exitCode === 0 || exitCode === undefined) return undefined;
  if (exitCode === 127 && /sudo/.test(stderr))
    return refused(`${host} has no \`sudo\`: install it there, or remove the question from \`sudo\``, 'SUDO');
  if (
    /^sudo: /m.test(stderr) &&
    /password is required|terminal is required|not allowed|not in the sudoers|may not run/i.test(stderr)
  )
    return refused(
      `${user} may not run \`${asRoot}\` as root on ${host}: add the lines of deploy/hosts/sudoers there with \`visudo -f /etc/sudoers.d/wrench\``,
      'SUDO',
    );
  return undefined;
}

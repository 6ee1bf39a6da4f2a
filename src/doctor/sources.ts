import type { AnyCheck } from '../check/define-check.ts';
import type { AnyRemediation } from '../check/define-remediation.ts';
import { PORT_NAMES, type PortName, type WriterPortName } from '../ports/readers.ts';
import type { Source, SourcePermission } from '../ports/source.ts';
import { within } from '../telemetry/within.ts';
import { type DoctorLine, errorText, failed, ok } from './line.ts';
import { permissionLines } from './permissions.ts';

interface CheckedSource {
  readonly environment: string;
  readonly source: Source;
  /** All checks by name; their `reads` say which of them need a permission. */
  readonly checks: ReadonlyMap<string, AnyCheck>;
}

/** Checks that a source responds, and that its credentials have exactly the permissions that checks and fixes need, if it can report them. Never throws. */
export async function checkSource(
  { environment, source, checks }: CheckedSource,
  timeoutMs: number,
): Promise<readonly DoctorLine[]> {
  const about = `${environment}/${source.name}`;
  const [health, permissions] = await Promise.all([
    healthLine(about, source, timeoutMs),
    readPermissions(source, timeoutMs),
  ]);
  if (!(permissions instanceof Error))
    return [health, ...permissionLines(about, permissions, (method) => usersOf(method, source, checks))];
  // A source that doesn't respond is reported once.
  return health.level === 'failed' ? [health] : [health, unreadableLine(about, permissions)];
}

async function readPermissions(
  { permissions }: Source,
  timeoutMs: number,
): Promise<readonly SourcePermission[] | Error> {
  try {
    return await within(timeoutMs, permissions?.(AbortSignal.timeout(timeoutMs)) ?? Promise.resolve([]));
  } catch (error) {
    return new Error(errorText(error));
  }
}

function unreadableLine(about: string, { message }: Error): DoctorLine {
  const hint =
    "Run `wrench doctor` again. If it fails again, check the permissions with the source's own tools";
  return failed(about, `couldn't read its permissions: ${message}`, hint);
}

async function healthLine(about: string, source: Source, timeoutMs: number): Promise<DoctorLine> {
  try {
    const {
      ok: isOk,
      summary,
      hint,
    } = await within(timeoutMs, source.healthCheck(AbortSignal.timeout(timeoutMs)));
    return isOk
      ? ok(about, summary)
      : failed(about, summary, hint ?? `Check the source \`${source.name}\` in wrench.yaml`);
  } catch (error) {
    return failed(about, errorText(error), `Check that ${source.kind} is reachable from here`);
  }
}

/** The checks and fixes that use a method: `node/disk`, `node/versions:cordon`. */
function usersOf(
  method: string,
  { reads, writes = {} }: Pick<Source, 'reads' | 'writes'>,
  checks: ReadonlyMap<string, AnyCheck>,
): readonly string[] {
  const readable = PORT_NAMES.filter((port) => reads[port]);
  const writable = Object.keys(writes) as readonly WriterPortName[];
  return [...checks].flatMap(([name, check]) => {
    const fixes = Object.entries((check.remediations ?? {}) as Readonly<Record<string, AnyRemediation>>);
    return [
      ...(readable.some((port) => readsBy(check, port, method)) ? [name] : []),
      ...fixes
        .filter(
          ([fix, { uses, allow }]) =>
            writable.some((port) => uses.includes(port)) && (fix === method || allow === method),
        )
        .map(([fix]) => `${name}:${fix}`),
    ];
  });
}

function readsBy(
  { uses, mayUse = [], reads = {} }: Pick<AnyCheck, 'uses' | 'mayUse' | 'reads'>,
  port: PortName,
  method: string,
): boolean {
  const declared: readonly string[] = reads[port] ?? [];
  return declared.includes(method) || (method === port && [...uses, ...mayUse].includes(port));
}

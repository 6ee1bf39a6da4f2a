import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateCase } from './certificate-case.ts';

const WITH_TIME = /^(?:\d{4}-\d\d-\d\dT\S+|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) /;
const ISO_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/;

/** The lines of machines in a case, in one log that was collected from all. */
export async function writeMachineLog(
  lines: CertificateCase['logs'],
  now: Date,
  folder: string,
): Promise<{ readonly source: object }> {
  const path = join(folder, 'machines.log');
  const dated = lines.map(({ who, line }) => ({ at: timeIn(line) ?? now, who, line }));
  const written = dated
    .toSorted((one, other) => one.at.getTime() - other.at.getTime())
    .map(({ at, who, line }) => (WITH_TIME.test(line) ? line : `${at.toISOString()} ${who} ${line}`));
  await writeFile(path, `${written.join('\n')}\n`);
  return { source: { kind: 'syslog', name: 'logs', contains: ['system'], paths: [path] } };
}

/** Lager also writes seconds since 1970: `"timestamp":"1795690980.123"`. */
function timeIn(line: string): Date | undefined {
  const [iso] = ISO_TIME.exec(line) ?? [];
  if (iso !== undefined) return new Date(iso);
  const [, seconds] = /"timestamp":"?(\d{10}(?:\.\d+)?)/.exec(line) ?? [];
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000);
}

import type { ArchiveJobLine } from './facts.ts';

/** https://docs.openstack.org/nova/latest/cli/nova-manage.html#db-archive-deleted-rows */
const MEANINGS: Readonly<Record<string, string>> = {
  2: '`--max_rows` is invalid',
  3: 'the API database is not configured',
  4: '`--before` is invalid',
  255: 'it stopped with an error',
};

const EXITED = /^(?:.*?([\w@.-]+\.service): )?Main process exited, code=(\w+), status=(\d+)/;
/** Written at the end of a run with exit code 0, which has no line of its own. */
const SUCCEEDED = /Deactivated successfully|: Succeeded\.|^Nothing was archived/;
const TABLE_ROW = /\|\s*(\w+)\s*\|\s*(\d+)\s*\|/;
const ERROR = /\bTraceback\b|\b\w*(?:Error|Exception): /;

/** How the last run of a scheduled job ended. */
export interface ArchiveJob {
  readonly host: string;
  readonly unit?: string;
  /** `misreported`: systemd calls exit code 1 a failure, although it means that rows were archived. */
  readonly is: 'misreported' | 'failing' | 'unknown';
  /** How many instances it archived. Absent if it doesn't print that. */
  readonly instances?: number;
  readonly because?: string;
}

/** undefined if the last run of none ended with another code than 0. Of several hosts, one that fails. The lines of a host are newest first. */
export function lastJob(lines: readonly ArchiveJobLine[] = []): ArchiveJob | undefined {
  const jobs = [...Map.groupBy(lines, ({ host }) => host).values()].flatMap((ofHost) => jobOf(ofHost) ?? []);
  return jobs.find(({ is }) => is === 'failing') ?? jobs[0];
}

function jobOf(lines: readonly ArchiveJobLine[]): ArchiveJob | undefined {
  const last = lines.find(({ text }) => EXITED.test(text) || SUCCEEDED.test(text));
  if (!last || SUCCEEDED.test(last.text)) return undefined;
  const { host, text } = last;
  const [, unit, code, status = ''] = EXITED.exec(text) ?? [];
  if (code === 'exited' && status === '0') return undefined;
  const base = { host, ...(unit !== undefined && { unit }) };
  // What it wrote before it ended, up to the run before.
  const output = lines.filter((one) => one !== last).map((one) => one.text);
  const before = output.findIndex((one) => EXITED.test(one) || SUCCEEDED.test(one));
  const ofRun = before === -1 ? output : output.slice(0, before);
  if (code !== 'exited') return { ...base, is: 'failing', because: `it was stopped (${code}, ${status})` };
  if (status !== '1')
    return { ...base, is: 'failing', because: `exit code ${status}: ${MEANINGS[status] ?? 'unknown'}` };
  const rows = ofRun.flatMap((one) => {
    const [, table, count] = TABLE_ROW.exec(one) ?? [];
    return table === undefined ? [] : [{ table, count: Number(count) }];
  });
  if (rows.length === 0)
    return ofRun.some((one) => ERROR.test(one))
      ? { ...base, is: 'failing', because: 'exit code 1 after an error' }
      : { ...base, is: 'unknown' };
  const instances = rows.find(({ table }) => table === 'instances')?.count;
  return { ...base, is: 'misreported', ...(instances !== undefined && { instances }) };
}

/** For evidence. */
export function jobInWords({ host, unit = 'the unit', is, instances, because }: ArchiveJob): string {
  if (is === 'failing') return `the last run on ${host} failed: ${because}`;
  if (is === 'unknown')
    return `the last run on ${host} ended with exit code 1, which means that rows were archived; without \`--verbose\` the log doesn't show it`;
  const what =
    instances === undefined ? 'rows' : `${instances} ${instances === 1 ? 'instance' : 'instances'}`;
  return `works: it archived ${what} on ${host}. Its exit code 1 means that rows were archived, but systemd calls that a failure. Set \`SuccessExitStatus=1\` in ${unit}`;
}

import { field } from '../../shared/evidence.ts';
import { jobInWords, lastJob } from './archive-job.ts';
import type { Facts } from './facts.ts';
import type { RecordFinding } from './problem.ts';

/** A scheduled job that fails, while there are still few soft-deleted instances. Otherwise it is the cause of that finding. */
export function jobProblem({ logs }: Facts): RecordFinding | undefined {
  const job = lastJob(logs?.archiveJob);
  if (job?.is !== 'failing') return undefined;
  const { host, unit } = job;
  return {
    reason: 'archive-job-failing',
    severity: 'warning',
    target: `${host}:${unit ?? 'nova-manage'}`,
    summary: `The job that archives deleted records fails on ${host}, so they accumulate. ${unit === undefined ? 'Read its output' : `Read its log: \`journalctl -u ${unit}\``}`,
    evidence: [field('Archive job', jobInWords(job))],
  };
}

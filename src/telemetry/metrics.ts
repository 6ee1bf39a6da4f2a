import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Everything that both roles count. Labels come from declarations (checks, words of ours), never from infrastructure or people. */
export interface Metrics {
  readonly registry: Registry;
  readonly commands: Counter<'outcome'>;
  readonly acknowledgement: Histogram;
  readonly checks: Counter<'check' | 'status'>;
  readonly checkSeconds: Histogram<'check'>;
  readonly digests: Counter<'digest' | 'outcome'>;
  readonly clicks: Counter<'button' | 'outcome'>;
  readonly remediations: Counter<'remediation' | 'outcome'>;
  readonly bugs: Counter<'role'>;
  readonly requestErrors: Counter<'listener'>;
  readonly posts: Counter<'method' | 'outcome'>;
  readonly unconfirmed: Counter<'outcome'>;
  readonly digestPosts: Counter<'outcome'>;
  readonly queueDepth: Gauge<'queue' | 'state'>;
  readonly auditCopyStopped: Gauge;
  readonly auditCopyLag: Gauge;
}

export function makeMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    commands: new Counter({
      name: 'wrench_commands_total',
      help: 'Slash commands answered, by how.',
      labelNames: ['outcome'],
      registers,
    }),
    acknowledgement: new Histogram({
      name: 'wrench_acknowledgement_seconds',
      help: 'From a slash command read to its acknowledgement.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3],
      registers,
    }),
    checks: new Counter({
      name: 'wrench_checks_total',
      help: 'Checks run to their end, by the status of their report.',
      labelNames: ['check', 'status'],
      registers,
    }),
    checkSeconds: new Histogram({
      name: 'wrench_check_seconds',
      help: 'How long checks took.',
      labelNames: ['check'],
      buckets: [0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
      registers,
    }),
    digests: new Counter({
      name: 'wrench_digests_total',
      help: 'Runs of digests that ended in this worker: complete, incomplete (a check could not be run) or lost (given up because of a bug in Wrench).',
      labelNames: ['digest', 'outcome'],
      registers,
    }),
    clicks: new Counter({
      name: 'wrench_clicks_total',
      help: 'Clicks on buttons, by button and by how they were answered.',
      labelNames: ['button', 'outcome'],
      registers,
    }),
    remediations: new Counter({
      name: 'wrench_remediations_total',
      help: 'Remediations that ended in this worker, by how.',
      labelNames: ['remediation', 'outcome'],
      registers,
    }),
    bugs: new Counter({
      name: 'wrench_bugs_total',
      help: 'Errors of our own, not of a source.',
      labelNames: ['role'],
      registers,
    }),
    requestErrors: new Counter({
      name: 'wrench_request_errors_total',
      help: 'Requests that failed because of a bug in Wrench, by listener: health or slack.',
      labelNames: ['listener'],
      registers,
    }),
    posts: new Counter({
      name: 'wrench_posts_total',
      help: 'Calls to Slack that show something to people, by how they ended.',
      labelNames: ['method', 'outcome'],
      registers,
    }),
    unconfirmed: new Counter({
      name: 'wrench_unconfirmed_posts_total',
      help: 'Messages for which the reply from Slack was lost: repeated (posted again, may appear twice), recognized (posted again with the same id, which Slack drops), or left (a progress message that may stay in the channel).',
      labelNames: ['outcome'],
      registers,
    }),
    digestPosts: new Counter({
      name: 'wrench_digest_posts_total',
      help: 'Runs of digests that the bot has dealt with: posted, quiet (nothing new or worse), replaced (by a newer run) or refused (by Slack).',
      labelNames: ['outcome'],
      registers,
    }),
    queueDepth: new Gauge({
      name: 'wrench_queue_jobs',
      help: 'Jobs in the queues by state, when last asked.',
      labelNames: ['queue', 'state'],
      registers,
    }),
    auditCopyStopped: new Gauge({
      name: 'wrench_audit_copy_stopped',
      help: '1 while this bot cannot copy the audit or Redis does not continue the last head seen, otherwise 0.',
      registers,
    }),
    auditCopyLag: new Gauge({
      name: 'wrench_audit_copy_lag_entries',
      help: 'Audit entries in Redis that this bot has not copied yet, or has not seen yet if there is no copy.',
      registers,
    }),
  };
}

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The metrics of both roles. Label values come from declarations in the code, never from infrastructure or people. */
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
      help: 'Slash commands, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    acknowledgement: new Histogram({
      name: 'wrench_acknowledgement_seconds',
      help: 'Time from reading a slash command to acknowledging it, in seconds.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3],
      registers,
    }),
    checks: new Counter({
      name: 'wrench_checks_total',
      help: 'Completed checks, by check and status of the report.',
      labelNames: ['check', 'status'],
      registers,
    }),
    checkSeconds: new Histogram({
      name: 'wrench_check_seconds',
      help: 'Duration of checks, in seconds.',
      labelNames: ['check'],
      buckets: [0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
      registers,
    }),
    digests: new Counter({
      name: 'wrench_digests_total',
      help: 'Digest runs that ended on this worker: complete, incomplete (a check could not be run) or lost (abandoned because of a bug in Wrench).',
      labelNames: ['digest', 'outcome'],
      registers,
    }),
    clicks: new Counter({
      name: 'wrench_clicks_total',
      help: 'Clicks on buttons, by button and outcome.',
      labelNames: ['button', 'outcome'],
      registers,
    }),
    remediations: new Counter({
      name: 'wrench_remediations_total',
      help: 'Remediations that ended on this worker, by outcome.',
      labelNames: ['remediation', 'outcome'],
      registers,
    }),
    bugs: new Counter({
      name: 'wrench_bugs_total',
      help: 'Errors caused by bugs in Wrench, by role.',
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
      help: 'Slack API calls that show something to people, by method and outcome.',
      labelNames: ['method', 'outcome'],
      registers,
    }),
    unconfirmed: new Counter({
      name: 'wrench_unconfirmed_posts_total',
      help: 'Messages for which the response from Slack was lost: repeated (posted again, may appear twice), recognized (posted again with the same ID, which Slack drops) or left (a progress message that may stay in the channel).',
      labelNames: ['outcome'],
      registers,
    }),
    digestPosts: new Counter({
      name: 'wrench_digest_posts_total',
      help: 'Digest runs that the bot handled: posted, quiet (nothing new or worse), replaced (by a newer run) or refused (by Slack).',
      labelNames: ['outcome'],
      registers,
    }),
    queueDepth: new Gauge({
      name: 'wrench_queue_jobs',
      help: 'Jobs in the queues, by queue and state.',
      labelNames: ['queue', 'state'],
      registers,
    }),
    auditCopyStopped: new Gauge({
      name: 'wrench_audit_copy_stopped',
      help: '1 while this bot cannot copy the audit, or Redis does not continue the last head seen; otherwise 0.',
      registers,
    }),
    auditCopyLag: new Gauge({
      name: 'wrench_audit_copy_lag_entries',
      help: 'Audit entries in Redis that this bot has not copied yet; without a copy, that it has not seen yet.',
      registers,
    }),
  };
}

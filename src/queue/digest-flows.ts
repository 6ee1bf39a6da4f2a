import { type FlowJob, FlowProducer, type Job, Queue } from 'bullmq';
import type { RedisConnection } from './connection.ts';
import {
  checkJobSchema,
  type CheckJob,
  type DigestJob,
  digestJobSchema,
  type DigestPartResult,
  digestPartResultSchema,
} from './jobs.ts';
import { CHECK_JOBS, CHECKS, DIGEST_JOBS, DIGESTS, EVENTS_KEPT, jobOptionsOf, PREFIX } from './queues.ts';

/** The jobs of the run of a digest: its checks, and the one that follows when all of them have ended. */
export interface DigestFlow {
  /** `failed`: the job that follows failed and won't be retried. `ended`: it has run. */
  readonly state: 'running' | 'failed' | 'ended';
  /** What the checks that have ended returned, by their run ids. A result of another version is among `failures`. */
  readonly results: ReadonlyMap<string, DigestPartResult>;
  /** Why checks failed, by their run ids. */
  readonly failures: ReadonlyMap<string, string>;
}

export interface DigestFlows {
  /** Queues the checks of a run and what follows them. Calling it again changes nothing: the ids of the jobs are their run ids. */
  readonly add: (job: Extract<DigestJob, { kind: 'finish' }>, checks: readonly CheckJob[]) => Promise<void>;
  /** Undefined if there is no such flow. */
  readonly read: (runId: string) => Promise<DigestFlow | undefined>;
  /** Removes a flow. A check that is running ends, and its result is dropped. */
  readonly remove: (runId: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A person waits for a command, so it isn't queued behind the many checks of a digest. A job without a priority comes first. */
const AFTER_COMMANDS = 10;

const finishJobId = (runId: string): string => `finish-${runId}`;

/** The flows of digests, for workers. A check that fails does not stop the flow. https://docs.bullmq.io/guide/flows/ignore-dependency */
export function openDigestFlows(connection: RedisConnection, onError: (error: Error) => void): DigestFlows {
  const producer = new FlowProducer({ connection, prefix: PREFIX });
  const digests = new Queue<DigestJob, unknown, string>(DIGESTS, {
    connection,
    prefix: PREFIX,
    skipVersionCheck: true,
  });
  producer.on('error', onError);
  digests.on('error', onError);
  const streams = { events: { maxLen: EVENTS_KEPT } };
  return {
    add: async (job, checks) => {
      const data = digestJobSchema.parse(job);
      const flow: FlowJob = {
        name: job.kind,
        queueName: DIGESTS,
        data,
        opts: { ...jobOptionsOf(DIGEST_JOBS), jobId: finishJobId(job.runId) },
        children: checks.map((check) => ({
          name: check.check,
          queueName: CHECKS,
          data: checkJobSchema.parse(check),
          opts: {
            ...jobOptionsOf(CHECK_JOBS),
            jobId: check.runId,
            ignoreDependencyOnFailure: true,
            priority: AFTER_COMMANDS,
          },
        })),
      };
      await producer.add(flow, { queuesOptions: { [DIGESTS]: { streams }, [CHECKS]: { streams } } });
    },
    read: async (runId) => {
      const job = await digests.getJob(finishJobId(runId));
      return job && readFlow(job);
    },
    remove: async (runId) => {
      const job = await digests.getJob(finishJobId(runId));
      await job?.remove({ removeChildren: true });
    },
    close: async () => {
      await Promise.all([producer.close(), digests.close()]);
    },
  };
}

async function readFlow(job: Job): Promise<DigestFlow> {
  const [state, values, ignored] = await Promise.all([
    job.getState(),
    job.getChildrenValues<unknown>(),
    job.getIgnoredChildrenFailures(),
  ]);
  const results = new Map<string, DigestPartResult>();
  const failures = new Map(Object.entries(ignored).map(([key, because]) => [idOf(key), because]));
  for (const [key, value] of Object.entries(values)) {
    const parsed = digestPartResultSchema.safeParse(value);
    if (parsed.success) results.set(idOf(key), parsed.data);
    else failures.set(idOf(key), "another version of Wrench ran it, and this one can't read its report");
  }
  return {
    state: state === 'failed' ? 'failed' : state === 'completed' ? 'ended' : 'running',
    results,
    failures,
  };
}

/** `{wrench}:checks:r0123456789abcdef` is the job `r0123456789abcdef`. */
function idOf(jobKey: string): string {
  return jobKey.slice(jobKey.lastIndexOf(':') + 1);
}

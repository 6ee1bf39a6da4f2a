import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { namespaceArgument } from '../../shared/namespace-argument.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { raiseLimit } from './raise-limit.ts';
import { knownLoops } from './restarting.ts';
import { resolved } from './resolved.ts';
import { samplesOf, sampleSchema, sampleTarget } from './samples.ts';

const names = (description: string) => z.string().min(1).optional().meta({ description });

/**
 * Where to find what:
 * - reading: `collect`, with `pods`, `pod-events`, `nodes`, `owner` and `details`
 * - whether a container restarts in a loop: `loops`, with `instances`, `spans` and `samples`
 * - why: `causes`, with `exits`, `kill-windows` and `probe-failures`; `unused-probes`
 * - the report: `diagnose`, with `restarting` and `severity`; its words in `describe`, `advice`, `evidence`, `probe-words` and `words`
 * - the fix: `raise-limit`, with `offers` and `limit-rules`; for static pods, `static-manifest`
 * - without an API server: `ask-engines` and `diagnose-engines`, with `engine-loops`, `engine-words` and `kubeadm-probes`
 */
export const check = defineCheck({
  title: 'Containers that keep restarting, and why',
  why: 'A liveness probe that could no longer run restarted etcd 183 times, each time with the API server, while its pod looked healthy.',
  counts: 'container',
  uses: ['clusters'],
  mayUse: ['engines', 'keyValue'],
  reads: {
    clusters: [
      'nodes',
      'pods',
      'events',
      'previousLog',
      'workload',
      'adjustPermission',
      'tryProbeChange',
      'kubeletConfig',
    ],
  },
  args: z.object({
    namespace: namespaceArgument.meta({ description: 'only this namespace' }),
    pod: names('only these pods, or the pods of these workloads, by name, comma-separated'),
    source: names('only these clusters, by name, comma-separated'),
  }),
  bareArgument: 'namespace',
  examples: ['', 'kube-system --pod etcd'],
  collect,
  // Often enough for 15 minutes and an hour, and for two days, thinned out with age.
  remembers: {
    sample: sampleSchema,
    target: sampleTarget,
    samples: (facts, now) => samplesOf(facts.clusters, knownLoops(facts, now)),
    keep: 32,
    forHours: 48,
  },
  resolved,
  diagnose,
  remediations: { 'raise-limit': raiseLimit },
});

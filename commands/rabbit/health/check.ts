import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { purgeQueue } from './purge-queue.ts';
import { queueSample, sampleTarget } from './queue-sample.ts';
import { samplesOf } from './samples.ts';

export const check = defineCheck({
  title: 'RabbitMQ: alarms, split clusters, queues that no one reads and messages that are too large',
  why: 'A user reloaded a console log of 5.5 GB, each copy went through RabbitMQ, and its nodes ran out of memory one after the other.',
  counts: 'node',
  uses: ['brokers'],
  args: z.object({
    source: z
      .string()
      .optional()
      .meta({ description: 'only these sources of message queues, by name, comma-separated' }),
  }),
  bareArgument: 'source',
  examples: ['', 'rabbitmq'],
  collect,
  diagnose,
  remediations: { 'purge-queue': purgeQueue },
  remembers: { sample: queueSample, target: sampleTarget, samples: samplesOf },
});

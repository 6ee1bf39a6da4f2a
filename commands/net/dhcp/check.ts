import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { collect } from './collect.ts';
import { dhcpSamples, diagnose } from './diagnose.ts';
import { resolved } from './resolved.ts';
import { dhcpSample } from './samples.ts';

/** Longer windows have more lines than are kept. */
const MAX_WITHIN_MS = 7 * 86_400_000;
const MIN_WITHIN_MS = 60_000;

/**
 * Where to find what:
 * - reading: `collect`, and `read-more` about clients with a fault; one line: `parse-line`; the lines of one client from all servers: `gather`
 * - a conversation as questions and answers: `rounds`; how it ended: `judge`
 * - the report: `diagnose`, with `client-findings`, `other-findings`, `server-findings`, `server-errors` and `evidence`
 */
export const check = defineCheck({
  title: 'DHCP: replies that clients do not receive, refusals, exhausted pools',
  why: 'Servers disappeared from the network: their requests to renew the lease were answered, but the replies never reached them.',
  counts: 'host',
  uses: [],
  mayUse: ['hosts', 'logs', 'cloud'],
  reads: { cloud: ['dhcpAgents', 'ports', 'server'] },
  args: z.object({
    within: duration
      .refine((ms) => ms >= MIN_WITHIN_MS && ms <= MAX_WITHIN_MS, { error: 'use 1m to 7d' })
      .prefault('2h')
      .meta({ description: 'how far back to read logs; 1m to 7d' }),
    client: z.string().min(1).optional().meta({ description: 'only this client, by MAC or IP address' }),
    hosts: z.string().min(1).optional().meta({ description: 'only these hosts, comma-separated' }),
    source: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these sources of hosts and logs, by name, comma-separated' }),
  }),
  bareArgument: 'client',
  examples: ['', 'fa:16:3e:5c:01:9a --within 6h'],
  collect: (context, { within, ...args }) => collect(context, { ...args, withinMs: within }),
  diagnose,
  resolved,
  remembers: {
    sample: dhcpSample,
    target: ({ name }) => name,
    samples: dhcpSamples,
  },
});

import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { renew } from '../../shared/renew.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { remembered, sampleTarget } from './remembered.ts';
import { resolved } from './resolved.ts';
import { DEFAULT_WITHIN_DAYS } from './rotation.ts';
import { sampleSchema } from './samples.ts';

/**
 * Where to find what:
 * - reading: `collect`, with `facts`
 * - what all rotations are planned from: `plan-context`, with `trust`, `deployed`, `transition` and `signed-by`
 * - what must be rotated: `plan-rotations`; of CredHub and Ops Manager `in-progress`, `due-authorities`, `former-signers` and `due-leaves`; of cert-manager
 *   `automatic`; of Vault's PKI `issuers`; of everything else `stored-rotations`, with `stored-certificates` and `kubeadm`; `director-certificates`
 * - the checklist: `steps` and `commands`; between runs `remembered`, with `samples`, and `resolved`
 */
export const check = defineCheck({
  title: 'Which certificates must be rotated next, in which order, and by whom',
  why: 'A deployment hung because some instances had renewed certificates and others expired ones: renewed in time and in order, both work until it is complete.',
  counts: 'certificate',
  uses: ['certificates'],
  mayUse: ['processes'],
  args: z.object({
    within: duration.prefault(`${DEFAULT_WITHIN_DAYS}d`).meta({
      description: 'how far ahead to look; what expires later is left out',
    }),
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
    match: z.string().min(1).optional().meta({
      description: 'only rotations whose name, place or certificates contain this text; * matches anything',
    }),
  }),
  bareArgument: 'within',
  examples: ['', '90d --match uaa'],
  collect,
  remembers: {
    sample: sampleSchema,
    target: sampleTarget,
    samples: remembered,
    keep: 24,
    forHours: 504,
    everySeconds: 3_600,
  },
  resolved,
  diagnose,
  remediations: { renew },
});

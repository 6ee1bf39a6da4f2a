import { z } from 'zod';
import type { Risk } from './define-remediation.ts';

export type Severity = 'critical' | 'warning' | 'info';

/** From the worst to the least. */
export const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'info'];

/** What was seen, in no renderer's terms; only the renderers know what a block or a terminal is. */
export type Evidence =
  | { readonly kind: 'field'; readonly label: string; readonly value: string }
  | {
      readonly kind: 'table';
      readonly columns: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'log'; readonly lines: readonly string[] }
  | {
      readonly kind: 'series';
      readonly label: string;
      readonly unit: string;
      /** Oldest first; `at` is an ISO 8601 time. */
      readonly points: readonly { readonly at: string; readonly value: number }[];
    };

/** A remediation proposed for one finding, as `diagnose` proposes it. */
export interface Proposal {
  /** Its name among the check's remediations. */
  readonly remediation: string;
  readonly params: unknown;
}

/** The same as a report carries it: a button, before it is drawn. */
export interface Offer extends Proposal {
  /** Verb first: `Restart doppler_z2/0`. */
  readonly title: string;
  readonly risk: Risk;
}

/** Something wrong with one target. Plain JSON, because it travels through Redis and is compared between runs. */
export interface Finding<O = Proposal> {
  /** A stable kebab-case word. Silences, digests and metrics key on it, so it is never reworded. */
  readonly reason: string;
  readonly severity: Severity;
  /** What is wrong, named as its owner names it: `vault:secret/cf/bbs/locket/tls`, `doppler_z2/0`. */
  readonly target: string;
  /** One line a tired person can act on. */
  readonly summary: string;
  readonly evidence?: readonly Evidence[];
  readonly offers?: readonly O[];
}

/** Something the check could not see, and why. A report with gaps is never all clear, unless all of them are unrelated to the question. */
export interface Gap {
  readonly what: string;
  readonly because: string;
  readonly kind: 'unreachable' | 'refused' | 'missing' | 'malformed' | 'not-configured' | 'unfinished';
  /** It cannot hold what was asked for: counted beside the answer, which does not become unknown because of it. */
  readonly unrelated?: true;
  /** How many places it stands for, where that is more than one. */
  readonly places?: number;
}

/** How much of one source was examined. */
export interface Coverage {
  readonly source: string;
  readonly examined: number;
}

/**
 * A number that says how well something works, whether or not anything was found. Its change proves a fix.
 * With `of`, its total, verifying a fix waits until it is complete: `metron_agent running on 12 of 12`.
 * Without, it is shown where it changed: `doppler_z2: 0 -> 1 registered`.
 */
export interface Measure {
  readonly label: string;
  readonly value: number;
  /** The total. The name is kept: `--json` prints it, and reports of other versions and stored observations have it. */
  readonly of?: number;
  /** What is counted, as in `1 registered` or `running on 12 of 12`. */
  readonly unit: string;
}

/** What `diagnose` decides from the facts. */
export interface Diagnosis<O = Proposal> {
  /** How many targets were examined. Zero means that nothing was seen, not that nothing is wrong. */
  readonly examined: number;
  /** The answer in one line, where something was seen: `3 of 41 certificates have expired`. */
  readonly verdict: string;
  /** In the order in which a person should work through them. */
  readonly findings: readonly Finding<O>[];
  readonly measures?: readonly Measure[];
}

/**
 * One run of one check, as it travels and as `--json` prints it.
 *
 * `clear`: everything was checked and nothing is wrong; `found`: something is wrong, and there may be more;
 * `unknown`: nothing was found, but not everything could be checked. Unknown is never shown as clear.
 */
export interface Report extends Diagnosis<Offer> {
  readonly check: string;
  readonly environment: string;
  /** The arguments as asked, defaults included, in their written form. */
  readonly args: Readonly<Record<string, string>>;
  readonly status: 'clear' | 'found' | 'unknown';
  readonly gaps: readonly Gap[];
  /** How questions were answered in another way than usual. They do not change the status. */
  readonly notes?: readonly string[];
  readonly coverage: readonly Coverage[];
  /** When the run began, ISO 8601 in UTC. */
  readonly at: string;
  readonly durationMs: number;
}

const severitySchema = z.enum(['critical', 'warning', 'info']);

const evidenceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('field'), label: z.string(), value: z.string() }),
  z.strictObject({
    kind: z.literal('table'),
    columns: z.array(z.string()),
    rows: z.array(z.array(z.string())),
  }),
  z.strictObject({ kind: z.literal('log'), lines: z.array(z.string()) }),
  z.strictObject({
    kind: z.literal('series'),
    label: z.string(),
    unit: z.string(),
    points: z.array(z.strictObject({ at: z.iso.datetime(), value: z.number() })),
  }),
]);

const findingSchema = z.strictObject({
  reason: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  severity: severitySchema,
  target: z.string().min(1),
  summary: z.string().min(1),
  evidence: z.array(evidenceSchema).exactOptional(),
  offers: z
    .array(
      z.strictObject({
        remediation: z.string(),
        params: z.json(),
        title: z.string().min(1),
        risk: z.enum(['safe', 'disruptive', 'destructive']),
      }),
    )
    .exactOptional(),
});

export const measureSchema = z.strictObject({
  label: z.string(),
  value: z.number(),
  of: z.number().exactOptional(),
  unit: z.string(),
});

/** Validates a {@link Report} that arrives from elsewhere. */
export const reportSchema: z.ZodType<Report> = z.strictObject({
  check: z.string(),
  environment: z.string(),
  args: z.record(z.string(), z.string()),
  status: z.enum(['clear', 'found', 'unknown']),
  verdict: z.string().min(1),
  examined: z.number().int().nonnegative(),
  findings: z.array(findingSchema),
  measures: z.array(measureSchema).exactOptional(),
  gaps: z.array(
    z.strictObject({
      what: z.string(),
      because: z.string(),
      kind: z.enum(['unreachable', 'refused', 'missing', 'malformed', 'not-configured', 'unfinished']),
      unrelated: z.literal(true).exactOptional(),
      places: z.number().int().positive().exactOptional(),
    }),
  ),
  notes: z.array(z.string().min(1)).exactOptional(),
  coverage: z.array(z.strictObject({ source: z.string(), examined: z.number().int().nonnegative() })),
  at: z.iso.datetime(),
  durationMs: z.number().int().nonnegative(),
});

/** The same finding has the same fingerprint: in silences, in digests, and when a fix is verified. */
export function fingerprint(
  { check, environment }: Pick<Report, 'check' | 'environment'>,
  { reason, target }: Pick<Finding, 'reason' | 'target'>,
): string {
  return [check, environment, reason, target].join(' ');
}

/** The worst severity among findings; undefined where there are none. */
export function worst(findings: readonly Pick<Finding, 'severity'>[]): Severity | undefined {
  return SEVERITIES.find((severity) => findings.some((finding) => finding.severity === severity));
}

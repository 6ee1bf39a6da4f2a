import { z } from 'zod';
import type { Immutable } from './immutable.ts';

export const severitySchema = z.enum(['critical', 'warning', 'info']);

export type Severity = z.infer<typeof severitySchema>;

/** From the worst to the least. */
export const SEVERITIES: readonly Severity[] = severitySchema.options;

/** Plain JSON of any shape. */
export const jsonSchema: z.ZodType<unknown> = z.json();

export const riskSchema = z.enum(['safe', 'disruptive', 'destructive']);

/** What a check saw, independent of any renderer. */
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
    /** Oldest first; `at` is an ISO 8601 time. */
    points: z.array(z.strictObject({ at: z.iso.datetime(), value: z.number() })),
  }),
]);

export type Evidence = Immutable<z.infer<typeof evidenceSchema>>;

/** A remediation that is offered for one finding, which becomes a button. */
const offerSchema = z.strictObject({
  /** Its name among the check's remediations. */
  remediation: z.string(),
  /** Absent if `each` has the params of every target. */
  params: jsonSchema.exactOptional(),
  each: z
    .array(z.strictObject({ target: z.string().min(1), params: jsonSchema }))
    .min(1)
    .exactOptional(),
  /** One of the finding's `targets`, or its own target. */
  target: z.string().min(1).exactOptional(),
  /** Verb first: `Restart doppler_z2/0`. */
  title: z.string().min(1),
  risk: riskSchema,
  /** It eases the fault but doesn't remove it. */
  mitigates: z.literal(true).exactOptional(),
  /** What a click changes and where, for its confirmation. */
  effect: z.string().min(1).exactOptional(),
});

export type Offer = Immutable<z.infer<typeof offerSchema>>;

/** The same as `diagnose` proposes it. `OfferOf` has the params that each remediation takes. */
export type Proposal = Pick<Offer, 'remediation' | 'params' | 'each' | 'target'>;

/** Another check with more details about the finding. It becomes a button that runs it like its slash command. */
const nextCheckSchema = z.strictObject({
  /** `node/leftovers` */
  check: z.string().min(1),
  /** In written form, if they differ from the defaults. The environment is that of the report. */
  args: z.record(z.string(), z.string()),
});

export type NextCheck = Immutable<z.infer<typeof nextCheckSchema>>;

/** A number for how bad a finding is, to compare over time: `61%` yesterday, `91%` now. */
const levelSchema = z.strictObject({
  value: z.number(),
  /** `%`, `days left`, `bytes`. Levels of one finding always have the same unit. */
  unit: z.string().min(1),
});

export type Level = z.infer<typeof levelSchema>;

/** A place in a file of a repository, as linters show it. Lines and columns count from 1, columns in UTF-16 code units. */
const locationSchema = z.strictObject({
  /** One of the finding's `targets`, or its own target. */
  target: z.string().min(1),
  /** In its repository, with slashes: `ci/test.sh`. */
  path: z.string().min(1),
  line: z.int().positive(),
  column: z.int().positive(),
  /** What is wrong there, and what to do if there is no replacement. */
  message: z.string().min(1),
  /** Replaces `deletes` characters at this place. `corrected` is the line afterwards. */
  replacement: z
    .strictObject({
      line: z.int().positive(),
      column: z.int().positive(),
      deletes: z.int().nonnegative(),
      inserts: z.string(),
      corrected: z.string().exactOptional(),
    })
    .exactOptional(),
});

export type Location = Immutable<z.infer<typeof locationSchema>>;

/** A problem with one target. Plain JSON, because it is sent through Redis and compared between runs. */
const findingSchema = z.strictObject({
  /** A stable kebab-case word. Silences, digests and metrics depend on it, so it never changes. */
  reason: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  severity: severitySchema,
  /** The cause, named as its owner names it: `vault:secret/cf/bbs/locket/tls`, `doppler_z2/0`, an issuer, a node. */
  target: z.string().min(1),
  /** What is affected, if one cause affects several targets; each named like the target of a separate finding. Not part of the fingerprint. */
  targets: z.array(z.string().min(1)).min(1).exactOptional(),
  /** Others with new names take the place of its `targets` all the time, as with pods: only how many there are is compared between runs. */
  areTargetsReplaced: z.literal(true).exactOptional(),
  /** One line that a person can act on. */
  summary: z.string().min(1),
  evidence: z.array(evidenceSchema).exactOptional(),
  offers: z.array(offerSchema).exactOptional(),
  /** The checks to run next, most useful first. Running them changes nothing. */
  next: z.array(nextCheckSchema).min(1).exactOptional(),
  level: levelSchema.exactOptional(),
  /** Where in files it is. A terminal shows them instead of its tables and logs, which say the same. */
  locations: z.array(locationSchema).min(1).exactOptional(),
});

export type Finding<O = Proposal> = Omit<Immutable<z.infer<typeof findingSchema>>, 'offers'> & {
  readonly offers?: readonly O[];
};

/** Something that the check couldn't see, and why. A report with gaps is never `clear`, unless all of them are unrelated to the request. */
const gapSchema = z.strictObject({
  what: z.string(),
  because: z.string(),
  kind: z.enum(['unreachable', 'refused', 'missing', 'malformed', 'not-configured', 'unfinished']),
  /** It can't contain what was requested, so it is only counted and doesn't make the status unknown. */
  unrelated: z.literal(true).exactOptional(),
  /** How many places it stands for, if more than one. */
  places: z.number().int().positive().exactOptional(),
  /** Which places these are, as a hash: `what` may name only some of them. */
  placesId: z.string().exactOptional(),
  /** Where in files it is, with what is unknown there. Its `target` is `what`. */
  location: locationSchema.exactOptional(),
});

export type Gap = Immutable<z.infer<typeof gapSchema>>;

/**
 * A number that measures how well something works, whether or not anything was found. Its change proves a fix. With `of`, its total, verifying a fix
 * waits until it is complete: `metron_agent running on 12 of 12`. Without, it is shown if it has changed: `doppler_z2: 0 -> 1 registered`.
 */
export const measureSchema = z.strictObject({
  label: z.string(),
  value: z.number(),
  /** The total. The name is part of `--json`, of stored observations, and of reports of other versions. */
  of: z.number().exactOptional(),
  /** What is counted, as in `1 registered` or `running on 12 of 12`. */
  unit: z.string(),
});

export type Measure = Immutable<z.infer<typeof measureSchema>>;

/**
 * Numbers for a chart. `bars`: one series, its labels are categories. `lines`: one or more series over time, whose labels are ISO 8601 times; `null`
 * where a series has no value. Renderers keep within the limits of their medium.
 */
const chartSchema = z.strictObject({
  kind: z.enum(['bars', 'lines']),
  title: z.string().min(1),
  unit: z.string().min(1),
  labels: z.array(z.string().min(1)).min(1),
  series: z.array(z.strictObject({ name: z.string().min(1), values: z.array(z.number().nullable()) })).min(1),
});

export type Chart = Immutable<z.infer<typeof chartSchema>>;

/** How a finding of an earlier run was resolved, if the facts show it: `renewed, now valid until 3 March 2027`. */
const resolutionSchema = z.strictObject({
  reason: z.string(),
  target: z.string().min(1),
  summary: z.string().min(1),
});

export type Resolution = Immutable<z.infer<typeof resolutionSchema>>;

/** What `diagnose` decides from the facts. */
export interface Diagnosis<O = Proposal> {
  /** How many targets were examined. Zero means that nothing was seen, not that nothing is wrong. */
  readonly examined: number;
  /** The answer in one line, if something was examined: `3 of 41 certificates have expired`. */
  readonly verdict: string;
  /** In the order in which a person should work through them. */
  readonly findings: readonly Finding<O>[];
  readonly measures?: readonly Measure[];
  readonly charts?: readonly Chart[];
}

/**
 * One run of one check, as it is sent through Redis and as `--json` prints it.
 *
 * `clear`: everything was checked and nothing is wrong; `found`: something is wrong, and there may be more; `unknown`: nothing was found, but not
 * everything could be checked. Unknown is never shown as clear.
 */
const reportObject = z.strictObject({
  check: z.string(),
  environment: z.string(),
  /** The arguments in their written form, with defaults. */
  args: z.record(z.string(), z.string()),
  status: z.enum(['clear', 'found', 'unknown']),
  verdict: z.string().min(1),
  examined: z.number().int().nonnegative(),
  findings: z.array(findingSchema),
  measures: z.array(measureSchema).exactOptional(),
  charts: z.array(chartSchema).exactOptional(),
  /** Earlier findings that the run was given and didn't find again. */
  resolved: z.array(resolutionSchema).exactOptional(),
  gaps: z.array(gapSchema),
  /** What was read in another way than usual. Notes don't change the status. */
  notes: z.array(z.string().min(1)).exactOptional(),
  /** How much of each source was examined. */
  coverage: z.array(z.strictObject({ source: z.string(), examined: z.number().int().nonnegative() })),
  /** What the coverage counts, one of them: `place`. Absent in reports of older workers. */
  counts: z.string().min(1).exactOptional(),
  /** When the run began, ISO 8601 in UTC. */
  at: z.iso.datetime(),
  durationMs: z.number().int().nonnegative(),
});

export type Report = Immutable<z.infer<typeof reportObject>>;

export const reportSchema: z.ZodType<Report> = reportObject;

/** The targets of a finding as runs compare them. Those that are replaced all the time are only numbered. */
export function comparedTargets({
  target,
  targets,
  areTargetsReplaced,
}: Pick<Finding<unknown>, 'target' | 'targets' | 'areTargetsReplaced'>): string[] | undefined {
  return targets?.map((one, index) => (areTargetsReplaced ? `${target} #${index + 1}` : one));
}

/** The same finding has the same fingerprint: in silences, in digests, and when a fix is verified. Its `targets` are compared separately. */
export function fingerprint(
  { check, environment }: Pick<Report, 'check' | 'environment'>,
  { reason, target }: Pick<Finding, 'reason' | 'target'>,
): string {
  return [check, environment, reason, target].join(' ');
}

/** The worst severity among findings; undefined if there are none. */
export function worst(findings: readonly Pick<Finding, 'severity'>[]): Severity | undefined {
  return SEVERITIES.find((severity) => findings.some((finding) => finding.severity === severity));
}

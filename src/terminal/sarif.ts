import { createHash } from 'node:crypto';
import {
  type Finding,
  type Gap,
  type Location,
  type Offer,
  type Report,
  type Severity,
} from '../check/finding.ts';
import { cleanText } from '../text/clean-text.ts';

interface SarifOptions {
  /** Where a file is, relative to the folder that was checked. Default: its path in its repository. */
  readonly pathOf?: (location: Location) => string;
}

/** https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html#_Toc34317648 */
const LEVELS = { critical: 'error', warning: 'warning', info: 'note' } as const satisfies Record<
  Severity,
  string
>;

/** The rule of places in files where it is unknown whether something is wrong. */
const UNKNOWN_RULE = 'unknown';

/**
 * A report in the Static Analysis Results Interchange Format 2.1.0: one result for each place of a finding, and one of the kind `open` for each place
 * that couldn't be judged. Whatever else couldn't be checked is a notification, and the invocation is then not successful.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function renderSarif(report: Report, { pathOf: given }: SarifOptions = {}): string {
  const pathOf = given ?? (({ path }: Location) => path);
  const bases = given ? HERE : basesOf(report);
  const results = [
    ...report.findings.flatMap((finding) => resultsOf(finding, bases, pathOf)),
    ...report.gaps.flatMap((gap) => openResult(gap, bases, pathOf)),
  ];
  const unread = report.gaps.filter(({ location }) => !location);
  const run = {
    tool: {
      driver: {
        name: 'Wrench',
        rules: rulesOf(report),
        notifications: [...new Set(unread.map(({ kind }) => kind))].map((id) => ({ id })),
      },
    },
    automationDetails: { id: `${report.check}/${report.environment}/` },
    columnKind: 'utf16CodeUnits',
    originalUriBaseIds: Object.fromEntries(
      [...bases].map(([base, id]) => [
        id,
        { description: { text: base === '' ? 'The root of the repository' : cleanText(base) } },
      ]),
    ),
    invocations: [
      {
        executionSuccessful: unread.every(({ unrelated }) => unrelated),
        startTimeUtc: report.at,
        endTimeUtc: new Date(Date.parse(report.at) + report.durationMs).toISOString(),
        toolExecutionNotifications: unread.map(notificationOf),
      },
    ],
    results: withFingerprints(results),
  };
  const log = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] };
  return `${JSON.stringify(log, null, 2)}\n`;
}

/** The ids of bases, by repository. */
type Bases = ReadonlyMap<string, string>;

const ROOT = '%SRCROOT%';
/** All paths are from the folder that was checked. */
const HERE: Bases = new Map([['', ROOT]]);

/** The repositories that places are in, each with its id. A single one is the root of what is checked, as code scanning services expect. */
function basesOf({ findings, gaps }: Report): Bases {
  const locations = [
    ...findings.flatMap((finding) => finding.locations ?? []),
    ...gaps.flatMap(({ location }) => (location ? [location] : [])),
  ];
  const repositories = [...new Set(locations.map(repositoryOf))];
  return new Map(
    repositories.map((name, at) => [name, repositories.length === 1 ? ROOT : `REPOSITORY_${at + 1}`]),
  );
}

/** `shop/api` of the target `shop/api:ci/test.sh:14`. Empty if the target names none. */
export function repositoryOf({ target, path, line }: Location): string {
  const suffix = [`:${path}:${line}`, `:${path}`].find((one) => target.endsWith(one));
  return suffix === undefined ? '' : target.slice(0, -suffix.length);
}

interface Result {
  readonly ruleId: string;
  readonly kind: 'fail' | 'open';
  readonly level: 'error' | 'warning' | 'note' | 'none';
  readonly message: { readonly text: string };
  readonly locations: readonly object[];
  readonly fixes?: readonly object[];
}

interface Placed {
  readonly result: Result;
  /** The file and its repository, however bases are numbered. */
  readonly file: string;
}

function fileOf(location: Location): string {
  return JSON.stringify([repositoryOf(location), location.path]);
}

function resultsOf(
  finding: Finding<Offer>,
  bases: Bases,
  pathOf: NonNullable<SarifOptions['pathOf']>,
): readonly Placed[] {
  const { reason, severity, target, summary, locations = [] } = finding;
  const common = { ruleId: reason, kind: 'fail', level: LEVELS[severity] } as const;
  if (locations.length === 0) {
    const place = { logicalLocations: [{ fullyQualifiedName: cleanText(target) }] };
    const result = { ...common, message: { text: cleanText(summary) }, locations: [place] };
    return [{ result, file: target }];
  }
  return locations.map((location) => {
    const artifactLocation = artifactOf(location, bases, pathOf);
    const { replacement } = location;
    const result = {
      ...common,
      message: { text: cleanText(location.message) },
      locations: [physical(location, artifactLocation)],
      ...(replacement && { fixes: [fixOf(replacement, artifactLocation)] }),
    };
    return { result, file: fileOf(location) };
  });
}

function openResult(
  { location }: Gap,
  bases: Bases,
  pathOf: NonNullable<SarifOptions['pathOf']>,
): readonly Placed[] {
  if (!location) return [];
  const result: Result = {
    ruleId: UNKNOWN_RULE,
    kind: 'open',
    level: 'none',
    message: { text: cleanText(location.message) },
    locations: [physical(location, artifactOf(location, bases, pathOf))],
  };
  return [{ result, file: fileOf(location) }];
}

function artifactOf(location: Location, bases: Bases, pathOf: NonNullable<SarifOptions['pathOf']>): object {
  return {
    uri: pathOf(location)
      .split('/')
      .map((part) => encodeURIComponent(part.toWellFormed()))
      .join('/'),
    uriBaseId: bases.get(repositoryOf(location)) ?? ROOT,
  };
}

function physical({ line, column }: Location, artifactLocation: object): object {
  return { physicalLocation: { artifactLocation, region: { startLine: line, startColumn: column } } };
}

function fixOf(
  { line, column, deletes, inserts }: NonNullable<Location['replacement']>,
  artifactLocation: object,
): object {
  const deletedRegion = {
    startLine: line,
    startColumn: column,
    endLine: line,
    endColumn: column + deletes,
  };
  return {
    description: { text: `Insert \`${inserts.trim()}\`` },
    artifactChanges: [
      { artifactLocation, replacements: [{ deletedRegion, insertedContent: { text: inserts } }] },
    ],
  };
}

function rulesOf({ findings, gaps }: Report): readonly object[] {
  const rules = new Map<string, (typeof LEVELS)[Severity]>();
  for (const { reason, severity } of findings) if (!rules.has(reason)) rules.set(reason, LEVELS[severity]);
  return [
    ...[...rules].map(([id, level]) => ({
      id,
      shortDescription: { text: sentenceOf(id) },
      defaultConfiguration: { level },
    })),
    ...(gaps.some(({ location }) => location)
      ? [{ id: UNKNOWN_RULE, shortDescription: { text: 'Unknown whether something is wrong here.' } }]
      : []),
  ];
}

/** `container-left-behind` becomes `Container left behind.` */
function sentenceOf(reason: string): string {
  const words = reason.replaceAll('-', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function notificationOf({ what, because, kind, unrelated }: Gap): object {
  return {
    level: unrelated ? 'note' : 'error',
    message: { text: `${cleanText(what)}: ${cleanText(because)}` },
    descriptor: { id: kind },
  };
}

/** The same place has the same fingerprint after lines above it have changed. Equal ones in a file are numbered. */
function withFingerprints(results: readonly Placed[]): readonly object[] {
  const seen = new Map<string, number>();
  return results.map(({ file, result }) => {
    const name = JSON.stringify([result.ruleId, file, result.message.text]);
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    const hash = createHash('sha256').update(`${name} ${nth}`).digest('hex').slice(0, 32);
    return { ...result, partialFingerprints: { 'wrenchPlace/v1': hash } };
  });
}

import { wording } from '../../kit.ts';

/** What a replica says about the build that it runs. At least one of the first four is there. */
export interface Build {
  /** Of the CI: `209`. Without leading zeros and `#`. */
  readonly number?: string;
  /** `1.0.3`, without a leading `v`. */
  readonly version?: string;
  /** In lower case, as long as it was given: `8f1c0de`. */
  readonly commit?: string;
  readonly builtAt?: Date;
  /** When its process started. */
  readonly startedAt?: Date;
}

/** The build in a response, or why it has none. */
export type ReadBuild =
  | { readonly build: Build; readonly because?: never }
  | { readonly build?: never; readonly because: string };

/** `unknown`: they have nothing in common that could be compared. */
export type Likeness = 'same' | 'different' | 'unknown';

const HEX = /^[0-9a-f]{7,64}$/;
/** Where a field is known to be a commit, four digits are enough: https://git-scm.com/docs/git-config#Documentation/git-config.txt-coreabbrev */
const ABBREVIATED = /^[0-9a-f]{4,64}$/;
const DIGITS = /^\d+$/;
/** A number that something was added to: `209-dirty`, `209-8f1c0de`. */
const EXTENDED = /^(?<number>\d+)(?:[-+_](?<extension>.+))?$/;
/** What isn't built from the commit of its number. */
const MODIFIED = /dirty|modified|local|snapshot|wip/i;
/** Clocks and formats of the same time may differ in fractions of a second. */
const SAME_TIME_MS = 1_000;

/**
 * Compares what both have: one difference is enough. Two times of one CI build or of one commit are no difference of their own: the images for several
 * architectures are built one after another.
 */
export function compareBuilds(a: Build, b: Build): Likeness {
  const isSameNumber = compareTexts(a.number, b.number) === 'same';
  const results = [
    a.number === undefined || b.number === undefined ? undefined : compareNumbers(a.number, b.number),
    compareTexts(a.version, b.version),
    a.commit === undefined || b.commit === undefined
      ? undefined
      : isSameCommit(a.commit, b.commit)
        ? 'same'
        : 'different',
  ].filter((one) => one !== undefined);
  if (results.includes('different')) return 'different';
  const isSameSource = a.commit !== undefined && b.commit !== undefined;
  if (a.builtAt && b.builtAt && !isSameNumber && !isSameSource) {
    const isSameTime = Math.abs(a.builtAt.getTime() - b.builtAt.getTime()) <= SAME_TIME_MS;
    return isSameTime ? 'same' : 'different';
  }
  if (results.includes('same')) return 'same';
  return compareAcross(a, b) ?? compareAcross(b, a) ?? 'unknown';
}

/** A number that one calls its version: `77` and `{"version":"77"}`. */
function compareAcross({ number }: Build, { version }: Build): Likeness | undefined {
  if (number === undefined || version === undefined) return undefined;
  const likeness = compareNumbers(number, version);
  return likeness === 'different' && !(EXTENDED.test(number) && EXTENDED.test(version))
    ? undefined
    : likeness;
}

/** What `209-8f1c0de` has besides its number may be its commit, so that it can be 209; `209-dirty` is another build. */
function compareNumbers(one: string, other: string): Likeness {
  if (one === other) return 'same';
  const [a, b] = [EXTENDED.exec(one)?.groups, EXTENDED.exec(other)?.groups];
  if (!a || !b || a['number'] !== b['number']) return 'different';
  const [first, second] = [a['extension'] ?? '', b['extension'] ?? ''];
  if (first !== '' && second !== '') return 'different';
  return MODIFIED.test(first + second) ? 'different' : 'unknown';
}

function compareTexts(one: string | undefined, other: string | undefined): Likeness | undefined {
  if (one === undefined || other === undefined) return undefined;
  return one === other ? 'same' : 'different';
}

/** A commit may be abbreviated: https://git-scm.com/docs/git-rev-parse#_specifying_revisions */
function isSameCommit(one: string, other: string): boolean {
  if (!ABBREVIATED.test(one) || !ABBREVIATED.test(other)) return one === other;
  return one.startsWith(other) || other.startsWith(one);
}

/** Whether a build is the expected one: `209`, `v1.0.3`, `8f1c0de`. */
export function compareWithExpected(build: Build, expected: string): Likeness {
  const { number, version, commit } = build;
  const plain = plainText(expected);
  const wanted = plainNumber(plain);
  if (number !== undefined && number === wanted) return 'same';
  if (version !== undefined && isExpectedVersion(version, plainVersion(plain))) return 'same';
  const lower = plain.toLowerCase();
  if (HEX.test(lower) && commit?.startsWith(lower)) return 'same';
  // Digits alone are a number if there is one to compare with.
  const mayBeCommit = HEX.test(lower) && !(DIGITS.test(lower) && number !== undefined);
  if (mayBeCommit && commit !== undefined) return isSameCommit(commit, lower) ? 'same' : 'different';
  if (DIGITS.test(wanted)) {
    if (number !== undefined) return compareNumbers(number, wanted);
    return version !== undefined && EXTENDED.test(version) ? compareNumbers(version, wanted) : 'unknown';
  }
  // A commit without letters was read as a number.
  if (mayBeCommit && number !== undefined && HEX.test(number) && lower.startsWith(number)) return 'same';
  if (isVersion(plain)) return version === undefined ? 'unknown' : 'different';
  if (mayBeCommit) return 'unknown';
  return number !== undefined || version !== undefined ? 'different' : 'unknown';
}

/**
 * What follows `+` names the same version: https://semver.org/#spec-item-10. Labels and tags can't have a `+`, and have `_` or `-` instead. An expected
 * version that says more must agree in all of it.
 */
function isExpectedVersion(version: string, expected: string): boolean {
  return (
    version === expected ||
    version.split('+', 1)[0] === expected ||
    (version.includes('+') && [version.replaceAll('+', '_'), version.replaceAll('+', '-')].includes(expected))
  );
}

function isVersion(text: string): boolean {
  return /^v?\d+(\.\d+)+/i.test(text);
}

export function plainText(text: string): string {
  return text.trim();
}

/** `0077`, `#77` and `v77` are 77. */
export function plainNumber(text: string): string {
  const plain = plainText(text).replace(/^(?:#|v(?=\d+$))/i, '');
  return DIGITS.test(plain) ? plain.replace(/^0+(?=\d)/, '') : plain;
}

/** `v1.0.3` and `1.0.3` are one version: tags in git often have the letter, and what is built from them does not. */
export function plainVersion(text: string): string {
  return plainText(text).replace(/^v(?=\d)/i, '');
}

/** Whether a text has the form of a commit, and not only of a number. */
export function looksLikeCommit(text: string): boolean {
  return HEX.test(text.toLowerCase()) && /[a-f]/i.test(text);
}

/** `209`, `1.0.3, commit 4c1be90`. */
export function buildInWords({ number, version, commit, builtAt }: Build): string {
  const parts = [
    ...(version === undefined ? [] : [version]),
    ...(number === undefined ? [] : [version === undefined ? number : `build ${number}`]),
    ...(commit === undefined ? [] : [`commit ${commit.slice(0, 12)}`]),
  ];
  if (parts.length > 0) return parts.join(', ');
  return builtAt ? `built ${wording.utcTime(builtAt)}` : 'unknown';
}

/** The same with the time at which it was built, to tell two builds with one version apart. */
export function buildWithTime(build: Build): string {
  const { builtAt } = build;
  const words = buildInWords(build);
  return !builtAt || words.startsWith('built ') ? words : `${words}, built ${wording.utcTime(builtAt)}`;
}

export interface BuildGroup<T> {
  readonly build: Build;
  readonly members: readonly T[];
}

export interface GroupedBuilds<T> {
  /** Any two of them are different. The largest comes first. */
  readonly groups: readonly BuildGroup<T>[];
  /** What can't be compared with the others, or is the same as several of them. */
  readonly incomparable: readonly T[];
}

/** Groups replicas that run the same build. */
export function groupBuilds<T>(all: readonly T[], buildOf: (one: T) => Build): GroupedBuilds<T> {
  const equal = [...Map.groupBy(all, (one) => keyOf(buildOf(one))).values()].toSorted(
    ([a], [b]) => detailOf(buildOf(b!)) - detailOf(buildOf(a!)),
  );
  const groups: { readonly builds: Build[]; readonly members: T[] }[] = [];
  const incomparable: T[] = [];
  for (const members of equal) {
    const build = buildOf(members[0]!);
    const likenesses = groups.map(({ builds }) => likenessTo(build, builds));
    const same = groups.filter((_, at) => likenesses[at] === 'same');
    if (same.length === 1 && !likenesses.includes('unknown')) {
      same[0]!.builds.push(build);
      same[0]!.members.push(...members);
    } else if (likenesses.every((one) => one === 'different')) groups.push({ builds: [build], members });
    else incomparable.push(...members);
  }
  return {
    groups: groups
      .toSorted((a, b) => b.members.length - a.members.length)
      .map(({ builds, members }) => ({ build: builds[0]!, members })),
    incomparable,
  };
}

function likenessTo(build: Build, builds: readonly Build[]): Likeness {
  const all = builds.map((one) => compareBuilds(build, one));
  if (all.includes('different')) return 'different';
  return all.includes('same') ? 'same' : 'unknown';
}

function keyOf({ number, version, commit, builtAt }: Build): string {
  return JSON.stringify([number, version, commit, builtAt?.getTime()]);
}

function detailOf({ number, version, commit, builtAt }: Build): number {
  return [number, version, commit, builtAt].filter((one) => one !== undefined).length;
}

/** A number or version that no one has set: 0 is the default of a number in many languages. */
export function isDefault(text: string): boolean {
  return /^(?:0+(?:\.0+)*|n\/?a|none|null|undefined|unknown|unset|unspecified|dev(?:el(?:opment)?)?|\(devel\)|local|head|latest|-+|\?+|@.*@|.*[$%]\{?\(?\w+[)}%]?.*)$/i.test(
    text.trim(),
  );
}

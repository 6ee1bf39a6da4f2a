import { z } from 'zod';
import {
  type Build,
  isDefault,
  looksLikeCommit,
  plainNumber,
  plainVersion,
  type ReadBuild,
} from './build.ts';

type Field = 'number' | 'version' | 'commit' | 'builtAt' | 'startedAt' | 'build';

type JsonObject = Readonly<Record<string, unknown>>;

/** By the name of the key in lower case, without separators. `build` may be anything. */
const FIELDS: Readonly<Record<string, Field>> = {
  buildnumber: 'number',
  buildnum: 'number',
  buildno: 'number',
  buildid: 'number',
  cibuildnumber: 'number',
  build: 'build',
  version: 'version',
  appversion: 'version',
  applicationversion: 'version',
  serviceversion: 'version',
  buildversion: 'version',
  gitbuildversion: 'version',
  releaseversion: 'version',
  gitversion: 'version',
  release: 'version',
  commit: 'commit',
  commitid: 'commit',
  commitsha: 'commit',
  commithash: 'commit',
  gitcommit: 'commit',
  gitcommitid: 'commit',
  gitcommithash: 'commit',
  gitcommitsha: 'commit',
  gitsha: 'commit',
  githash: 'commit',
  gitrevision: 'commit',
  sha: 'commit',
  revision: 'commit',
  vcsrevision: 'commit',
  builtat: 'builtAt',
  buildtime: 'builtAt',
  builddate: 'builtAt',
  buildtimestamp: 'builtAt',
  startedat: 'startedAt',
  starttime: 'startedAt',
  processstartedat: 'startedAt',
};

/** Objects that describe the program itself. Those of others (`java`, `os`, `dependencies`) also have versions. */
const OF_PROGRAM: ReadonlySet<string> = new Set(
  'meta metadata build buildinfo info app application service data about diagnostics product version release git scm vcs'.split(
    ' ',
  ),
);

/** What is never about the program itself, whatever its keys are. */
const OF_OTHERS: ReadonlySet<string> = new Set(
  'java jvm os kernel runtime dotnet node python go ruby php framework dependencies components checks details database db'.split(
    ' ',
  ),
);

/** What keys mean only within one of these. */
const WITHIN: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  build: { number: 'number', id: 'number', time: 'builtAt', timestamp: 'builtAt', date: 'builtAt' },
  buildinfo: { number: 'number', id: 'number', time: 'builtAt', date: 'builtAt' },
  version: { number: 'version', name: 'version' },
  commit: { id: 'commit', sha: 'commit', hash: 'commit' },
  git: { hash: 'commit', id: 'commit' },
};

const MAX_TEXT_LENGTH = 200;
const MAX_KEYS = 1_000;
/** No build has anything else, such as terminal sequences. */
const PRINTABLE = /^[\p{L}\p{N}\p{P}\p{S} ]+$/u;

/** Reads a build from the JSON of Spring Boot's `info`, Mozilla's `__version__`, ASP.NET, or a health check. Fields that contradict each other are no build. */
export function readBuildObject(json: JsonObject): ReadBuild {
  const found = new Candidates();
  collectFrom(json, undefined, 0, found);
  const { build, contradiction } = found.result();
  if (contradiction !== undefined)
    return { because: `its response gives several values for its ${contradiction}` };
  const { startedAt, ...own } = build;
  if (Object.keys(own).length > 0) return { build };
  if (found.hasDefault) return { because: `its response has a build that was never set` };
  return { because: startedAt ? 'its response only says when it started' : 'its response has no build' };
}

function collectFrom(json: JsonObject, within: string | undefined, depth: number, found: Candidates): void {
  for (const [key, value] of Object.entries(json).slice(0, MAX_KEYS)) {
    const word = key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
    const field = WITHIN[within ?? '']?.[word] ?? fieldOf(word, within);
    if (isObject(value)) {
      const isCommit = field === 'commit' || word === 'commit';
      if (isCommit) collectCommit(value, found);
      else if (depth < 2 && !OF_OTHERS.has(word) && (OF_PROGRAM.has(word) || depth === 0))
        collectFrom(value, OF_PROGRAM.has(word) ? word : OTHER, depth + 1, found);
    } else if (field !== undefined && (depth < 2 || within === 'build')) found.add(field, value);
  }
}

/** Marks objects that may be about something else than the program. */
const OTHER = '(other)';

/** `buildNumber` is clear everywhere; `version` only in what is about the program. */
function fieldOf(word: string, within: string | undefined): Field | undefined {
  const field = FIELDS[word];
  return within === OTHER && !word.startsWith('buildnum') ? undefined : field;
}

/** `{"id":"4c1be90"}`, or with `management.info.git.mode=full`, `{"id":{"abbrev":"4c1be90","full":"4c1be90…"}}`. */
function collectCommit(commit: JsonObject, found: Candidates): void {
  for (const key of ['id', 'sha', 'hash']) {
    const value = commit[key];
    if (isObject(value)) found.add('commit', value['full'] ?? value['abbrev']);
    else if (value !== undefined) found.add('commit', value);
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Candidates {
  hasDefault = false;
  #contradiction: string | undefined;
  readonly #found: { -readonly [Key in keyof Build]: Build[Key] } = {};

  add(field: Field, value: unknown): void {
    if (typeof value !== 'string' && typeof value !== 'number') return;
    const text = String(value).trim();
    if (text.length > MAX_TEXT_LENGTH || !PRINTABLE.test(text)) return;
    if (field === 'builtAt' || field === 'startedAt') return this.#setTime(field, value);
    if (isDefault(text)) {
      this.hasDefault = true;
      return;
    }
    if (field !== 'build') return this.#set(field, PLAIN[field](text));
    if (/^https?:\/\//i.test(text)) {
      const number = numberInAddress(text);
      if (number !== undefined) this.#set('number', number);
    } else if (readTime(text)) this.#setTime('builtAt', text);
    else if (looksLikeCommit(text)) this.#set('commit', PLAIN.commit(text));
    else if (/^v?\d+\.\d/.test(text)) this.#set('version', plainVersion(text));
    else this.#set('number', plainNumber(text));
  }

  result(): { readonly build: Build; readonly contradiction?: string } {
    return {
      build: this.#found,
      ...(this.#contradiction !== undefined && { contradiction: this.#contradiction }),
    };
  }

  #set(field: 'number' | 'version' | 'commit', text: string): void {
    const known = this.#found[field];
    // One object may have a commit in full and abbreviated.
    const isSame =
      field === 'commit' && known !== undefined && (text.startsWith(known) || known.startsWith(text));
    if (known !== undefined && known !== text && !isSame) this.#contradiction ??= field;
    if (known === undefined || (isSame && text.length > known.length)) this.#found[field] = text;
  }

  #setTime(field: 'builtAt' | 'startedAt', value: string | number): void {
    const time = readTime(value);
    const known = this.#found[field];
    if (!time) return;
    if (known && known.getTime() !== time.getTime())
      this.#contradiction ??= field === 'builtAt' ? 'build time' : 'start time';
    this.#found[field] ??= time;
  }
}

const PLAIN = {
  // A number that was printed as a fraction: `209.0`.
  number: (text: string) => numberInAddress(text) ?? plainNumber(text.replace(/^(\d+)\.0+$/, '$1')),
  version: plainVersion,
  commit: (text: string) => text.toLowerCase(),
} as const;

/** `8812` of `https://ci.example/push/8812` and of `https://ci.example/job/push/8812/console`. */
function numberInAddress(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined;
  const segments = text
    .replace(/[?#].*$/, '')
    .split('/')
    .slice(3)
    .filter(Boolean);
  const last = segments.at(-1) ?? '';
  const chosen = /\d/.test(last) ? last : segments.findLast((one) => /^\d+$/.test(one));
  return chosen === undefined ? undefined : plainNumber(chosen);
}

/** From 2000 to 2100: other numbers are no times. */
const EARLIEST_MS = 946_684_800_000;
const LATEST_MS = 4_102_444_800_000;

/** With its zone, or in seconds or milliseconds since 1970. A time without a zone may be hours off. */
function readTime(value: string | number): Date | undefined {
  const text = String(value);
  const isZoned = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)$/i.test(text);
  const isNumber = /^\d{10,13}(\.\d+)?$/.test(text);
  if (!isNumber && !isZoned) return undefined;
  const { data: time } = z.coerce
    .date()
    .safeParse(
      isNumber
        ? Number(text) * (Number(text) < 100_000_000_000 ? 1_000 : 1)
        : text.replace(' ', 'T').replace(/([+-]\d\d)(\d\d)$/, '$1:$2'),
    );
  return time && time.getTime() >= EARLIEST_MS && time.getTime() <= LATEST_MS ? time : undefined;
}

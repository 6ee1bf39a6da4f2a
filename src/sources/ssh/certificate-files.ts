import { basename } from 'node:path';
import { MAX_CERTIFICATE_FILE_BYTES } from '../../wire/certificate-commands.ts';
import { namesCertificateFile, namesPemFile } from '../../wire/certificate-names.ts';
import { findCertificates, sizeInWords } from '../../wire/find-certificates.ts';
import type { FoundChain } from '../../wire/found-content.ts';

/** A file as a filter on the host printed it: without keys. */
export interface FilteredFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAt?: Date;
  /** What the filter printed. Empty if it didn't run. */
  readonly printed: string;
  readonly state: 'read' | 'unreadable' | 'link-to-nothing';
}

/** What a file contains, at places like `#2` or `#client-certificate`. */
export interface FileCertificates {
  readonly path: string;
  readonly modifiedAt?: Date;
  readonly chains: readonly FoundChain[];
  readonly problems: readonly FileProblem[];
  /** Files that it refers to instead of containing their content, by the place of the reference. */
  readonly references: readonly { readonly at: string; readonly path: string }[];
}

export interface FileProblem {
  readonly at: string;
  readonly kind: 'refused' | 'malformed' | 'missing';
  readonly because: string;
}

/** What a file of one kind contains, from what its filter printed. */
export type ReadFiltered = (file: FilteredFile) => Omit<FileCertificates, 'path' | 'modifiedAt'>;

const HEADER =
  /^=(?:(?<seconds>-?\d{1,12}),(?<bytes>\d{1,15}),(?<path>\/.*)|(?<mark>[-!]) (?<named>\/.*))$/gm;

/** Parses what a command that reads certificates printed. undefined if it isn't understood. */
export function parseFilteredFiles(text: string): readonly FilteredFile[] | undefined {
  const headers = [...text.matchAll(HEADER)];
  if (text.slice(0, headers[0]?.index).trim() !== '') return undefined;
  const files = new Map<string, FilteredFile>();
  for (const [at, { groups = {}, index, 0: line }] of headers.entries()) {
    const { seconds, bytes, path, mark, named = '' } = groups;
    const printed = text.slice(index + line.length + 1, headers[at + 1]?.index);
    if (path !== undefined)
      files.set(path, {
        path,
        bytes: Number(bytes),
        modifiedAt: new Date(Number(seconds) * 1000),
        printed,
        state: 'read',
      });
    else
      files.set(named, {
        ...(files.get(named) ?? { path: named, bytes: 0 }),
        printed: '',
        state: mark === '!' ? 'unreadable' : 'link-to-nothing',
      });
  }
  return [...files.values()];
}

/** What a file contains, or why that isn't known. */
export function fileCertificatesIn(
  file: FilteredFile,
  { read, asRoot }: { readonly read: ReadFiltered; readonly asRoot: boolean },
): FileCertificates {
  const { path, modifiedAt } = file;
  const facts = { path, ...(modifiedAt && { modifiedAt }) };
  const problem = problemOf(file, asRoot);
  if (problem) return { ...facts, ...NOTHING, problems: [{ at: '', ...problem }] };
  return { ...facts, ...read(file) };
}

const NOTHING = { chains: [], problems: [], references: [] };

function problemOf(
  { state, bytes, printed }: FilteredFile,
  asRoot: boolean,
): Pick<FileProblem, 'kind' | 'because'> | undefined {
  if (state === 'unreadable' && asRoot) return { kind: 'malformed', because: "it couldn't be read" };
  if (state === 'unreadable')
    return { kind: 'refused', because: "the user can't read it: add `certificates` to `sudo`" };
  if (state === 'link-to-nothing')
    return { kind: 'missing', because: 'it is a link to a file that is missing' };
  if (bytes > MAX_CERTIFICATE_FILE_BYTES)
    return {
      kind: 'malformed',
      because: `it is larger than ${sizeInWords(MAX_CERTIFICATE_FILE_BYTES)}, and was not read`,
    };
  if (printed === '' && bytes > 0) return { kind: 'malformed', because: "it isn't a regular file" };
  return undefined;
}

const PEM_PART = /~(?<kind>[+!o])(?<body>[^~]*)~-/g;
/** No certificate is as short. Jobs have empty files for what isn't configured. */
const LEAST_BYTES = 64;

/** Of a file in PEM. @param mayBeEmpty whether a file without content is expected */
export function readFilteredPem({ mayBeEmpty }: { readonly mayBeEmpty: boolean }): ReadFiltered {
  return ({ path, bytes, printed }) => {
    const parts = [...printed.matchAll(PEM_PART)].map(({ groups = {} }) => groups);
    const found = chainsIn(parts.flatMap(({ kind, body }) => (kind === '+' ? [body ?? ''] : [])));
    const broken = parts.some(({ kind }) => kind === '!')
      ? [malformed('', "it contains a certificate that isn't complete")]
      : [];
    const problems = [...found.problems, ...broken];
    if (found.chains.length + problems.length > 0) return { ...NOTHING, ...found, problems };
    if (bytes < LEAST_BYTES && mayBeEmpty) return NOTHING;
    const name = basename(path);
    // `.pem` is used for keys too.
    if (!namesCertificateFile(name) && (!namesPemFile(name) || parts.length > 0)) return NOTHING;
    const because = bytes === 0 ? 'it is empty' : 'it contains no certificate in PEM';
    return { ...NOTHING, problems: [malformed('', because)] };
  };
}

const KUBECONFIG_PART =
  /~(?<name>client-certificate|certificate-authority)(?<data>-data)?:(?<value>[^~]*)~-/g;

/** Of a kubeconfig: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/ */
export const readFilteredKubeconfig: ReadFiltered = ({ printed }) => {
  const counts = new Map<string, number>();
  const parts = [...printed.matchAll(KUBECONFIG_PART)].flatMap(({ groups = {} }) => {
    const { name = '', data, value = '' } = groups;
    if (value === '') return [];
    const number = (counts.get(name) ?? 0) + 1;
    counts.set(name, number);
    return [{ at: `#${name}${number === 1 ? '' : `-${number}`}`, isData: data !== undefined, value }];
  });
  const isNoPath = ({ isData, value }: (typeof parts)[number]): boolean => !isData && !value.startsWith('/');
  const embedded = parts
    .filter(({ isData }) => isData)
    .map(({ at, value }) => {
      const isPlain = /^[A-Za-z0-9+/]+={0,2}$/.test(value);
      const found = isPlain ? findIn(Buffer.from(value, 'base64')) : NOTHING;
      const problems =
        found.chains.length + found.problems.length === 0
          ? [malformed('', "its data isn't a certificate in PEM and base64")]
          : found.problems;
      return placedAt(at, { ...NOTHING, ...found, problems });
    });
  return {
    chains: embedded.flatMap(({ chains }) => chains),
    problems: [
      ...embedded.flatMap(({ problems }) => problems),
      ...parts.filter(isNoPath).map(({ at }) => malformed(at, "it isn't an absolute path")),
    ],
    references: parts
      .filter((part) => !part.isData && !isNoPath(part))
      .map(({ at, value }) => ({ at, path: value })),
  };
};

const SETTINGS_PART = /~(?<kind>[+!{},]|[a-z]+)(?<body>[^~]*)~-/g;

/**
 * Of the settings of a BOSH agent: the certificate with which it connects to NATS. Once the director has updated it, `update_settings.json` has the one
 * that is used: https://github.com/cloudfoundry/bosh-agent/blob/main/settings/settings.go
 */
export const readFilteredSettings: ReadFiltered = ({ path, printed }) => {
  const cert = basename(path) === 'update_settings.json' ? 'mbus.cert' : 'env.bosh.mbus.cert';
  const found = { [`${cert}.certificate`]: [] as string[], [`${cert}.ca`]: [] as string[] };
  const open: string[] = [];
  let key = '';
  let isBroken = false;
  for (const { groups = {} } of printed.matchAll(SETTINGS_PART)) {
    const { kind = '', body = '' } = groups;
    const at = [...open.slice(1), key].join('.');
    if (kind === '{') {
      open.push(key);
      key = '';
    } else if (kind === '}') {
      open.pop();
      key = '';
    } else if (kind === ',') key = '';
    else if (kind === '+') found[at]?.push(body);
    else if (kind === '!') isBroken ||= at in found;
    else key = kind;
  }
  const parts = [
    placedAt('#mbus', chainsIn(found[`${cert}.certificate`] ?? [])),
    placedAt('#mbus-ca', chainsIn(found[`${cert}.ca`] ?? [])),
  ];
  return {
    chains: parts.flatMap(({ chains }) => chains),
    problems: [
      ...parts.flatMap(({ problems }) => problems),
      ...(isBroken ? [malformed('#mbus', "it contains a certificate that isn't complete")] : []),
    ],
    references: [],
  };
};

type Found = Pick<FileCertificates, 'chains' | 'problems'>;

/** @param bodies what is between the lines of PEM, also with written-out line breaks */
function chainsIn(bodies: readonly string[]): Found {
  return findIn(
    bodies.map((body) => `-----BEGIN CERTIFICATE-----${body}-----END CERTIFICATE-----\n`).join(''),
  );
}

function findIn(content: string | Buffer): Found {
  const { certificates, unreadable } = findCertificates(content);
  return { chains: certificates, problems: unreadable.map(({ at, because }) => malformed(at, because)) };
}

function placedAt<T extends Found>(prefix: string, found: T): T {
  const placed = <P extends { readonly at: string }>(one: P): P => ({ ...one, at: prefix + one.at });
  return { ...found, chains: found.chains.map(placed), problems: found.problems.map(placed) };
}

function malformed(at: string, because: string): FileProblem {
  return { at, kind: 'malformed', because };
}

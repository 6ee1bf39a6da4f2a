import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import type { SavedSample } from '../../src/check/remembers.ts';
import { type BuildCase, buildCaseSchema } from './build-case.ts';
import { caseNameOf, type CertificateCase, certificateCaseSchema } from './certificate-case.ts';

const answerSchema = z.object({
  /** `cluster:<name>` or `engine:<name>`. */
  from: z.string().regex(/^(cluster|engine):./, 'must be cluster:<name> or engine:<name>'),
  /** `GET /api/v1/nodes`. Without a query, it matches any query. */
  request: z.string().regex(/^[A-Z]+ \//, 'must be METHOD /path'),
  status: z.int().min(100).max(599),
  /** JSON; a string is sent as plain text. */
  body: z.unknown(),
});

const caseSchema = z.object({
  case: z.string().min(1),
  /** One check, or several joined by ` + `. */
  check: z.string().min(1),
  now: z.iso.datetime(),
  answers: z.array(answerSchema),
  /** Samples of earlier runs, for a check that remembers: each with its time, or all `containers` of a run together. */
  earlier: z.array(z.looseObject({ at: z.string() })).exactOptional(),
});

/** What a host or a service responded to one question. */
const spokenSchema = z.object({
  /** A host, or a service such as `neutron`. */
  of: z.string().min(1),
  /** What was asked, as people write it: a command line, `GET /v2.0/networks`, `switch messages, last 2 h`. */
  ask: z.string().min(1),
  /** The exit code of a command. Default 0. */
  rc: z.int().nullish(),
  /** The HTTP status. Default 200. */
  status: z.int().min(100).max(599).nullish(),
  json: z.unknown().optional(),
  text: z.string().nullish(),
});

/** The form of the cases of hosts, whose questions are written in words. */
const spokenCaseSchema = z.object({
  id: z.string().min(1),
  /** As typed in Slack: `/net mtu`. Several are joined by ` + `. */
  check: z.string().min(1),
  environment: z.string().min(1).exactOptional(),
  now: z.iso.datetime(),
  answers: z.array(spokenSchema),
});

/** The answers of servers, the checks to run, and the time. */
export interface CaseFile extends z.output<typeof caseSchema> {
  readonly environment?: string;
  /** The answers of hosts and services. */
  readonly spoken?: readonly SpokenAnswer[];
  /** The answers of servers with certificates. */
  readonly certificates?: CertificateCase;
  /** The answers of the replicas of a service. */
  readonly builds?: BuildCase;
  /** The absolute path of a pipeline file, which is a case of its own. */
  readonly pipeline?: string;
}
export type CaseAnswer = CaseFile['answers'][number];
export type SpokenAnswer = z.output<typeof spokenSchema>;

/** Thrown if the file cannot be read or is not a case file; the message says why. */
export class CaseFileError extends Error {}

/** @throws {CaseFileError} */
export async function readCaseFile(path: string): Promise<CaseFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CaseFileError(
      `${path}: ${error.code === 'ENOENT' ? 'no such file' : `cannot be read (${error.code})`}`,
    );
  });
  return path.endsWith('.json') ? parseCaseFile(text, path) : pipelineCase(path);
}

/** A Jenkinsfile, a shell script and the like: anything that isn't JSON. The time says nothing about it. */
function pipelineCase(path: string): CaseFile {
  return {
    case: basename(path),
    check: 'ci/docker-run',
    now: '2026-11-26T12:00:00Z',
    answers: [],
    pipeline: resolve(path),
  };
}

function parseCaseFile(text: string, path: string): CaseFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    const [problem] = (error as Error).message.split('\n');
    throw new CaseFileError(`${path}: not valid JSON: ${problem}`);
  }
  const parsed = schemaOf(content, path).safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue!.path.length > 0 ? `${issue!.path.join('.')}: ` : '';
  const problem = issue!.message.endsWith('received undefined') ? 'missing' : issue!.message;
  throw new CaseFileError(`${path}: not a case file: ${at}${problem}`);
}

function schemaOf(content: unknown, path: string): z.ZodType<CaseFile> {
  const has = (key: string): boolean => typeof content === 'object' && content !== null && key in content;
  if (isAboutBuilds(content))
    return buildCaseSchema.transform((read) => ({ case: caseNameOf(path), ...read }));
  if (has('question'))
    return certificateCaseSchema.transform((read) => ({ case: caseNameOf(path), ...read }));
  return has('id') ? spokenCaseSchema.transform(toCaseFile) : caseSchema;
}

function isAboutBuilds(content: unknown): boolean {
  const { question } = Object(content) as { readonly question?: unknown };
  return typeof question === 'string' && question.startsWith('/builds');
}

function toCaseFile({ id, answers, ...rest }: z.output<typeof spokenCaseSchema>): CaseFile {
  return { ...rest, case: id, answers: [], spoken: answers };
}

/** The checks that a case names, joined by ` + `: `node/leftovers + node/disk`. */
export function checksOf({ check }: CaseFile): readonly string[] {
  return check.split(' + ').map((name) => name.trim());
}

/** The samples of earlier runs, one by one. */
export function samplesIn({ earlier = [] }: CaseFile): readonly SavedSample[] {
  return earlier.flatMap(({ at, containers, ...fields }) =>
    Array.isArray(containers)
      ? containers.map((sample: object) => ({ at, ...sample }))
      : [{ at, ...fields, ...(containers !== undefined && { containers }) }],
  );
}

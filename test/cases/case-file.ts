import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { SavedSample } from '../../src/check/remembers.ts';

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

/** The answers of servers, the checks to run, and the time. */
export type CaseFile = z.output<typeof caseSchema>;
export type CaseAnswer = CaseFile['answers'][number];

/** Thrown if the file cannot be read or is not a case file; the message says why. */
export class CaseFileError extends Error {}

/** @throws {CaseFileError} */
export async function readCaseFile(path: string): Promise<CaseFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CaseFileError(
      `${path}: ${error.code === 'ENOENT' ? 'no such file' : `cannot be read (${error.code})`}`,
    );
  });
  return parseCaseFile(text, path);
}

function parseCaseFile(text: string, path: string): CaseFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    const [problem] = (error as Error).message.split('\n');
    throw new CaseFileError(`${path}: not valid JSON: ${problem}`);
  }
  const parsed = caseSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue!.path.length > 0 ? `${issue!.path.join('.')}: ` : '';
  const problem = issue!.message.endsWith('received undefined') ? 'missing' : issue!.message;
  throw new CaseFileError(`${path}: not a case file: ${at}${problem}`);
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

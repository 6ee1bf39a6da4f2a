import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const answerSchema = z.object({
  /** `cluster:<name>` or `engine:<name>`. */
  from: z.string().regex(/^(cluster|engine):./, 'must be cluster:<name> or engine:<name>'),
  /** `GET /api/v1/nodes`. A query counts only where it is given. */
  request: z.string().regex(/^[A-Z]+ \//, 'must be METHOD /path'),
  status: z.int().min(100).max(599),
  /** JSON, or a string for plain text. */
  body: z.unknown(),
});

const caseSchema = z.object({
  case: z.string().min(1),
  /** One check, or several that are joined by ` + `. */
  check: z.string().min(1),
  now: z.iso.datetime(),
  answers: z.array(answerSchema),
  /** What earlier runs saw, for a check that remembers. */
  earlier: z.array(z.looseObject({ at: z.string() })).exactOptional(),
});

/** What servers answer, and which check is asked when. */
export type CaseFile = z.output<typeof caseSchema>;
export type CaseAnswer = CaseFile['answers'][number];

/** A file that cannot be read or is of another form; the message says what is wrong with it. */
export class CaseFileError extends Error {}

/** @throws {CaseFileError} */
export async function readCaseFile(path: string): Promise<CaseFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CaseFileError(`${path}: ${error.code === 'ENOENT' ? 'no such file' : error.message}`);
  });
  return parseCaseFile(text, path);
}

function parseCaseFile(text: string, path: string): CaseFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    const [problem] = (error as Error).message.split('\n');
    throw new CaseFileError(`${path}: not JSON: ${problem}`);
  }
  const parsed = caseSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue!.path.length > 0 ? `${issue!.path.join('.')}: ` : '';
  throw new CaseFileError(`${path}: not a case file: ${at}${issue!.message}`);
}

/** `node/leftovers + node/disk`. */
export function checksOf({ check }: CaseFile): readonly string[] {
  return check.split(' + ').map((name) => name.trim());
}

import { parseArgs } from 'node:util';
import { type CaseFile, CaseFileError, readCaseFile } from './case-file.ts';
import { type CaseResult, NO_SUCH_CHECK, runCase } from './run-case.ts';

const USAGE = 'Usage: npm run case -- [--direct] FILE...';
const EXIT_USAGE = 64;

/**
 * Serves case files, runs the checks that they name, and prints the reports as JSON: an array if there are
 * several. The exit code is 0 if every case ran, whatever the checks found.
 */
async function main(words: readonly string[]): Promise<number> {
  const asked = parseWords(words);
  if (typeof asked === 'string') return complain(`${asked}\n${USAGE}`);
  const results: CaseResult[] = [];
  let exitCode = 0;
  for (const path of asked.paths) {
    const file = await readCaseFile(path).catch((error: unknown) => {
      if (!(error instanceof CaseFileError)) throw error;
      return error;
    });
    if (file instanceof CaseFileError) {
      exitCode = complain(file.message);
      continue;
    }
    let ran: readonly CaseResult[];
    try {
      ran = await runCase(file, { kubelets: asked.direct ? 'direct' : 'proxy' });
    } catch (error) {
      // A bug that one case triggers must not hide the others.
      process.stderr.write(`${path}: ${error instanceof Error ? error.stack : String(error)}\n`);
      exitCode = 1;
      continue;
    }
    results.push(...ran);
    if (ran.every((result) => 'error' in result)) exitCode = complain(noneKnown(path, file));
  }
  if (results.length > 0)
    process.stdout.write(`${JSON.stringify(results.length === 1 ? results[0] : results, null, 2)}\n`);
  return exitCode;
}

function parseWords(words: readonly string[]): { direct: boolean; paths: readonly string[] } | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { direct: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    return positionals.length > 0
      ? { direct: values.direct, paths: positionals }
      : 'A case file is required.';
  } catch (error) {
    return (error as Error).message;
  }
}

function noneKnown(path: string, { check }: CaseFile): string {
  return `${path}: ${NO_SUCH_CHECK}: ${check}`;
}

function complain(message: string): number {
  process.stderr.write(`${message}\n`);
  return EXIT_USAGE;
}

process.exitCode = await main(process.argv.slice(2));

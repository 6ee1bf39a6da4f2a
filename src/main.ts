import { readEnvironment } from './config/read-config.ts';
import type { Terminal } from './cli/shared/terminal.ts';
import type { Faults } from './app/faults.ts';
import { makeLog } from './telemetry/log.ts';

const USAGE = `Wrench: ask the real infrastructure from an incident channel.

  wrench all                    bot and worker in one process (what \`npm start\` runs)
  wrench bot                    the role that faces Slack
  wrench worker                 the role that touches the infrastructure
  wrench run certs expiring     ask once, here: exit code 0 clear, 1 found, 2 unknown, 64 usage
      --env prod                which environment
      --json                    print the report as JSON and nothing else
  wrench doctor [--json]        look whether configuration, Redis, Slack and sources are as they should be
      --prove-posting C0123ABC  test in that channel whether Slack drops repeated messages
  wrench freeze [--because "…"] stop all applying, in every environment; \`wrench thaw\` lets it go on
  wrench audit [--since 7d] [--user U…]
                                who asked for, approved, applied or refused what
      export                    the entries as JSON lines
      verify [--file …]         check that no entry was changed, removed or added: 0 intact, 1 failed, 2 not read
  wrench help [certs expiring]  what can be asked
`;

/** The composition root: reads what is asked of the process, and starts no more than that. */
async function main([verb = 'help', ...words]: readonly string[]): Promise<number> {
  switch (verb) {
    case 'bot':
    case 'worker':
    case 'all':
      return serveUntilStopped(verb);
    case 'run':
      return runOnce(words);
    case 'doctor':
      return (await import('./cli/doctor.ts')).doctor(words, terminal());
    case 'freeze':
    case 'thaw':
      return (await import('./cli/freeze.ts')).switchFreeze(verb, words, terminal());
    case 'audit':
      return (await import('./cli/audit.ts')).audit(words, { print, error: terminal().error });
    case 'help':
    case '--help':
    case '-h':
      return words.length > 0 ? explain(words) : say(USAGE);
    default:
      process.stderr.write(`wrench: there is no \`${verb}\`\n\n${USAGE}`);
      return 64;
  }
}

async function explain(words: readonly string[]): Promise<number> {
  const { help } = await import('./cli/help.ts');
  return help(words, terminal());
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

async function runOnce(words: readonly string[]): Promise<number> {
  const { run } = await import('./cli/run.ts');
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Interrupted()));
  return run(words, terminal(), stop.signal);
}

function terminal(): Terminal {
  const { stdout, stderr } = process;
  return {
    out: (text) => stdout.write(text),
    error: (text) => stderr.write(text),
    color: stdout.isTTY && stdout.hasColors(),
    columns: stdout.columns ?? 100,
  };
}

/** Waits until it is written; ends quietly where who reads it has read enough, as `head` does. */
function print(text: string): Promise<void> {
  const { stdout } = process;
  if (stdout.listenerCount('error') === 0)
    stdout.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EPIPE' ? process.exit(0) : crash(error),
    );
  return new Promise((done) => {
    stdout.write(text, () => done());
  });
}

class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

async function serveUntilStopped(role: 'bot' | 'worker' | 'all'): Promise<number> {
  const { serve } = await import('./app/serve.ts');
  const { makeFaults } = await import('./app/faults.ts');
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stopped.resolve();
      // Asked twice, it goes at once; what it was doing is taken up by others.
      process.once(signal, () => process.exit(130));
    });
  }
  const serving = await serve(role, (guarded) => {
    faults = makeFaults(guarded, () => process.exit(EX_SOFTWARE));
  });
  await stopped.promise;
  await serving.close();
  return 0;
}

/** What an operator can mend: told in words, without a stack. */
const EXPECTED = new Set(['ConfigError', 'MissingSettings', 'NoRedis', 'SlackApiError']);

/** As sysexits.h names them. */
const EX_SOFTWARE = 70;
const EX_CONFIG = 78;

/** The last exit for anything unforeseen: through the log, which redacts. Node itself would print the error as it is. */
function crash(error: unknown): never {
  if (error instanceof Interrupted) process.exit(130);
  const { name, message, code } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const isExpected = EXPECTED.has(name ?? '') || code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL';
  const log = makeLog({ level: 'error', secrets: knownSecrets(), to: process.stderr });
  if (isExpected) process.stderr.write(`wrench: ${message}\n`);
  else log.fatal({ err: error }, 'Wrench ends');
  process.exit(isExpected ? EX_CONFIG : EX_SOFTWARE);
}

function knownSecrets(): readonly string[] {
  try {
    return readEnvironment().secrets;
  } catch {
    return [];
  }
}

/** Command-line verbs exit at once; a running role replaces these handlers. */
let faults: Faults = { uncaughtException: crash, unhandledRejection: crash };
process.on('uncaughtException', (error) => faults.uncaughtException(error));
process.on('unhandledRejection', (error) => faults.unhandledRejection(error));
process.exitCode = await main(process.argv.slice(2)).catch(crash);

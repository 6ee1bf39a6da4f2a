import { readEnvironment } from './config/read-config.ts';
import type { Terminal } from './cli/shared/terminal.ts';
import type { ProcessErrorHandlers } from './app/process-error-handlers.ts';
import { makeLog } from './telemetry/log.ts';

const USAGE = `Wrench: ask the real infrastructure from an incident channel.

  wrench all                    bot and worker in one process (what \`npm start\` runs)
  wrench bot                    the role that faces Slack
  wrench worker                 the role that touches the infrastructure
  wrench run certs expiring     ask once, here: exit code 0 clear, 1 found, 2 unknown, 64 usage
      --env prod                which environment
      --json                    print the report as JSON and nothing else
      --record FILE             also write what the sources answered to FILE, without secrets, for a bug report
  wrench doctor [--json]        look whether configuration, Redis, Slack and sources are as they should be
      --prove-posting C0123ABC  test in that channel whether Slack drops repeated messages
  wrench freeze [--because "…"] stop all applying, in every environment; \`wrench unfreeze\` lets it go on
  wrench digest list            the digests: when they run, and what they found
      run nightly               start one now; it is posted in its channel
      show nightly              what its last run found: exit codes as above
  wrench audit [--since 7d] [--user U…]
                                who asked for, approved, applied, refused or silenced what
      export                    the entries as JSON lines
      verify [--file …]         check that no entry was changed, removed or added: 0 intact, 1 failed, 2 not read
  wrench help [certs expiring]  what can be asked
`;

type Verb = (words: readonly string[]) => Promise<number>;

/** The verbs, by name. Each loads only its own modules. */
const VERBS: Readonly<Record<string, Verb>> = {
  all: () => serveUntilStopped('all'),
  bot: () => serveUntilStopped('bot'),
  worker: () => serveUntilStopped('worker'),
  run: async (words) => (await import('./cli/run.ts')).run(words, terminal(), untilInterrupted()),
  doctor: async (words) => (await import('./cli/doctor.ts')).doctor(words, terminal()),
  freeze: async (words) => (await import('./cli/freeze.ts')).freeze(words, terminal()),
  unfreeze: async (words) => (await import('./cli/freeze.ts')).unfreeze(words, terminal()),
  digest: async (words) => (await import('./cli/digest.ts')).digest(words, terminal()),
  audit: async (words) => (await import('./cli/audit.ts')).audit(words, { print, error: terminal().error }),
  help: async (words) => {
    if (words.length > 0) return (await import('./cli/help.ts')).help(words, terminal());
    terminal().out(USAGE);
    return 0;
  },
};

/** Other names of verbs. `thaw` was the name of `unfreeze` up to 0.5. */
const ALIASES: Readonly<Record<string, string>> = { thaw: 'unfreeze', '--help': 'help', '-h': 'help' };

/** Runs one verb. @returns the exit code. */
async function main([verb = 'help', ...words]: readonly string[]): Promise<number> {
  const name = ALIASES[verb] ?? verb;
  const run = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (run) return run(words);
  process.stderr.write(`wrench: there is no \`${verb}\`\n\n${USAGE}`);
  return EX_USAGE;
}

function untilInterrupted(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Interrupted()));
  return stop.signal;
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

/** Resolves when the text is written. Exits quietly if the reader has closed the pipe, as `head` does. */
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
  const { makeProcessErrorHandlers } = await import('./app/process-error-handlers.ts');
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stopped.resolve();
      // A second signal ends the process immediately. Another process takes over its work.
      process.once(signal, () => process.exit(130));
    });
  }
  const serving = await serve(role, (deps) => {
    errorHandlers = makeProcessErrorHandlers(deps, () => process.exit(EX_SOFTWARE));
  });
  await stopped.promise;
  await serving.close();
  // A connection that never opened may go on retrying: nothing waits for it.
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref();
  return 0;
}

const EXIT_WITHIN_MS = 1_000;

/** Errors that an operator can fix: printed in words, without a stack. */
const EXPECTED = new Set(['ConfigError', 'MissingSettings', 'NoRedis', 'SlackApiError']);

/** As in sysexits.h. */
const EX_USAGE = 64;
const EX_SOFTWARE = 70;
const EX_CONFIG = 78;

/** Ends the process after an unexpected error. The log redacts secrets; Node itself would print the error as it is. */
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
let errorHandlers: ProcessErrorHandlers = { uncaughtException: crash, unhandledRejection: crash };
process.on('uncaughtException', (error) => errorHandlers.uncaughtException(error));
process.on('unhandledRejection', (error) => errorHandlers.unhandledRejection(error));
process.exitCode = await main(process.argv.slice(2)).catch(crash);

import { readEnvironment } from './config/read-config.ts';
import type { Terminal } from './cli/shared/terminal.ts';
import { HELP_FLAG, unexpectedText, unknownText, usageErrorText } from './cli/shared/usage.ts';
import { type HelpPage, renderHelpPage } from './terminal/help-page.ts';
import type { ProcessErrorHandlers } from './app/process-error-handlers.ts';
import { makeLog } from './telemetry/log.ts';

type Verb = (words: readonly string[]) => Promise<number>;

/** The verbs, by name. Each loads only its own modules. */
const VERBS: Readonly<Record<string, Verb>> = {
  all: (words) => serveOrHelp('all', words),
  bot: (words) => serveOrHelp('bot', words),
  worker: (words) => serveOrHelp('worker', words),
  run: async (words) => (await import('./cli/run.ts')).run(words, terminal(), untilInterrupted()),
  doctor: async (words) => (await import('./cli/doctor.ts')).doctor(words, terminal()),
  freeze: async (words) => (await import('./cli/freeze.ts')).freeze(words, terminal()),
  unfreeze: async (words) => (await import('./cli/freeze.ts')).unfreeze(words, terminal()),
  digest: async (words) => (await import('./cli/digest.ts')).digest(words, terminal()),
  audit: async (words) => (await import('./cli/audit.ts')).audit(words, { print, error: terminal().error }),
  help: async (words) => {
    const [topic = 'help'] = words;
    const verb = verbNamed(topic);
    if (verb && verb !== VERBS['help']) return verb(['--help']);
    if (!verb) return (await import('./cli/help.ts')).help(words, terminal());
    terminal().out(renderHelpPage(HELP));
    return 0;
  },
};

const ROLE_SUMMARIES = {
  all: 'Run the bot and the worker in one process',
  bot: 'Run the bot, which talks to Slack',
  worker: 'Run the worker, which runs checks and applies fixes',
};

const HELP: HelpPage = {
  about:
    "Wrench checks your platform from Slack or a terminal, and fixes what's wrong once someone approves.",
  usage: ['wrench COMMAND [flags]'],
  lists: {
    'Start Wrench': ROLE_SUMMARIES,
    'Commands for a terminal': {
      run: 'Run one check',
      digest: 'List digests, run one now, or show what its last run found',
      audit: 'Show, export or verify who requested, approved and applied what',
      freeze: 'Stop all fixes in every environment',
      unfreeze: 'Let fixes run again',
      doctor: "Check the configuration, Redis, Slack and the sources, and show how to fix what's wrong",
      help: 'Show the help of a command or a check',
    },
  },
  examples: ['wrench doctor', 'wrench run certs expiring --env prod', 'wrench help certs expiring'],
  more: 'Run `wrench COMMAND --help` for the flags of a command.',
};

/** Other names of verbs. `thaw` was the name of `unfreeze` up to 0.5. */
const ALIASES: Readonly<Record<string, string>> = { thaw: 'unfreeze', '--help': 'help', '-h': 'help' };

function verbNamed(word: string): Verb | undefined {
  const name = ALIASES[word] ?? word;
  return Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
}

/** Runs one verb. @returns the exit code. */
async function main([verb = 'help', ...words]: readonly string[]): Promise<number> {
  const run = verbNamed(verb);
  if (run) return run(words);
  process.stderr.write(usageErrorText(unknownText('command', verb, Object.keys(VERBS))));
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
    out: (text) => {
      if (stdout.listenerCount('error') === 0) stdout.on('error', ignoreClosedPipe);
      stdout.write(text);
    },
    error: (text) => stderr.write(text),
    ...(stderr.isTTY && { status: (line) => stderr.write(`\r${line}\u001B[K`) }),
    color: stdout.isTTY && stdout.hasColors(),
    columns: stdout.columns ?? 100,
  };
}

/** If the reader has closed the pipe, as `head` does, the rest isn't printed. The exit code is still that of the report. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') crash(error);
}

/** Resolves when the text is written. Exits without an error if the reader has closed the pipe, as `head` does. */
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

async function serveOrHelp(role: 'all' | 'bot' | 'worker', words: readonly string[]): Promise<number> {
  if (!words.some((word) => word === '--help' || word === '-h')) {
    const [extra] = words;
    if (extra === undefined) return serveUntilStopped(role);
    const what = extra.startsWith('-') ? unknownText('flag', extra, ['--help']) : unexpectedText(extra);
    process.stderr.write(usageErrorText(what, role));
    return EX_USAGE;
  }
  const about = `${ROLE_SUMMARIES[role]}. It stops on SIGINT, SIGTERM or SIGHUP.`;
  const lists = {
    Flags: HELP_FLAG,
    'Exit codes': {
      '0': 'Stopped by a signal',
      '64': 'The command line is invalid',
      '70': 'An unexpected error',
      '78': "The configuration is invalid, or Redis, Slack or a port isn't available",
      '130': 'Stopped immediately by a second signal',
    },
  };
  const more = `To check its configuration: wrench doctor${role === 'all' ? '' : ` ${role}`}`;
  terminal().out(renderHelpPage({ about, usage: [`wrench ${role}`], lists, more }));
  return 0;
}

async function serveUntilStopped(role: 'bot' | 'worker' | 'all'): Promise<number> {
  const { serve } = await import('./app/serve.ts');
  const { makeProcessErrorHandlers } = await import('./app/process-error-handlers.ts');
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stopped.resolve();
      // A second signal exits immediately. Another process takes over the work.
      process.once(signal, () => process.exit(130));
    });
  }
  const serving = await serve(role, (deps) => {
    errorHandlers = makeProcessErrorHandlers(deps, () => process.exit(EX_SOFTWARE));
  });
  await stopped.promise;
  await serving.close();
  // A connection that never opened may keep the process running by retrying.
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref();
  return 0;
}

const EXIT_WITHIN_MS = 1_000;

/** Errors that an operator can fix. They are printed without a stack. */
const EXPECTED = new Set(['ConfigError', 'MissingSettings', 'NoRedis', 'SlackApiError']);

/** https://man.freebsd.org/cgi/man.cgi?sysexits https://man.freebsd.org/cgi/man.cgi?query=sysexits */
const EX_USAGE = 64;
const EX_SOFTWARE = 70;
const EX_CONFIG = 78;

/** Exits after an error. The log redacts secrets; Node would print the error as it is. */
function crash(error: unknown): never {
  if (error instanceof Interrupted) process.exit(130);
  const { name, message, code } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const isExpected = EXPECTED.has(name ?? '') || code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL';
  const log = makeLog({ level: 'error', secrets: knownSecrets(), to: process.stderr });
  if (isExpected) process.stderr.write(`wrench: ${message}\n`);
  else log.fatal({ event: 'crashed', err: error }, 'Wrench crashed');
  process.exit(isExpected ? EX_CONFIG : EX_SOFTWARE);
}

function knownSecrets(): readonly string[] {
  try {
    return readEnvironment().secrets;
  } catch {
    return [];
  }
}

/** Command-line verbs exit immediately; a running role replaces these handlers. */
let errorHandlers: ProcessErrorHandlers = { uncaughtException: crash, unhandledRejection: crash };
process.on('uncaughtException', (error) => errorHandlers.uncaughtException(error));
process.on('unhandledRejection', (error) => errorHandlers.unhandledRejection(error));
process.exitCode = await main(process.argv.slice(2)).catch(crash);
